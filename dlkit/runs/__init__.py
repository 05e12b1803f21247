"""Run directories: where their files are, what they build on, and what is inside."""
