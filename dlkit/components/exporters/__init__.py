"""Export formats, named by --format."""
