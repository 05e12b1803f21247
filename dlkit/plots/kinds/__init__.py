"""One file per kind of picture; its function `plot` takes a subject, if it needs one, and the options it knows."""
