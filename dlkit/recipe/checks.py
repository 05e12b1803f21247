"""Find all problems of a recipe at once, each with its position, the received and allowed values, and a suggestion."""

import re
import shlex
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from dlkit.catalog.create import Component
from dlkit.catalog.find import activations, class_of, identifiers, missing_package, names, source
from dlkit.catalog.kinds import (
    FROM_ENVIRONMENT,
    NAMESPACES,
    OF_CLASSES,
    READS,
    REFUSED,
    WRITES,
    holds_list,
    nested_namespace,
)
from dlkit.errors import Problem, RecipeError, closest
from dlkit.recipe.combinations import check_combinations
from dlkit.recipe.fields import by_place, keys_in, keys_of, model_at, place_of, section_of
from dlkit.recipe.reader import KeyPath, Positions, dotted
from dlkit.recipe.schema import Recipe
from dlkit.recipe.settings import holds_component, settings_model
from dlkit.recipe.suggestions import no_settings, of_another_kind, several_keys, unknown_component, unknown_key
from dlkit.recipe.wording import ENTRY_PER_LINE, WANTED, explained, shown, unquoted, with_article


def check_recipe(data: dict[str, Any], positions: Positions) -> Recipe:
    """Return the validated recipe with components resolved; raise RecipeError with all problems in file order."""
    recipe = check_section(Recipe, data, positions)
    check_combinations(recipe, positions)
    return recipe


Model = TypeVar("Model", bound=BaseModel)


def check_section(model: type[Model], data: dict[str, Any], positions: Positions) -> Model:
    """Return the content of a file as a model, with components resolved; raise RecipeError with all problems."""
    checker = _Checker(model, data, positions)
    plain = checker.replaced(model, data, ())
    section = checker.validated(model, plain, ())
    if checker.problems:
        unique = list(dict.fromkeys(checker.problems))
        raise RecipeError(
            sorted(unique, key=lambda p: (p.location.line or 0, p.location.column or 0) if p.location else (0, 0))
        )
    assert isinstance(section, model)
    return section


# A field that Keras replaces in a file name: a name, and how to write a number.
_FIELD = re.compile(r"\{\w+(:0?\d{0,2}(\.\d{1,2})?[defg]?)?\}")
# A name that a tracker may be given: neither an address nor a path.
_TITLE = re.compile(r"\w[\w .-]{0,127}")
# Kinds for which Keras accepts identifiers, such as glorot_uniform, as well as classes.
_WORDED = ("initializer", "regularizer", "constraint", "loss", "metric")
# The metric whose meaning depends on the task, which measures it already.
_OF_THE_TASK = ("accuracy", "acc")


class _Checker:
    def __init__(self, root: type[BaseModel], data: dict[str, Any], positions: Positions) -> None:
        self.root = root
        self.data = data
        self.positions = positions
        self.problems: list[Problem] = []

    def replaced(self, model: type[BaseModel], data: Any, path: KeyPath) -> Any:
        """Return a section's data with every component in it checked and converted to a Component."""
        if not isinstance(data, Mapping):
            return data
        result = dict(data)
        for name, field in model.model_fields.items():
            if name not in data:
                continue
            here = (*path, name)
            where, is_list = place_of(field), "list[" in str(field.annotation)
            inner = section_of(field.annotation)
            if where and is_list and isinstance(data[name], list):
                result[name] = [self.component(where.namespace, v, (*here, i)) for i, v in enumerate(data[name])]
            elif where and not is_list:
                result[name] = self.component(where.namespace, data[name], here)
            elif inner and is_list and isinstance(data[name], list):
                result[name] = [self.replaced(inner, v, (*here, i)) for i, v in enumerate(data[name])]
            elif inner:
                result[name] = self.replaced(inner, data[name], here)
        return result

    def validated(self, model: type[BaseModel], data: Any, path: KeyPath) -> BaseModel | None:
        """Return the data as a model, or None after recording its problems."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            for details in by_place(error):
                self._add(model, path, details)
        return None

    def component(self, namespace: str, value: Any, path: KeyPath) -> Any:
        """Return a name, or a mapping of one name to its settings, as a Component."""
        found = self._split(namespace, value, path)
        if found is None:
            return Component(namespace, "")
        name, settings, here = found
        if namespace in OF_CLASSES and name not in names(namespace):
            name, settings = _of_class(namespace, name, settings)
        if name in REFUSED:
            self._problem(f"{namespace} {name} is not allowed in recipes", REFUSED[name], here, at_key=here != path)
            return Component(namespace, name)
        if name not in names(namespace):
            self._problem(
                f"unknown {namespace} {name!r}", unknown_component(namespace, name), here, at_key=here != path
            )
            return Component(namespace, name)
        self._check_package(namespace, name, here, at_key=here != path)
        parameters = source(namespace, name).parameters
        if namespace == "tracker":
            settings = self._without_addresses(name, settings, here)
        nested = {
            key: self._setting(key, item, (*here, key))
            if key in parameters and holds_component(parameters[key])
            else item
            for key, item in settings.items()
        }
        checked = self.validated(settings_model(namespace, name), nested, here)
        if namespace == "callback" and name in WRITES:
            self._check_written_path(nested.get(WRITES[name]), (*here, WRITES[name]))
        for key in READS:
            if isinstance(nested.get(key), str):
                self._problem(
                    f"{key} names a file, {nested[key]!r}",
                    "give a list: a recipe names files in data.source and weights only",
                    (*here, key),
                )
        location = self.positions.key(here) if here != path else self.positions.value(path)
        return Component(namespace, name, nested if checked is not None else {}, location)

    def _check_package(self, namespace: str, name: str, path: KeyPath, at_key: bool) -> None:
        """Record a problem for a component whose package is not installed; trackers are checked by check_trackers()."""
        package = missing_package(namespace, name) if namespace != "tracker" else None
        if package is not None:
            hint = install(package)
            self._problem(f"{namespace} {name} needs the package {package}, which is not installed", hint, path, at_key)

    def _without_addresses(self, name: str, settings: dict[str, Any], path: KeyPath) -> dict[str, Any]:
        """Return a tracker's settings without those that say where to send results, each recorded as a problem."""
        for key, value in settings.items():
            variable = FROM_ENVIRONMENT.get(name, {}).get(key)
            if variable is not None:
                message = f"a recipe may not set {key}, because it may come from others and would send results there"
                self._problem(message, f"remove it, and set {variable} in your environment", (*path, key), at_key=True)
            elif isinstance(value, str) and not _TITLE.fullmatch(value):
                message = f"{key} must be a plain name, received {shown(value)}"
                hint = "use letters, digits, spaces and . _ -; addresses come from your environment only"
                self._problem(message, hint, (*path, key))
        return {key: value for key, value in settings.items() if key not in FROM_ENVIRONMENT.get(name, {})}

    def _check_written_path(self, value: Any, path: KeyPath) -> None:
        """Record a problem for a path that leads out of the run; callbacks may write only inside it."""
        if isinstance(value, str) and not is_inside(value):
            self._problem(
                f"{value!r} is not a path inside the run", "give a relative path without .., for example logs/all", path
            )

    def _split(self, namespace: str, value: Any, path: KeyPath) -> tuple[str, dict[str, Any], KeyPath] | None:
        first = next(iter(names(namespace)), "")
        example = f"for example {first}, or {{{first}: {{...}}}}" if first else ""
        if isinstance(value, str):
            return value, {}, path
        if not isinstance(value, Mapping):
            hint = (
                "remove the `- ` or the brackets around it" if isinstance(value, list) and len(value) == 1 else example
            )
            self._problem(f"expected {with_article(namespace)}, received {shown(value)}", hint, path)
            return None
        if len(value) != 1:
            keys = ", ".join(value) or "nothing"
            article = with_article(namespace)
            message = f"{article} must be one name with its settings, received {len(value)} keys: {keys}"
            named = next((key for key in value if key in names(namespace)), None)
            indent = f"indent the settings of {named} below its name" if named else example
            hint = several_keys(namespace, value) or indent
            self._problem(message, hint, path)
            return None
        ((name, settings),) = value.items()
        if settings is not None and not isinstance(settings, Mapping):
            self._problem(
                f"the settings of {name} must be a mapping, received {shown(settings)}",
                no_settings(namespace, name, settings),
                (*path, name),
            )
            return None
        return name, dict(settings or {}), (*path, name)

    def _setting(self, key: str, value: Any, path: KeyPath) -> Any:
        """Return a setting with its components resolved; Keras identifiers are left for Keras to resolve."""
        namespace = nested_namespace(key)
        is_rate = namespace == "schedule" and isinstance(value, int | float) and not isinstance(value, bool)
        if is_rate and value < 0:
            self._problem(f"{key} is {shown(value)}, below 0", "give a learning rate of at least 0", path)
        if is_rate:
            return float(value)  # Keras rejects an integer as a learning rate
        if namespace is None or value is None:
            return value
        if isinstance(value, list) and holds_list(key):
            return [self._nested(key, namespace, item, (*path, index)) for index, item in enumerate(value)]
        if holds_list(key):
            self._problem(f"{key} must be a list, received {shown(value)}", ENTRY_PER_LINE, path)
            return []
        return self._nested(key, namespace, value, path)

    def _nested(self, key: str, namespace: str, value: Any, path: KeyPath) -> Any:
        is_activation = key == "activation" or key.endswith("_activation")
        label = "activation" if is_activation else namespace
        words = activations() if is_activation else identifiers(namespace) if namespace in _WORDED else []
        if namespace == "metric" and value in _OF_THE_TASK:
            return "accuracy"
        if isinstance(value, str) and value in words:
            return self.component(namespace, value, path) if namespace in OF_CLASSES else value
        if words and isinstance(value, str) and value not in names(namespace):
            allowed = words if is_activation else [*names(namespace), *words]
            hint = closest(value, allowed, f"dlkit list {NAMESPACES[namespace].folder}")
            other = "" if hint.startswith("did you mean") or is_activation else of_another_kind(value, namespace)
            self._problem(f"unknown {label} {value!r}", f"{other}; {hint}" if other else hint, path)
            return value
        if words and not isinstance(value, str | Mapping):
            example = f"for example {(words if is_activation else names(namespace))[0]}, or a name with its settings"
            self._problem(f"expected {with_article(label)}, received {shown(value)}", example, path)
            return value
        return self.component(namespace, value, path)

    def _problem(self, message: str, hint: str, path: KeyPath, at_key: bool = False) -> None:
        location = self.positions.key(path) if at_key else self.positions.value(path)
        self.problems.append(Problem(message, hint, dotted(path), location))

    def _add(self, model: type[BaseModel], path: KeyPath, details: list[Any]) -> None:
        """Record the problem at one position, reworded from pydantic, which reports one error per type of a union."""
        detail, inner = details[0], keys_of(details[0])
        full = (*path, *inner)
        kind, received, context = detail["type"], detail["input"], detail.get("ctx", {})
        if kind == "extra_forbidden":
            word, allowed = str(inner[-1]), keys_in(model_at(model, inner[:-1]))
            hint = unknown_key(word, allowed, self.data, self.root)
            self._problem(f"unknown key {inner[-1]!r}", hint, full, at_key=True)
        elif kind == "missing" and isinstance(inner[-1], int):
            self._problem(f"entry {inner[-1] + 1} of this list is missing", "", full[:-1])
        elif kind == "missing":
            section = dotted(full[:-1])
            hint = f"add it under {section}" if section else "add it at the top level"
            self._problem(f"the key {inner[-1]!r} is missing", hint, full[:-1], at_key=True)
        elif full == ("recipe",):
            hint = "this version of dlkit reads `recipe: 1`"
            self._problem(f"unknown recipe format {shown(received)}", hint, full)
        else:
            wanted = list(dict.fromkeys(WANTED[item["type"]] for item in details if item["type"] in WANTED))
            if len(wanted) > 1:
                self._problem(f"expected {' or '.join(wanted)}, received {shown(received)}", unquoted(received), full)
                return
            message, hint = explained(kind, received, context, str(detail["msg"]))
            if kind == "model_type":
                hint = f"its keys are: {', '.join(keys_in(model_at(model, inner)))}"
            self._problem(message, hint, full)


def check_trackers(recipe: Recipe) -> None:
    """Raise RecipeError for trackers whose packages are not installed; only a training needs them, not its run."""
    problems = [
        Problem(
            f"tracker {tracker.name} needs {package}, which is not installed",
            install(package),
            "training.trackers",
            tracker.location,
        )
        for tracker in recipe.training.trackers
        if (package := missing_package("tracker", tracker.name)) is not None
    ]
    if problems:
        raise RecipeError(problems)


def install(package: str) -> str:
    """Return the hint to install a package."""
    return f"install it: python -m pip install {shlex.quote(package)}"


def _of_class(namespace: str, word: str, settings: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the class and settings that a Keras identifier stands for; a metric keeps the identifier as its name."""
    name = class_of(namespace, word)
    if name is None:
        return word, settings
    return name, ({"name": word} | settings if namespace == "metric" else settings)


def is_inside(path: str) -> bool:
    """Return whether a path stays below the folder that it is relative to, on every operating system.

    Keras fills in fields such as {epoch:02d} and {val_loss:.2f}. Any other format could produce dots and slashes.
    """
    plain = _FIELD.sub("x", path)
    parts = plain.replace("\\", "/").split("/")
    return bool(path) and parts[0] not in ("", "~") and not set(":{}") & set(plain) and ".." not in parts
