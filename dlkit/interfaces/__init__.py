"""Types and base classes that components import, by kind."""
