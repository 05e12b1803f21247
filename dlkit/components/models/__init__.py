"""Networks, selected by model."""
