"""Check files that others wrote before anything opens them."""
