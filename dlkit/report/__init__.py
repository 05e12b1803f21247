"""Pages and model cards of runs: one file each, from the run directory alone."""
