"""Find components by name, read their settings without importing them, and instantiate them."""
