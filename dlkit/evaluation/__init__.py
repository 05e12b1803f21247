"""Evaluate, predict and encode with a run's model."""
