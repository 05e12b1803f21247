"""Keras callbacks, listed in training.callbacks."""
