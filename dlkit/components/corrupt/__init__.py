"""Corruptions of inputs alone, named in data.corrupt."""
