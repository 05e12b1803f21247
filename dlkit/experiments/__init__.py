"""Verbs over recipes and runs: repeat, reproduce, learning-rate range, speed."""
