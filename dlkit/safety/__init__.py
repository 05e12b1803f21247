"""Checks of what others wrote, before anything opens it: sizes, links, pickles and programs."""
