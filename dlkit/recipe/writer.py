"""Write plain data as YAML that reads back as the same values."""

import io
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.representer import SafeRepresenter

from dlkit.recipe.scalars import resolve


class _Representer(SafeRepresenter):
    def ignore_aliases(self, data: Any) -> bool:
        """Return True, so that every value is written out without anchors."""
        return True

    def represent_text(self, data: str) -> ScalarNode:
        """Return a text node, quoted if it would read back as something else, such as 1/255."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style='"' if _needs_quotes(data) else None)


_Representer.add_representer(str, _Representer.represent_text)


def _needs_quotes(text: str) -> bool:
    try:
        return not isinstance(resolve(text), str)
    except (ZeroDivisionError, ValueError):
        return True


def to_yaml(data: Any) -> str:
    """Return plain data as YAML, with each innermost list and mapping on one line."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Representer = _Representer
    yaml.default_flow_style = None
    yaml.width = 120
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(data, stream)
    return stream.getvalue()
