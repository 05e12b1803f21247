"""What a component imports: the types and base classes of each kind."""
