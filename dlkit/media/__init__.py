"""Decode media with the same decoder for training, prediction and export."""
