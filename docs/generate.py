"""Write two pages: python docs/generate.py.

docs/recipe.md, the reference of the recipe format, comes from the schema and the component files; docs/recipes.md, the
shipped recipes, from their first lines and contracts.
"""

import inspect
from pathlib import Path
from typing import Any

from dlkit.catalog.find import own_names, source
from dlkit.recipe import LoadedRecipe, load_recipe, shipped_recipes
from dlkit.recipe.few_labels import Consistency, Labelled, PseudoLabels
from dlkit.recipe.header import read_header, run_time
from dlkit.recipe.json_schema import json_schema
from dlkit.recipe.schema import (
    Bound,
    Counts,
    Data,
    Expect,
    Patch,
    Phase,
    Recipe,
    Resize,
    Section,
    Snapshots,
    Teacher,
    Training,
    Validation,
)
from dlkit.recipe.search import Dimension, FloatRange, IntRange, Search
from dlkit.recipe.settings import settings_model

PAGE = Path(__file__).with_name("recipe.md")
RECIPES = Path(__file__).with_name("recipes.md")
SECTIONS: tuple[type[Section], ...] = (
    Recipe,
    Data,
    Validation,
    Labelled,
    Resize,
    Patch,
    Training,
    Snapshots,
    Teacher,
    PseudoLabels,
    Consistency,
    Phase,
    Expect,
    Counts,
    Bound,
    Search,
    Dimension,
    FloatRange,
    IntRange,
)
NAMESPACES = {
    "dataset": "`data.source`",
    "model": "`model`",
    "task": "`task`",
    "augment": "`data.augment`, and `augment` of a phase",
    "corrupt": "`data.corrupt`",
    "layer": "`data.preprocess` and lists of layers, beside those of `keras.layers`",
    "regularizer": "settings that end in `_regularizer`, beside those of `keras.regularizers`",
    "loss": "`loss` of a task, beside those of `keras.losses`",
    "metric": "`metrics` of a task, beside those of `keras.metrics`",
    "optimizer": "`training.optimizer`, beside those of `keras.optimizers`",
    "schedule": "`learning_rate` of an optimizer, beside those of `keras.optimizers.schedules`",
    "callback": "`training.callbacks`, beside those of `keras.callbacks`",
    "tracker": "`training.trackers`",
    "initializer": "settings that end in `_initializer`, beside those of `keras.initializers`",
    "constraint": "settings that end in `_constraint`, beside those of `keras.constraints`",
    "exporter": "`dlkit export --format`",
}

INTRODUCTION = """\
# The recipe format

<!-- Written by docs/generate.py from dlkit/recipe/schema.py and the component files. Change those, then run it. -->

A recipe is a YAML 1.2 file. `dlkit validate RECIPE` lists all problems of one, each with its line, what was
received and what is allowed; a key that nothing consumes is an error. `dlkit schema` prints the same format as JSON
Schema, with which an editor completes recipes: in VS Code with the YAML extension, write it to a file and start the
recipe with `# yaml-language-server: $schema=recipe.schema.json`.

## Components

A *component* is a name, or one name with its settings:

```yaml
task: classification                                  # a name alone takes all defaults
optimizer: {Adam: {learning_rate: 0.001}}             # a name with settings
layers:
  - Flatten
  - Dense: {units: 10, kernel_regularizer: {L2: {l2: 1e-4}}}    # components nest where Keras nests them
```

The place of a name decides what it means: a layer is looked up in `keras.layers`, an optimizer in `keras.optimizers`,
and so on for losses, metrics, callbacks, schedules, initializers, regularizers and constraints, each with Keras' own
argument names. dlkit's own components are listed [below](#dlkits-own-components); `dlkit list KIND` prints all of a
kind.

"Deck 003" and the like are [the lecture decks](lecture_arithmetic.md#the-decks).

A number may be written as a fraction: `scale: 1/255`. `units` and `filters` of a layer may be `classes`, the number of
classes of the data. Recipes contain data, never code: Python objects and layers that
wrap a function are refused.

## Overrides

`--set KEY=VALUE` changes one value for a run, before anything is checked. A key is a path with dots, in which numbers
are positions in a list, counted from 0: `--set training.epochs=1`, `--set model.sequential.layers.0.Dense.units=64`.
The value is YAML. After an override below `data`, `model`, `task` or `training`, the bounds on metrics are reported
as not checked, because they were set for the recipe as it is. Counts and rows are still checked, but a training whose
network was changed says only that they were not.

Paths of data are relative to the folder in which a command runs, not to the recipe.

## Keys

Every list may be empty, and every key without a default may be left out unless it is required. Where a component is
expected, Keras' own identifier is accepted too, such as `he_normal` for an initializer.
"""

RECIPES_INTRODUCTION = """\
# The shipped recipes

<!-- Written by docs/generate.py from the first lines and contracts of recipes/*.yaml. Change those, then run it. -->

`dlkit list recipes` prints tasks, run times and when to choose which. `dlkit new NAME --from RECIPE` copies one, and
`dlkit summary` checks the counts and tables of all of them at once. The first lines of each file also name its source
and add what is special about it. "Deck 003" and the like are [the lecture decks](lecture_arithmetic.md#the-decks).

Parameters are those of the contract (`expect`). Run times are for the command in the file, `dlkit train` or, where
there is no data to train on (`declared`), `dlkit summary`. Expected scores are those of the file's first lines;
[results.md](results.md) has what was measured, with the commands.
"""


def recipes() -> str:
    """The page of shipped recipes as Markdown, one table per task."""
    by_task: dict[str, list[str]] = {}
    for name, path in shipped_recipes().items():
        loaded = load_recipe(name)
        by_task.setdefault(loaded.recipe.task.name, []).append(_recipe_row(loaded, read_header(path)))
    columns = ("recipe", "what it is", "when to choose it", "data", "parameters", "run time", "expected")
    head = f"| {' | '.join(columns)} |\n|---|---|---|---|---:|---|---|\n"
    return "\n".join([RECIPES_INTRODUCTION, *(f"## {task}\n\n{head}{''.join(rows)}" for task, rows in by_task.items())])


def _recipe_row(loaded: LoadedRecipe, said: dict[str, str]) -> str:
    recipe, path = loaded.recipe, loaded.path
    source = recipe.data.source
    data = f"`{source.name}` {source.settings['name']}" if "name" in source.settings else f"`{source.name}`"
    total = recipe.expect.parameters.total if recipe.expect.parameters else None
    link = f"[`{recipe.name}`](../recipes/{path.relative_to(_folder(path)).as_posix()})"
    cells = [
        link,
        said["what"],
        said["Choose"],
        data,
        "" if total is None else f"{total:,}",
        run_time(said),
        said["Expected"],
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _folder(path: Path) -> Path:
    """The folder of all recipes, in which one may lie deeper."""
    return next(parent for parent in path.parents if parent.name == "recipes")


def reference() -> str:
    """The page as Markdown."""
    schema = json_schema()
    parts = [INTRODUCTION]
    parts += [_section(section, schema) for section in SECTIONS]
    parts.append("## dlkit's own components\n")
    parts += [_namespace(namespace, place, schema) for namespace, place in NAMESPACES.items()]
    return "\n".join(parts)


def _section(section: type[Section], schema: dict[str, Any]) -> str:
    name = section.__name__
    fields = section.model_fields.items()
    meanings = {field.alias or key: " ".join((field.description or "").split()) for key, field in fields}
    table = _table(schema if section is Recipe else schema["$defs"][name], meanings)
    return f"### {name}\n\n{inspect.getdoc(section)}\n\n{table}"


def _namespace(namespace: str, place: str, schema: dict[str, Any]) -> str:
    heading = f"### {namespace}\n\nIn {place}.\n"
    return "\n".join([heading, *(_component(namespace, name, schema) for name in own_names(namespace))])


def _component(namespace: str, name: str, schema: dict[str, Any]) -> str:
    text = inspect.cleandoc(source(namespace, name).docstring)
    settings = schema["$defs"].get(f"{namespace}.{name}") or settings_model(namespace, name).model_json_schema()
    table = _table(settings, {}) if settings.get("properties") else ""
    return f"#### {name}\n\n{text}\n\n{table}".rstrip() + "\n"


def _table(definition: dict[str, Any], meanings: dict[str, str]) -> str:
    required = definition.get("required", [])
    headers = ["key", "value", "default", *(["meaning"] if meanings else [])]
    rows = [headers, ["---"] * len(headers)]
    for key, value in definition["properties"].items():
        default = "required" if key in required else _default(value)
        rows.append([f"`{key}`", _kind(value), default, *([meanings[key]] if meanings else [])])
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _default(value: dict[str, Any]) -> str:
    """A default as a recipe would write it; a number's stands with its number form, beside the fraction's."""
    default = next((form["default"] for form in (value, *value.get("anyOf", [])) if "default" in form), None)
    if default is None or isinstance(default, dict | list):
        return ""
    return f"`{str(default).lower()}`" if isinstance(default, bool) else f"`{default}`"


def _kind(value: dict[str, Any]) -> str:
    """A value's type in words."""
    if reference := value.get("$ref"):
        return _link(reference.rsplit("/", 1)[-1])
    if forms := value.get("anyOf"):
        # Null, fractions and Keras' own words for a component are said once for all, above the tables.
        components = [form for form in forms if "$ref" in form]
        named = components if any(form["$ref"].islower() for form in components) else forms
        words = [_kind(form) for form in named if form.get("type") != "null" and "pattern" not in form]
        return " or ".join(dict.fromkeys(words)) or "anything"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{word}`" for word in value["enum"])
    return _plain_kind(value)


def _link(name: str) -> str:
    if name in {section.__name__ for section in SECTIONS}:
        return f"[{name}](#{name.lower()})"
    return f"[{name}](#{name})" if name in NAMESPACES else f"Keras {name}"


def _plain_kind(value: dict[str, Any]) -> str:
    words = {"integer": "whole number", "number": "number", "string": "text", "boolean": "`true` or `false`"}
    kind = value.get("type")
    if kind == "array":
        items = value.get("items", {})
        return f"list of: {_kind(items)}" if items and "prefixItems" not in items else "list"
    if kind == "object":
        items = value.get("additionalProperties")
        return f"mapping of names to {_kind(items)}" if isinstance(items, dict) else "mapping"
    limits = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    bounds = [f"{text} {value[key]:g}" for key, text in limits.items() if key in value]
    return " ".join(filter(None, [words.get(str(kind), "anything"), " and ".join(bounds)]))


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    RECIPES.write_text(recipes(), encoding="utf-8")
