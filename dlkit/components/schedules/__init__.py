"""Keras learning-rate schedules."""
