"""Corruptions of inputs but not of targets, listed in data.corrupt."""
