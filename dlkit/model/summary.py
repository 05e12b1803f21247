"""Summarise a recipe: table, counts and contract, cached so that the next call does not need TensorFlow."""

import hashlib
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dlkit.catalog.roots import roots
from dlkit.data.source import build_dataset, describe, stored_description
from dlkit.files.cache import cached_json
from dlkit.interfaces.data import Description
from dlkit.machine.environment import versions
from dlkit.recipe.contract import changes_counts, check_table
from dlkit.runs.parents import source_reference, with_kept_source

if TYPE_CHECKING:
    from dlkit.recipe import LoadedRecipe
    from dlkit.runs.directory import RunDirectory


def summarise(
    loaded: "LoadedRecipe",
    run: "RunDirectory | None" = None,
    explain: bool = False,
    cost: bool = False,
    unfold: bool = False,
) -> dict[str, Any]:
    """Return the documented JSON of `dlkit summary`: recipe, parameters, layers, contract.

    `explain` adds the formulas of each layer, `cost` multiply-adds, memory and receptive field, `unfold` the layers of
    nested networks. A run's table is built
    from its stored description of the data. Raises located errors when the model cannot be built, and CheckError when
    the value of a formula differs from what Keras reports.
    """
    recipe = loaded.recipe
    description = stored_description(run) if run else describe(recipe, build_dataset(recipe))
    key = {
        "recipe": loaded.plain,
        "description": asdict(description),
        "explain": explain,
        "cost": cost,
        "unfold": unfold,
        "source": _source_digest(tuple(root.folder for root in roots())),
        "versions": versions(),
    }
    if run:
        loaded = with_kept_source(loaded, run)
    if source_reference(recipe) is not None:  # the run that it names may have changed
        table = _build_table(loaded, description, explain, cost, unfold)
    else:
        table = cached_json("summaries", key, lambda: _build_table(loaded, description, explain, cost, unfold))
    rows = [(row["layer"], row["output_shape"], row["parameters"]) for row in table["layers"]]
    differences = check_table(recipe.expect, table["parameters"], rows)
    contract: dict[str, Any] = {"passed": not differences, "differences": differences}
    if not recipe.expect.states_counts:
        contract["passed"] = None
    changed = changes_counts(run.read_json("environment.json").get("overrides", []) if run else loaded.overrides)
    if differences and changed:
        contract["changed"] = changed
    return {"recipe": recipe.name, **table, "contract": contract}


def _build_table(
    loaded: "LoadedRecipe", description: Description, explain: bool, cost: bool, unfold: bool
) -> dict[str, Any]:
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from dlkit.analysis import table as layer_table
    from dlkit.model.build import build_model
    from dlkit.model.groups import set_trainable

    network = build_model(loaded.recipe, description).network
    set_trainable(network, loaded.recipe.resolved_phases()[-1].trainable)
    rows = [asdict(row) for row in layer_table.layer_rows(network, unfold)]
    if explain:
        _add_explanations(network, rows)
    table = {"parameters": layer_table.count_parameters(network), "layers": rows}
    return table | (_add_costs(network, rows) if cost else {})


def _add_explanations(network: Any, rows: list[dict[str, Any]]) -> None:
    """Write the formulas of every layer into its row, those of nested networks that are unfolded too."""
    from dlkit.analysis import table as layer_table

    for row, explanation in zip(rows, layer_table.explain(network), strict=True):
        sizes = list(dict.fromkeys(map(str, explanation.sizes)))
        parameters = str(explanation.parameters or "")
        row["explanation"] = {"sizes": sizes, "parameters": parameters, "notes": explanation.notes}
        if row["inner"]:
            _add_explanations(network.get_layer(row["name"]), row["inner"])


def _add_costs(network: Any, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Write the cost of every layer into its row; return the network's."""
    from dlkit.analysis import cost as layer_cost

    costs = layer_cost.layer_costs(network)
    for row, item in zip(rows, costs, strict=True):
        row["cost"] = asdict(item)
    return {"cost": layer_cost.total_cost(network, costs)}


@cache
def _source_digest(components: tuple[Path, ...]) -> str:
    """Return a digest of the source code of dlkit and of all components."""
    digest = hashlib.sha256()
    for folder in (Path(__file__).parents[1], *components):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
