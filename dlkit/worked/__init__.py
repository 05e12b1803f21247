"""Examples of the decks worked by hand, with NumPy alone: one file per example, and the decks' own numbers."""
