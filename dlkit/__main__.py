"""python -m dlkit is dlkit."""

from dlkit.cli import main

main()
