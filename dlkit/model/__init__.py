"""Build, compile, load, split and summarise networks."""
