"""Write files atomically, cache computed arrays, and download files."""
