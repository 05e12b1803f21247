"""The models of a server: their versions and labels, loaded, swapped and unloaded while requests are answered."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from dlkit.errors import CheckError, DlkitError
from dlkit.serving.limits import Limits
from dlkit.serving.metrics import Metrics
from dlkit.serving.model import AVAILABLE, LOADING, Opened, Version, opened_elsewhere
from dlkit.serving.shadow import check_agreement
from dlkit.serving.status import Code, Refused, invalid


@dataclass(frozen=True)
class Source:
    """Where a model comes from: a folder with a folder per version, or with `number` one version alone.

    labels: names for versions, which stay loaded beside the newest ones.
    """

    name: str
    folder: Path
    number: int | None = None
    labels: dict[str, int] = field(default_factory=dict)

    def versions(self) -> dict[int, Path]:
        """Return the folders of all versions on disk."""
        if self.number is not None:
            return {self.number: self.folder}
        with suppress(FileNotFoundError):
            return {int(child.name): child for child in self.folder.iterdir() if child.name.isdecimal()}
        return {}


@dataclass(eq=False)
class Model:
    """A model with its versions, the loaded and the refused ones."""

    source: Source
    versions: dict[int, Version] = field(default_factory=dict)

    @property
    def available(self) -> list[Version]:
        """Return the versions that answer, the newest first."""
        found = [version for version in self.versions.values() if version.state == AVAILABLE]
        return sorted(found, key=lambda version: -version.number)

    @property
    def newest(self) -> Version | None:
        """Return the version that answers requests which name none."""
        return next(iter(self.available), None)


class Models:
    """All models of a server. keep: how many of the newest versions are loaded. shadow: see check_agreement.

    tell: receives one line for people whenever a version is loaded, refused or unloaded.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        limits: Limits,
        metrics: Metrics,
        tell: Callable[[str], None],
        keep: int = 1,
        shadow: float | None = None,
    ) -> None:
        self.models = {source.name: Model(source) for source in sources}
        self.limits, self.metrics, self._tell, self._keep, self._shadow = limits, metrics, tell, keep, shadow
        self._unloading: set[asyncio.Future[None]] = set()
        for name, model in self.models.items():
            metrics.queue(name, partial(_waiting, model))

    @property
    def ready(self) -> bool:
        """Return whether every model has a version that answers."""
        return all(model.newest is not None for model in self.models.values())

    def find(self, name: str, number: int | None = None, label: str | None = None) -> Version:
        """Return the version that answers a request; raise Refused as TensorFlow Serving does when there is none."""
        model = self.models.get(name)
        if label is not None:
            number = None if model is None else model.source.labels.get(label)
            if number is None:
                raise invalid(f"Unrecognized servable version label: {label}")
        found = None if model is None else model.newest if number is None else model.versions.get(number)
        if found is None or found.state != AVAILABLE:
            asked = f"Latest({name})" if number is None else f"Specific({name}, {number})"
            raise Refused(Code.NOT_FOUND, f"Servable not found for request: {asked}")
        return found

    async def load(self) -> None:
        """Load all models; raise the reason when one has no version that can be served."""
        for model in self.models.values():
            await self._refresh(model)
            if model.newest is None:
                raise self._nothing_to_serve(model)

    async def watch(self, seconds: float) -> None:
        """Look for new versions every so many seconds, for ever."""
        while True:
            await asyncio.sleep(seconds)
            for model in self.models.values():
                await self._refresh(model)

    async def close(self) -> None:
        """Answer what waits, and unload everything."""
        for model in self.models.values():
            for version in model.available:
                self._unload(model, version)
        await asyncio.gather(*self._unloading)

    async def _refresh(self, model: Model) -> None:
        """Load the newest versions, and the labelled ones; then unload those that they replace."""
        on_disk = await asyncio.to_thread(_stamped, model.source)
        wanted: list[int] = []
        for number in sorted(on_disk, reverse=True):
            is_labelled = number in model.source.labels.values()
            if (is_labelled or len(wanted) < self._keep) and await self._ensure(model, number, *on_disk[number]):
                wanted.append(number)
        if wanted:
            for version in [version for version in model.available if version.number not in wanted]:
                self._unload(model, version)
        for number in [number for number in model.versions if number not in on_disk and number not in wanted]:
            if model.versions[number].state != AVAILABLE:
                del model.versions[number]

    def _unload(self, model: Model, version: Version) -> None:
        """Unload a version once it has answered what waits for it, without waiting here."""
        self._tell(f"{model.source.name}: version {version.number} is unloaded")
        task = asyncio.ensure_future(version.unload())
        self._unloading.add(task)
        task.add_done_callback(self._unloading.discard)

    async def _ensure(self, model: Model, number: int, folder: Path, stamp: str) -> bool:
        """Load a version unless it answers already, or was refused as it is; return whether it answers."""
        known = model.versions.get(number)
        if known is not None and known.state == AVAILABLE:
            return True
        if known is not None and known.stamp == stamp and known.error is not None:
            return False
        version = model.versions[number] = Version(number, folder, stamp, LOADING)
        name = model.source.name
        try:
            opened = await self._checked(model, folder)
        except Exception as error:
            version.refuse(error)
            self.metrics.refused(name)
            self._tell(f"{name}: version {number} is refused: {error}")
            return False
        version.make_available(opened, self.limits, self.metrics.computed(name))
        self.metrics.loaded(name, number)
        self._tell(f"{name}: version {number} answers, from {folder} ({opened.backend.platform})")
        return True

    async def _checked(self, model: Model, folder: Path) -> Opened:
        opened = await opened_elsewhere(folder)
        if self._shadow is not None and model.newest is not None:
            await check_agreement(model.newest, opened, self._shadow, self.limits.seconds)
        return opened

    def _nothing_to_serve(self, model: Model) -> DlkitError:
        """Return why a model has no version that answers: the error of the only one, or of all."""
        errors = [version.error for version in model.versions.values()]
        if len(errors) == 1 and isinstance(errors[0], DlkitError):
            return errors[0]
        refused = [f"version {number}: {version.error}" for number, version in model.versions.items()]
        why = "; ".join(refused) or f"{model.source.folder} has no version"
        return CheckError(f"{model.source.name} cannot be served: {why}", "export the run again: dlkit export")


def _waiting(model: Model) -> int:
    """Return how many requests wait for a model."""
    return sum(version.batcher.waiting for version in model.available if version.batcher is not None)


def _stamped(source: Source) -> dict[int, tuple[Path, str]]:
    """Return the folder of every version on disk, and what identifies its contents: names, sizes and times."""
    return {number: (folder, _stamp(folder)) for number, folder in source.versions().items()}


def _stamp(folder: Path) -> str:
    listed = []
    with suppress(OSError):  # it is being written or removed
        for path in sorted(folder.rglob("*")):
            found = path.lstat()
            listed.append(f"{path} {found.st_size} {found.st_mtime_ns} {found.st_ino}")
    return hashlib.sha256("\n".join(listed).encode("utf-8", "surrogateescape")).hexdigest()
