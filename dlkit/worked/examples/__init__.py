"""One file per example of `dlkit worked`; its function `work` has the settings as arguments."""
