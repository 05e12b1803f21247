"""Train recipes: prepare, take steps, keep the state, and record the results."""
