"""Keras regularizers."""
