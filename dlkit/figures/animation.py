"""Write figures one after another as an animation."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

from dlkit.figures.style import save

FRAME, LAST = 250, 2000  # milliseconds


def save_animation(figures: Sequence[Figure], path: Path, about: str = "") -> None:
    """Write figures as a GIF that repeats; the last one stays longer."""
    from PIL import Image

    frames = []
    for figure in figures:
        buffer = BytesIO()
        save(figure, buffer, about)
        frames.append(Image.open(buffer).convert("RGB"))
    times = [FRAME] * (len(frames) - 1) + [LAST]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=times, loop=0)
