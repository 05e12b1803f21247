"""Runs many mutated inputs through dlkit in this process; anything but an answer or a DlkitError is a violation."""

import contextlib
import io
import random
import shutil
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import mutators
import numpy as np

from dlkit.errors import DlkitError
from dlkit.recipe import load_recipe, shipped_recipes

SECONDS = 10


class TooLongError(Exception):
    """One input took longer than SECONDS."""


class Campaign:
    """Outcomes counted by kind, and the violations with the number of the input that showed them."""

    def __init__(self, seed):
        self.seed, self.outcomes, self.violations, self.slowest = seed, Counter(), [], 0.0

    def random(self, number):
        """Each input has a generator of its own, so that it can be made again alone."""
        return random.Random(f"{self.seed}/{number}")

    def run(self, number, action):
        """Run one input and note what came of it."""
        begun = time.perf_counter()
        try:
            with deadline():
                action()
            self.outcomes["accepted"] += 1
        except DlkitError as error:
            self.outcomes["refused"] += 1
            if not str(error):
                self.violations.append(f"{number}: an error that says nothing")
        except Exception as error:
            self.outcomes["failed"] += 1
            self.violations.append(f"{number}: {type(error).__name__}: {str(error)[:300]} {origin(error)}")
        self.slowest = max(self.slowest, time.perf_counter() - begun)

    def line(self, name):
        """One line of counts."""
        counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.outcomes.items()))
        return f"{name}: {counts}; {len(self.violations)} violations; slowest {self.slowest:.2f} s"


def origin(error):
    """The innermost place in dlkit that an exception came through."""
    places, trace = [], error.__traceback__
    while trace is not None:
        places.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    inside = [(file, line) for file, line in places if "/dlkit/" in file and "/tests/" not in file]
    return "at {}:{}".format(*(inside or places)[-1])


@contextlib.contextmanager
def deadline():
    def stop(*_):
        raise TooLongError(f"longer than {SECONDS} s")

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)


def texts():
    """The shipped recipes."""
    return [path.read_text(encoding="utf-8") for path in shipped_recipes().values()]


def recipes(count, scratch, seed=0):
    """Mutated recipes through load_recipe."""
    campaign, shipped, path = Campaign(seed), texts(), scratch / "mutated.yaml"
    for number in range(count):
        chance = campaign.random(number)
        path.write_bytes(mutators.recipe(chance, chance.choice(shipped)))
        campaign.run(number, lambda: load_recipe(path))
    return campaign


def command_lines(count, scratch, seed=0):
    """Mutated recipes through `dlkit validate`, as the command line runs it: exit 0 or 2, no traceback."""
    campaign, shipped, path = Campaign(seed), texts(), scratch / "mutated.yaml"
    for number in range(count):
        chance = campaign.random(number)
        path.write_bytes(mutators.recipe(chance, chance.choice(shipped)))
        arguments = ["validate", str(path), *(["--json"] if number % 3 == 0 else [])]
        campaign.run(number, partial(command, arguments))
    return campaign


def command(arguments):
    """Run the command line; raises DlkitError for exit 2, and an exception for anything else that is not 0."""
    from dlkit.cli import main

    saved, sys.argv = sys.argv, ["dlkit", *arguments]
    out, error = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
            main()
    except SystemExit as stopped:
        if "Traceback" in error.getvalue() or stopped.code not in (0, 2, None):
            raise RuntimeError(f"exit {stopped.code}: {error.getvalue()[-300:]}") from stopped
        if stopped.code == 2:
            raise DlkitError(error.getvalue() or out.getvalue()) from stopped
    finally:
        sys.argv = saved


def images(count, scratch, seed=0):
    """Mutated images through read_image."""
    from dlkit.media.images import read_image

    campaign, samples, path = Campaign(seed), encoded_digits(), scratch / "mutated.png"
    for number in range(count):
        chance = campaign.random(number)
        path.write_bytes(mutators.image(chance, samples))
        campaign.run(number, partial(read_image, path, chance.choice((1, 3))))
    return campaign


def encoded_digits():
    """A real digit as JPEG (two kinds), PNG, GIF (one and three frames) and BMP."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = [Image.fromarray((image * 15).astype(np.uint8)).resize((40, 30)) for image in load_digits().images[:3]]
    kinds = [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("GIF", {}), ("BMP", {})]
    kinds.append(("GIF", {"save_all": True, "append_images": digits[1:]}))
    samples = []
    for kind, settings in kinds:
        stream = io.BytesIO()
        digits[0].save(stream, kind, **settings)
        samples.append(stream.getvalue())
    return samples


def runs(count, trained, scratch, seed=0):
    """Mutated copies of a run through open_run and inspect; a file outside the copy is a violation."""
    from dlkit.model.trained import open_run
    from dlkit.runs.directory import RunDirectory
    from dlkit.runs.inspection import inspect

    campaign, folder = Campaign(seed), scratch / "deep" / "down" / "digits_mlp" / "run"
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(trained, folder)
        mutators.run_directory(campaign.random(number), folder)
        before = outside(scratch, folder)
        campaign.run(number, lambda: open_run(RunDirectory(folder)))
        campaign.run(number, lambda: inspect(folder))
        if new := outside(scratch, folder) - before:
            campaign.violations.append(f"{number}: wrote {sorted(map(str, new))}")
    return campaign


def outside(scratch: Path, folder: Path) -> set[Path]:
    return {path for path in scratch.rglob("*") if not path.is_relative_to(folder)}


def graphs(count, trained, scratch, seed=0):
    """Changed copies of an export through inspect; a function that acts outside and is called safe is a violation."""
    import graphs as changes

    from dlkit.export.export import export
    from dlkit.model.trained import open_run
    from dlkit.runs.directory import RunDirectory
    from dlkit.runs.inspection import inspect

    campaign, folder = Campaign(seed), scratch / "copy"
    artefact = export(open_run(RunDirectory(trained)), "saved_model", scratch / "exports")[0]
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(artefact, folder)
        way = changes.mutate(campaign.random(number), folder, str(scratch / "secret"))

        def look():
            found = inspect(folder)
            if not found.safe:
                raise DlkitError("; ".join(found.reasons))

        before = campaign.outcomes["accepted"]
        campaign.run(number, look)
        if campaign.outcomes["accepted"] > before and way in changes.ALWAYS_REFUSED:
            campaign.violations.append(f"{number}: {way} is called safe")
    return campaign


def read_all(dataset):
    """Describe a dataset and read its first examples."""
    for split in dataset.describe().splits:
        examples = dataset.load(split, None)
        if len(examples):
            examples.read(np.arange(1))


def tables(count, scratch, seed=0):
    """Mutated CSV files through the dataset."""
    from dlkit.components.datasets.csv import Csv

    rows = [["a", "b", "kind"], *([str(n * n % 11), f"{n * 37 % 23 / 7:.3f}", "xyz"[n % 3]] for n in range(20))]
    campaign, path = Campaign(seed), scratch / "mutated.csv"
    for number in range(count):
        chance = campaign.random(number)
        path.write_bytes(mutators.table(chance, rows))
        target, kind = chance.choice((("kind", "classes"), ("kind", "classes"), ("b", "values"), ("", "classes")))
        fraction = chance.choice((None, 0.3))
        campaign.run(
            number,
            lambda: read_all(Csv(file=str(path), target=target, kind=kind, test_fraction=fraction)),  # noqa: B023
        )
    return campaign


def arrays(count, scratch, seed=0):
    """Mutated .npz and .npy files through the dataset and inspect."""
    from dlkit.components.datasets.arrays import Arrays
    from dlkit.runs.inspection import inspect

    samples = np.arange(320, dtype=np.uint8).reshape(20, 4, 4, 1), np.arange(20) % 3
    campaign, path = Campaign(seed), scratch / "mutated.npz"
    for number in range(count):
        chance = campaign.random(number)
        x, y = mutators.arrays(chance, samples)
        np.savez(path, x=x, y=y)
        if chance.random() < 0.4:
            path.write_bytes(mutators.change_bytes(chance, path.read_bytes()))
        classes = chance.choice((None, 3, 2))
        campaign.run(number, lambda: read_all(Arrays(train=str(path), classes=classes)))  # noqa: B023
        campaign.run(number, lambda: inspect(path))
    return campaign


def masks(count, scratch, seed=0):
    """Mutated masks and images in two folders, through the dataset."""
    from PIL import Image

    from dlkit.components.datasets.image_mask_folder import ImageMaskFolder

    campaign, folder = Campaign(seed), scratch / "pairs"
    samples = []
    for kind, mode in (("PNG", "L"), ("PNG", "P"), ("PNG", "RGB"), ("BMP", "L"), ("GIF", "P"), ("PNG", "1")):
        stream = io.BytesIO()
        Image.fromarray(np.arange(30, dtype=np.uint8).reshape(5, 6) % 3).convert(mode).save(stream, kind)
        samples.append(stream.getvalue())
    for number in range(count):
        chance = campaign.random(number)
        shutil.rmtree(folder, ignore_errors=True)
        for place in ("images", "masks"):
            (folder / place).mkdir(parents=True)
            for name in range(4):
                content = chance.choice(samples)
                changed = mutators.image(chance, samples) if chance.random() < 0.2 else content
                (folder / place / f"{name}.png").write_bytes(changed)
        values = chance.choice((None, [0, 1, 2], [0, 255], [[0, 0, 0], [1, 1, 1], [2, 2, 2]]))
        names = ["a", "b", "c"][: len(values)] if values else ["a", "b", "c"]
        campaign.run(
            number,
            lambda: read_all(ImageMaskFolder(directory=str(folder), class_names=names, values=values)),  # noqa: B023
        )
    return campaign


def folders(count, scratch, seed=0):
    """Odd names of classes and files, through the dataset and the report on it."""
    from dlkit.components.datasets.image_folder import ImageFolder

    campaign, folder, sample = Campaign(seed), scratch / "classes", encoded_digits()[2]
    names = [
        *mutators.CELLS,
        "cats",
        "train",
        "Test",
        "._x",
        "__MACOSX",
        "a\u0300",
        "猫",
        "😀",
        "x" * 200,
        "-",
        "*",
        "[a]",
    ]
    for number in range(count):
        chance = campaign.random(number)
        shutil.rmtree(folder, ignore_errors=True)
        for _ in range(chance.choice((1, 2, 3, 5))):
            with contextlib.suppress(OSError, ValueError):  # names that no file can have
                place = folder / chance.choice(names) / chance.choice(("", "", *names))
                place.mkdir(parents=True, exist_ok=True)
                for item in range(3):
                    (place / f"{item}{chance.choice(('.png', '.PNG', '.jpg', '.txt', ''))}").write_bytes(sample)
        campaign.run(number, lambda: read_all(ImageFolder(directory=str(folder))))
    return campaign


def artefacts(count, trained, scratch, seed=0):
    """Mutated checkpoints, arrays and certificates through inspect, under a name of any kind."""
    from dlkit.runs.inspection import inspect

    campaign = Campaign(seed)
    sources = [
        trained / name for name in ("last.keras", "preprocess.keras", "samples.npz", "metrics.json", "data.json")
    ]
    for number in range(count):
        chance = campaign.random(number)
        source = chance.choice(sources)
        suffix = source.suffix if chance.random() < 0.8 else chance.choice((".keras", ".h5", ".npz", ".npy", ".json"))
        path = scratch / f"mutated{suffix}"
        shutil.copy(source, path)
        if suffix in (".keras", ".npz") and chance.random() < 0.6:
            mutators.archive(chance, path)
        else:
            path.write_bytes(mutators.change_bytes(chance, path.read_bytes()))
        campaign.run(number, partial(inspect, path))
    return campaign
