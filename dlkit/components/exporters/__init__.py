"""Export formats, selected by --format."""
