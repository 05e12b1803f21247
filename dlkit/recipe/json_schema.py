"""Generate the JSON Schema of the recipe format, including components and settings, for completion in editors."""

from typing import Any

from dlkit.catalog.find import activations, class_of, identifiers, names
from dlkit.catalog.kinds import OF_CLASSES, holds_list, nested_namespace
from dlkit.recipe.schema import Recipe
from dlkit.recipe.settings import settings_model

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FRACTION = {"type": "string", "pattern": r"^[-+]?\d+(\.\d+)?/\d+(\.\d+)?$"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a recipe, with a definition for every component and its settings."""
    builder = _Builder()
    schema = builder.referenced(Recipe.model_json_schema())
    schema["$defs"] = schema.get("$defs", {}) | builder.definitions()
    return {"$schema": DIALECT, **schema}


class _Builder:
    """Replaces the markers of component fields with references, and builds the definitions they refer to."""

    def __init__(self) -> None:
        self._wanted: list[str] = []

    def referenced(self, schema: Any) -> Any:
        """Return the schema with references to namespaces, and with fractions allowed wherever a number is."""
        if isinstance(schema, list):
            return [self.referenced(item) for item in schema]
        if not isinstance(schema, dict):
            return schema
        if namespace := schema.get("x-components"):
            return self._reference(namespace)
        if schema.get("type") == "number":
            return {"anyOf": [schema, _FRACTION]}
        return {key: self.referenced(value) for key, value in schema.items()}

    def _reference(self, namespace: str) -> dict[str, Any]:
        if namespace not in self._wanted:
            self._wanted.append(namespace)
        return {"$ref": f"#/$defs/{namespace}"}

    def definitions(self) -> dict[str, Any]:
        """Return one definition per referenced namespace, and one per component in it."""
        defined: dict[str, Any] = {}
        while missing := [namespace for namespace in self._wanted if namespace not in defined]:
            for namespace in missing:
                defined[namespace] = self._namespace(namespace, defined)
        return defined

    def _namespace(self, namespace: str, defined: dict[str, Any]) -> dict[str, Any]:
        allowed = names(namespace)
        for name in allowed:
            defined[f"{namespace}.{name}"] = self._component(namespace, name)
        words = {word: found for word in _words(namespace) if (found := class_of(namespace, word))}
        forms = {
            word: {"anyOf": [{"$ref": f"#/$defs/{namespace}.{name}"}, {"type": "null"}]}
            for word, name in ({name: name for name in allowed} | words).items()
        }
        one = {
            "type": "object",
            "properties": forms,
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        }
        return {"anyOf": [{"enum": [*allowed, *_words(namespace)]}, one]}

    def _component(self, namespace: str, name: str) -> dict[str, Any]:
        schema: dict[str, Any] = self.referenced(settings_model(namespace, name).model_json_schema())
        for key in schema.get("properties", {}):
            if nested := nested_namespace(key):
                schema["properties"][key] = self._nested(key, nested)
        return schema

    def _nested(self, key: str, namespace: str) -> dict[str, Any]:
        """Return the schema of a setting that takes a component: a reference, a Keras identifier, or null."""
        reference = self._reference(namespace)
        if holds_list(key):
            return {"type": "array", "items": reference}
        forms: list[Any] = [reference, {"type": ["null", "number", "boolean"]}]
        if key == "activation" or key.endswith("_activation"):
            forms.append({"enum": activations()})
        elif namespace not in ("layer", "schedule"):
            forms.append({"enum": identifiers(namespace)})
        return {"anyOf": [*forms, {"type": "array"}]}


def _words(namespace: str) -> list[str]:
    """Return the Keras identifiers that stand for components of a namespace; the others are left to Keras."""
    return [*identifiers(namespace), *(["acc"] if namespace == "metric" else [])] if namespace in OF_CLASSES else []
