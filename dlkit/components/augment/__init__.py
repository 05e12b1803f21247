"""Augmentations of training examples, listed in data.augment."""
