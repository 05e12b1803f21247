"""Keras initializers."""
