"""Train: prepare, loop, steps, state, and the record of it."""
