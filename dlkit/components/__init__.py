"""Everything that a recipe can name; a public file in one of these folders is a component."""
