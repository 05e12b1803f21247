"""Networks: built, compiled, trained elsewhere, taken apart and summarised."""
