"""Keras optimizers."""
