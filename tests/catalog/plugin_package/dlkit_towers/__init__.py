"""Networks of another distribution."""
