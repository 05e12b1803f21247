"""Run directories: their files, the runs they depend on, and their contents."""
