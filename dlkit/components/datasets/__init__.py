"""Datasets, selected by data.source."""
