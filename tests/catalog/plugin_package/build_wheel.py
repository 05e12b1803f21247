"""A build backend that needs nothing installed, so that the tests can install this package without a network."""

import zipfile
from pathlib import Path

INFO = "dlkit_towers-1.0.dist-info"
FILES = {
    f"{INFO}/METADATA": "Metadata-Version: 2.1\nName: dlkit-towers\nVersion: 1.0\n",
    f"{INFO}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    f"{INFO}/entry_points.txt": "[dlkit.components]\ntowers = dlkit_towers\n",
}


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Write the wheel (PEP 517)."""
    here = Path(__file__).parent
    sources = {str(path.relative_to(here)): path.read_text() for path in here.glob("dlkit_towers/**/*.py")}
    name = "dlkit_towers-1.0-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as archive:
        for member, text in (sources | FILES).items():
            archive.writestr(member, text)
        archive.writestr(f"{INFO}/RECORD", "".join(f"{member},,\n" for member in (*sources, *FILES)))
    return name
