"""Keras callbacks, named in training.callbacks."""
