"""The pictures of `dlkit plot`: one file per kind computes what is shown; `figures/` draws it."""
