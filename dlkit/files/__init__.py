"""Write files whole or not at all, keep computed arrays, and download."""
