"""The house style of all figures, how names are written in them, and how a figure becomes a file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from pathlib import Path
from typing import Any, BinaryIO, ParamSpec

from matplotlib import rcParams, style
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import NullFormatter

from dlkit.figures.fonts import families_for, has_glyph
from dlkit.formatting import printable

Settings = ParamSpec("Settings")

STYLE = str(Path(__file__).with_name("house.mplstyle"))
DARK = str(Path(__file__).with_name("dark.mplstyle"))
_styles: ContextVar[tuple[str, ...]] = ContextVar("_styles", default=(STYLE,))


class _Colours(Sequence[str]):
    """The ten colours of the style in use, for what is not drawn in turn."""

    def __getitem__(self, number: Any) -> Any:
        return rcParams["axes.prop_cycle"].by_key()["color"][number]

    def __len__(self) -> int:
        return 10


COLOURS = _Colours()
MARKERS = "osD^vPX<>*"
LONGEST = 24
UNITS = {"psnr": "psnr (dB)", "seconds": "time (s)", "mae": "mean absolute error", "mse": "mean squared error"}


@contextmanager
def on_black(dark: bool = True) -> Iterator[None]:
    """Draw and save figures on black inside this context, if `dark`."""
    before = _styles.set((STYLE, DARK) if dark else (STYLE,))
    try:
        yield
    finally:
        _styles.reset(before)


def house_style(draw: Callable[Settings, Figure]) -> Callable[Settings, Figure]:
    """Decorate a function that draws a figure, so that it draws in the house style."""

    @wraps(draw)
    def drawn(*settings: Settings.args, **named: Settings.kwargs) -> Figure:
        with style.context(list(_styles.get())):
            return draw(*settings, **named)

    return drawn


def save(figure: Figure, path: Path | BinaryIO, about: str = "") -> None:
    """Write a figure as a PNG or SVG file; `about` is the second line of its title: recipe, run and split."""
    with style.context(list(_styles.get())):
        figure.suptitle("\n".join(filter(None, (figure.get_suptitle(), label(about, 110)))))
        texts = figure.findobj(Text)
        rcParams["font.family"] = families = families_for("".join(text.get_text() for text in texts))
        for text in texts:
            text.set_fontfamily(families)
        for axes in figure.axes:
            _write_plain_numbers(axes)
        figure.savefig(path)


def _write_plain_numbers(axes: Any) -> None:
    """Write the numbers of logarithmic axes as 0.01 and 1e+06; matplotlib's own are formulas."""
    for axis in (axes.xaxis, axes.yaxis):
        if axis.get_scale() == "log":
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            low, high = sorted(axis.get_view_interval())
            within_a_decade = high < 10 * low  # one power of ten at most: it alone does not say the scale
            axis.set_minor_formatter((lambda value, _: f"{value:g}") if within_a_decade else NullFormatter())


def label(name: str, longest: int = LONGEST) -> str:
    """Return a name as a figure shows it: on one line, shortened in its middle, with what has no glyph escaped."""
    shown = "".join(letter if has_glyph(letter) else ascii(letter)[1:-1] for letter in printable(name))
    if len(shown) <= longest:
        return shown
    return f"{shown[: longest // 2]}…{shown[-(longest - longest // 2 - 1) :]}"


def labels(names: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Return the labels of names; where two are the same once shortened, all get their numbers."""
    found = [label(name, longest) for name in names]
    if len(set(found)) == len(found):
        return found
    return [f"{number}: {label(name, longest - 6)}" for number, name in enumerate(names)]


def legend(owner: Any, handles: Sequence[Any], names: Sequence[str], **place: Any) -> None:
    """Add a legend to axes or a figure; unlike matplotlib's own, it shows names that begin with an underscore."""
    numbers = [str(number) for number in range(len(names))]
    shown = owner.legend(handles, numbers, **place)
    for text, name in zip(shown.get_texts(), names, strict=True):
        text.set_text(name)


def axis_label(metric: str) -> str:
    """Return the label of an axis of a metric, with its unit if it has one."""
    return UNITS.get(metric.removeprefix("val_"), label(metric))
