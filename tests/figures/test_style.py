"""All figures have one style: 1280 x 720 pixels, no small text, and names as they are."""

from functools import partial

import numpy as np
import pytest
from matplotlib import get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from PIL import Image

from dlkit.figures import fonts
from dlkit.figures.animation import save_animation
from dlkit.figures.confusion_matrix import confusion_matrix_figure
from dlkit.figures.curves import compared_figure, curves_figure
from dlkit.figures.latent import grid_figure, latent_figure
from dlkit.figures.learning_rate_range import learning_rate_range_figure
from dlkit.figures.lesion import paths_figure
from dlkit.figures.mistakes import Mistake, mistakes_figure
from dlkit.figures.overlap_pattern import overlap_pattern_figure
from dlkit.figures.predicted_values import predicted_values_figure
from dlkit.figures.reconstructions import reconstructions_figure
from dlkit.figures.segmentation import overlay_figure, segmentation_figure
from dlkit.figures.sizes import sizes_figure
from dlkit.figures.style import COLOURS, house_style, label, labels, on_black, save
from dlkit.figures.tiles import tiles_figure
from dlkit.runs.directory import RunDirectory
from dlkit.runs.figures import write_figures

NAMES = (
    "$0_$10",
    "$\\frac$",
    "_background_",
    "\u732b",
    "line\nbreak",
    "\x1b[31mred",
    "x" * 250,
    "[red]",
    ":cat:",
    "e\u0301",
)
SHOWN = ["$0_$10", "$\\frac$", "_background_", "\\u732b", "line\\nbreak", "\\x1b[31mred"]
RATES = np.geomspace(1e-6, 1, 20)
IMAGES = np.linspace(0, 1, 4 * 64).reshape(4, 8, 8, 1)
MASK = np.arange(64).reshape(8, 8) % 10
RANGE = {
    "learning_rates": RATES,
    "losses": -RATES,
    "smoothed": -RATES,
    "proposal": {"learning_rate": 0.01, "peak": 0.1},
}
FIGURES = {
    "matrix": partial(confusion_matrix_figure, np.eye(10, dtype=int), NAMES),
    "curve": partial(curves_figure, "$psnr$", {"$psnr$": [1, 2, 3], "val_$psnr$": [3, 4, 5]}),
    "codes": partial(latent_figure, np.eye(10), np.arange(10), NAMES),
    "grid": partial(grid_figure, IMAGES, "Decoded draws"),
    "range": partial(learning_rate_range_figure, RANGE),
    "mistakes": partial(mistakes_figure, [Mistake(7, IMAGES[0], NAMES[0], NAMES[6], 0.98)], 1, 5),
    "overlap": partial(overlap_pattern_figure, "up_$1_$2", 3, 2),
    "values": partial(predicted_values_figure, IMAGES[0, ..., 0], IMAGES[1, ..., 0], NAMES[:8], [0.5] * 8),
    "pictures": partial(reconstructions_figure, {"original": IMAGES, "noisy input": IMAGES}),
    "overlay": partial(overlay_figure, "Masks", IMAGES, [MASK] * 4, [MASK] * 4, NAMES),
    "tiles": partial(tiles_figure, "Tiles", list(IMAGES[..., 0]), NAMES[:4]),
    "sizes": partial(sizes_figure, "depth", "$psnr$", [("a_$b_$", 3, 0.5), (NAMES[6], 4, 0.6)]),
    "compared": partial(compared_figure, "loss", {"a_$b_$": {"loss": [1, 2], "val_loss": [2, 3]}}),
    "masks": partial(segmentation_figure, [(IMAGES[0], MASK, MASK)] * 4, NAMES),
}


@pytest.fixture
def installed(monkeypatch):
    """A function that says which fonts are installed, whatever this machine has."""

    def only(*families):
        monkeypatch.setattr(fonts, "_installed", lambda: iter(families))
        fonts._family.cache_clear()

    yield only
    fonts._family.cache_clear()


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_legible_at_1280_x_720_and_says_what_it_is(tmp_path, name, installed):
    installed()

    figure = FIGURES[name]()
    what = figure.get_suptitle()
    save(figure, tmp_path / "a.png", "recipe a_$b_$, run 20260101-000000, test")
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1280, 720)
    assert what
    assert figure.get_suptitle() == f"{what}\nrecipe a_$b_$, run 20260101-000000, test"
    written = [text for text in figure.findobj(Text) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in written) >= 12
    box = figure.bbox
    for text in written:
        assert not text.get_parse_math()
        extent = text.get_window_extent()
        if extent.x0 < box.x1:  # ticks beyond the axes are not drawn
            assert extent.x1 <= box.x1 + 1, text


def test_names_are_written_as_they_are():
    figure = confusion_matrix_figure(np.eye(10, dtype=int), NAMES)
    found = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert found[:3] == SHOWN[:3]
    assert found[4:6] == SHOWN[4:6]
    assert found[7:] == ["[red]", ":cat:", "e\u0301"]


def test_long_names_stay_different():
    assert label("x" * 250) == "x" * 12 + "…" + "x" * 11
    same = ["x" * 30 + end + "x" * 30 for end in "abc"]
    assert len(set(labels(same))) == 3
    assert labels(same)[2] == "2: " + "x" * 9 + "…" + "x" * 8
    assert labels(["a", "b" * 24]) == ["a", "b" * 24]


def test_a_character_without_any_font_is_escaped(installed):
    installed()
    assert label("\u732b \U0001f41d cat") == "\\u732b \\U0001f41d cat"


def test_an_installed_font_draws_what_the_own_one_cannot(tmp_path, installed):
    """STIX stands for the Chinese or Arabic font of a user's machine."""
    other = next(font for font in fontManager.ttflist if font.name == "STIXGeneral" and font.style == "normal")
    missing = fonts._characters(other.fname) - fonts._characters(f"{get_data_path()}/fonts/ttf/DejaVuSans.ttf")
    letter = chr(min(code for code in missing if chr(code).isprintable()))
    installed((other.name, other.fname))
    assert label(letter) == letter
    assert fonts.families_for(f"a{letter}") == ["DejaVu Sans", "STIXGeneral"]
    save(confusion_matrix_figure(np.eye(2, dtype=int), (letter, "b")), tmp_path / "a.png")  # warnings are errors


def test_the_ten_colours_are_those_of_the_style_file():
    found = []
    for dark in (False, True):
        with on_black(dark):
            found.append(house_style(_lines)())
    assert found[0][:2] == ("#3f90da", "#ffa90e")
    assert [one == other for one, other in zip(*found, strict=True)].count(False) == 2  # red and purple
    assert len(set(found[0])) == len(set(found[1])) == 10


def _lines():
    lines = Figure().add_subplot().plot(np.eye(10))
    assert [line.get_color() for line in lines] == list(COLOURS)
    return tuple(COLOURS)


def test_logarithmic_axes_have_plain_numbers(tmp_path):
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([1e-3, 1e5], [1, 2])
    axes.set_xscale("log")
    save(figure, tmp_path / "a.svg")
    shown = [text.get_text() for text in axes.get_xticklabels()]
    assert {"0.001", "0.1", "1000", "100000"} <= set(shown)
    assert not any("$" in text for text in shown)


def test_the_axis_of_a_share_ends_at_one():
    one = curves_figure("accuracy", {"accuracy": [0.97], "val_accuracy": [0.995]}).axes[0]
    assert one.get_ylim() == (0, 1)
    more = curves_figure("accuracy", {"accuracy": [0.97, 0.99], "val_accuracy": [0.995, 1.0]}).axes[0]
    assert 0.9 < more.get_ylim()[0] < 0.97
    assert more.get_ylim()[1] == 1
    loss = curves_figure("loss", {"loss": [2.0]}).axes[0]
    assert loss.get_ylim()[0] == 0
    assert loss.get_ylim()[1] > 2


def test_axes_have_units():
    assert curves_figure("psnr", {"psnr": [20.0]}).axes[0].get_ylabel() == "psnr (dB)"
    assert (
        latent_figure(np.eye(9), np.arange(9), ()).axes[0].get_xlabel() == "principal component 1 (12.5 % of variance)"
    )


def test_codes_wider_than_there_are_examples_need_no_product_of_codes():
    """500,000 values a code: a product of all pairs of values would take 1.8 TiB."""
    codes = np.zeros((6, 500_000), np.float32)
    codes[:3, 7], codes[:2, 9] = 3, 1
    figure = latent_figure(codes, np.arange(6), ())
    points = figure.axes[0].collections[0].get_offsets()
    wide = codes.astype(float) - codes.mean(axis=0)
    distances = np.linalg.norm(wide[:, None] - wide[None], axis=-1)
    np.testing.assert_allclose(np.linalg.norm(points[:, None] - points[None], axis=-1), distances, atol=1e-6)


def test_a_figure_that_fails_costs_a_warning(tmp_path):
    run, notes = RunDirectory(tmp_path / "recipe" / "run"), []

    def fails():
        raise ValueError("no such glyph\nmore")

    draw = {"bad": fails, "../a/b$": partial(curves_figure, "loss", {"loss": [1.0]})}
    write_figures(run, draw, "test", notes.append)
    assert notes == [f"warning: {run.path / 'figures' / 'bad.png'} was not drawn: no such glyph"]
    assert [path.name for path in (run.path / "figures").iterdir()] == ["___a_b_.png"]


@pytest.mark.parametrize("name", ["codes", "masks", "values"])
def test_legends_show_names_that_begin_with_an_underscore(name):
    figure = FIGURES[name]()
    (shown,) = figure.legends or [figure.axes[0].get_legend()]
    assert any(text.get_text().startswith("_background_") for text in shown.get_texts())


def test_an_animation_has_its_frames(tmp_path):
    save_animation([curves_figure("loss", {"loss": [1.0, last]}) for last in (2.0, 0.5)], tmp_path / "a.gif")
    with Image.open(tmp_path / "a.gif") as image:
        assert (image.n_frames, image.size) == (2, (1280, 720))


@pytest.mark.parametrize(("heights", "fewest"), [((0.0022, 0.0043), 2), ((0.001, 100.0), 3)])
def test_a_logarithmic_axis_has_numbers_also_within_one_power_of_ten(tmp_path, heights, fewest):
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], heights)
    axes.set_yscale("log")
    save(figure, tmp_path / "figure.png")
    low, high = axes.get_ylim()
    ticks = [*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks()]
    shown = [tick.label1.get_text() for tick in ticks if low <= tick.get_loc() <= high and tick.label1.get_text()]
    assert len(shown) >= fewest
    assert all(low <= float(text) <= high for text in shown)


@pytest.mark.parametrize(
    ("gradients", "scale"), [((0.004, 0.002), "linear"), ((1.0, 0.001), "log"), ((1.0, 0), "linear")]
)
def test_paths_have_a_logarithmic_axis_only_where_gradients_differ_by_more_than_ten_times(gradients, scale):
    paths = [{"blocks": n, "paths": 1, "gradient": value, "total": value} for n, value in enumerate(gradients)]
    assert paths_figure({"paths": paths}).axes[1].get_yscale() == scale
