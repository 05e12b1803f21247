"""Experiments on recipes and runs: repeat, crossval, reproduce, gradcheck, search, learning-rate range, speed."""
