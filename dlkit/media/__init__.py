"""Decode media, one decoder for training, prediction and export alike."""
