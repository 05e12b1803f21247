"""Check files of unknown origin before they are opened."""
