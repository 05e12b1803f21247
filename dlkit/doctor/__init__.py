"""Check whether a machine is ready for dlkit."""
