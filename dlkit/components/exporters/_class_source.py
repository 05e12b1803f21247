"""Return the source of one of dlkit's layers as code that needs nothing of dlkit."""

import ast
import inspect
import sys

from dlkit.interfaces.exporter import RefusedError

_ALLOWED = ("keras", "math", "numpy", "typing", "collections")


def class_source(kind: type) -> dict[str, str]:
    """Return the sources of a class and of what it uses in its module, by name, in the order in which they are needed.

    Annotations, and the attributes and decorators that are for dlkit alone, are left out. Raises RefusedError when the
    class uses more of dlkit.
    """
    module = ast.parse(inspect.getsource(sys.modules[kind.__module__]))
    defined: dict[str, ast.stmt] = {
        item.name: item for item in module.body if isinstance(item, ast.ClassDef | ast.FunctionDef)
    }
    defined |= {
        target.id: item
        for item in module.body
        if isinstance(item, ast.Assign)
        for target in item.targets
        if isinstance(target, ast.Name)
    }
    foreign = {name for item in module.body for name in _foreign(item)}
    found: dict[str, str] = {}
    _collect(kind.__name__, defined, foreign, found)
    return found


def _collect(name: str, defined: dict[str, ast.stmt], foreign: set[str], found: dict[str, str]) -> None:
    plain = _Plain().visit(defined[name])
    used = {node.id for node in ast.walk(plain) if isinstance(node, ast.Name)}
    if used & foreign:
        raise RefusedError(
            f"layer {name} is dlkit's own and needs {sorted(used & foreign)[0]} of dlkit, not Keras alone",
            "export another format",
        )
    for other in sorted(used & {*defined} - {name, *found}):
        _collect(other, defined, foreign, found)
    found[name] = ast.unparse(ast.fix_missing_locations(plain))


def _foreign(item: ast.stmt) -> list[str]:
    """Return the names that an import takes from anything but Keras and the standard library."""
    if isinstance(item, ast.Import):
        return [alias.asname or alias.name for alias in item.names if alias.name.partition(".")[0] not in _ALLOWED]
    if isinstance(item, ast.ImportFrom) and (item.module or "").partition(".")[0] not in _ALLOWED:
        return [alias.asname or alias.name for alias in item.names]
    return []


class _Plain(ast.NodeTransformer):
    """Removes annotations, decorators and the attribute `layer_facts`."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Remove a function's annotations and all decorators but those of Python."""
        node.returns = None
        kept = ("property", "staticmethod", "classmethod")
        node.decorator_list = [item for item in node.decorator_list if isinstance(item, ast.Name) and item.id in kept]
        self.generic_visit(node)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Remove what dlkit's tables know of a layer, and Keras' registration under dlkit's name."""
        node.decorator_list = []
        node.body = [item for item in node.body if not _is_named(item, "layer_facts")]
        self.generic_visit(node)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """Remove the annotation of an argument."""
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """Turn an annotated assignment into a plain one."""
        if node.value is None:
            return None
        return ast.copy_location(ast.Assign([node.target], node.value), node)


def _is_named(item: ast.stmt, name: str) -> bool:
    targets = item.targets if isinstance(item, ast.Assign) else [item.target] if isinstance(item, ast.AnnAssign) else []
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)
