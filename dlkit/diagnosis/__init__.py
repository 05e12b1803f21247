"""Say in plain words what is wrong with a training, from measured signals alone."""
