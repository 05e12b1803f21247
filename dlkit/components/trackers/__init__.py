"""Trackers, listed in training.trackers: they record settings and epochs for other programs."""
