"""Check whether a machine is fit for dlkit."""
