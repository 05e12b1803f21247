"""Networks, named in model."""
