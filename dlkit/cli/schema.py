"""dlkit schema: print the recipe format as JSON Schema."""


def schema() -> None:
    """Print the JSON Schema of recipes, for editors."""
    from dlkit import console
    from dlkit.recipe.json_schema import json_schema

    console.print_json(json_schema())
