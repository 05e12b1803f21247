"""Draw matplotlib figures, one file each."""
