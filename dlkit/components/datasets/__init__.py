"""Data sources, named in data.source."""
