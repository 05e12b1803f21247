"""dlkit data: report what a recipe's data contains and what is wrong with it."""

from dlkit.cli._options import DataDir, Json, Offline, Overrides, Recipe, apply_data_options


def data(
    recipe: Recipe,
    overrides: Overrides = None,
    data_dir: DataDir = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Count classes, find duplicates and conflicting labels, and name unreadable files."""
    from dlkit.recipe import load_recipe

    apply_data_options(data_dir, offline)
    loaded = load_recipe(recipe, overrides or ())

    from dlkit import console
    from dlkit.machine.tensorflow import start_tensorflow

    with console.waiting("reading the data"):
        start_tensorflow()
        from dlkit.data import report as data_report

        content = data_report.report(loaded.recipe)
    if as_json:
        console.print_json(content)
    else:
        console.show_data(content)
