"""Components that a recipe can name: every public file in one of these folders is one."""
