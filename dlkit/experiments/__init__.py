"""Experiments on recipes and runs: repeat, reproduce, learning-rate range, speed."""
