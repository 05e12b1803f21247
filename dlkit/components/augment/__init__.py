"""Augmentations of training examples, named in data.augment."""
