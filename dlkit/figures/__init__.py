"""Matplotlib figures, one kind per file."""
