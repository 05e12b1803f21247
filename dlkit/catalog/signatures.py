"""Read parameters, defaults, annotations and docstrings of classes and functions from source, without importing it."""

import ast
import importlib.util
import re
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from dlkit.errors import InputError

REQUIRED = object()

_IGNORED = {"self", "args", "kwargs"}


@dataclass(frozen=True)
class Parameter:
    """A setting: its default (REQUIRED when it has none), annotation and description from the docstring."""

    name: str
    default: Any = REQUIRED
    annotation: str = ""
    text: str = ""


@dataclass(frozen=True)
class ClassSource:
    """A component's docstring and settings, read from its source file."""

    docstring: str
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @staticmethod
    def from_file(path: Path, candidates: tuple[str, ...]) -> "ClassSource":
        """Return the function or class in a dlkit file with one of the candidate names."""
        for node in _tree(path).body:
            if isinstance(node, ast.FunctionDef) and node.name in candidates:
                return ClassSource(ast.get_docstring(node) or "", _keyword_only(node))
            if isinstance(node, ast.ClassDef) and node.name in candidates:
                return ClassSource(ast.get_docstring(node) or "", _class_settings(node))
        names = " or ".join(dict.fromkeys(candidates))
        raise InputError(f"{path} has no function or class {names}", "name it after its file")


def _class_settings(node: ast.ClassDef) -> dict[str, Parameter]:
    """Return the fields of a dataclass, or the keyword-only parameters of __init__."""
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            return _keyword_only(item)
    fields = [item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)]
    return {item.target.id: _field(item) for item in fields if isinstance(item.target, ast.Name)}


def _field(item: ast.AnnAssign) -> Parameter:
    assert isinstance(item.target, ast.Name)
    default = REQUIRED if item.value is None else _literal(item.value)
    return Parameter(item.target.id, default, ast.unparse(item.annotation))


def _keyword_only(node: ast.FunctionDef) -> dict[str, Parameter]:
    found = {}
    for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
        annotation = ast.unparse(argument.annotation) if argument.annotation else ""
        found[argument.arg] = Parameter(argument.arg, REQUIRED if default is None else _literal(default), annotation)
    return found


def _literal(node: ast.expr) -> Any:
    """Return the value of a default, or None if it is not a literal (such as a call of field(...))."""
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


@cache
def _tree(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise InputError(f"{path}:{error.lineno} is not Python: {error.msg}", "correct this line") from error


def class_in(path: Path) -> str | None:
    """Return the class that bears the name of its file, ignoring capitals and underscores, or None."""
    classes = [node.name for node in _tree(path).body if isinstance(node, ast.ClassDef)]
    return next((name for name in classes if name.lower() == path.stem.replace("_", "").lower()), None)


def public_files(folder: Path) -> list[Path]:
    """Return the Python files of a folder that are components, sorted."""
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def first_sentence(docstring: str) -> str:
    """Return the first sentence of a docstring, on one line."""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=\.)\s", paragraph)[0]


@cache
def _keras_root() -> Path:
    spec = importlib.util.find_spec("keras")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("keras is not installed")
    return Path(spec.origin).parent


def _module_file(module: str) -> Path:
    """Return the file of a Keras module without importing it."""
    base = _keras_root().joinpath(*module.split(".")[1:])
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")


@cache
def keras_exports(module: str) -> dict[str, tuple[str, str]]:
    """Return the public names of a Keras module, each with its original module and name."""
    exports = {}
    for node in _tree(_module_file(module)).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                exports[alias.asname or alias.name] = (node.module, alias.name)
    return exports


@cache
def keras_aliases(module: str) -> dict[str, str]:
    """Return the aliases that a Keras module accepts and what they stand for, such as mse: its look-up tables."""
    path = _module_file(module.replace("keras.", "keras.src.", 1))
    tables = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.Dict)] if path.exists() else []
    entries = [entry for table in tables for entry in zip(table.keys, table.values, strict=True)]
    named = [
        (key.value, value.id) for key, value in entries if isinstance(key, ast.Constant) and isinstance(value, ast.Name)
    ]
    return {key: target for key, target in named if isinstance(key, str) and key.isidentifier()}


@cache
def keras_class(module: str, name: str) -> ClassSource:
    """Return the source of a public Keras class, with its bases' parameters if it forwards **kwargs."""
    return _read_class(*keras_exports(module)[name])


def _read_class(module: str, name: str) -> ClassSource:
    found = _find_class(module, name)
    if found is None:
        return ClassSource("")
    module, node = found
    init = next((item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"), None)
    docstring = ast.get_docstring(node) or ""
    texts = argument_texts(docstring)
    inherited = _inherited(module, node) if init is None or _forwards_keywords(init) else {}
    if init is None:
        return ClassSource(
            docstring, {key: replace(value, text=texts.get(key, value.text)) for key, value in inherited.items()}
        )
    own = _parameters(init, texts)
    hidden = own.keys() | _passed_on(init, list(inherited))
    return ClassSource(docstring, own | {key: value for key, value in inherited.items() if key not in hidden})


def _inherited(module: str, node: ast.ClassDef) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for base in node.bases:
        if isinstance(base, ast.Name):
            found |= _read_class(module, base.id).parameters
    return found


def _find_class(module: str, name: str) -> tuple[str, ast.ClassDef] | None:
    """Return the module that defines a class, and its syntax tree; imports within Keras are followed."""
    path = _module_file(module)
    if not path.exists():
        return None
    imported: dict[str, tuple[str, str]] = {}
    for node in _tree(path).body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("keras"):
            imported |= {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
    if name not in imported:
        return None
    source_module, original = imported[name]
    if _module_file(f"{source_module}.{original}").exists() and not original[:1].isupper():
        return None
    return _find_class(source_module, original)


def _parameters(init: ast.FunctionDef, texts: dict[str, str]) -> dict[str, Parameter]:
    arguments = [*init.args.posonlyargs, *init.args.args]
    missing = [None] * (len(arguments) - len(init.args.defaults))
    pairs = [*zip(arguments, [*missing, *init.args.defaults], strict=True)]
    pairs += [*zip(init.args.kwonlyargs, init.args.kw_defaults, strict=True)]
    found = {}
    for argument, default in pairs:
        if argument.arg not in _IGNORED:
            value = REQUIRED if default is None else _literal(default)
            found[argument.arg] = Parameter(argument.arg, value, "", texts.get(argument.arg, ""))
    return found


def _base_calls(init: ast.FunctionDef) -> list[ast.Call]:
    """Return the calls of a base class's __init__ in an __init__."""
    calls = [node for node in ast.walk(init) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "__init__"]


def _forwards_keywords(init: ast.FunctionDef) -> bool:
    """Return whether an __init__ forwards **kwargs to its base class."""
    return any(keyword.arg is None for call in _base_calls(init) for keyword in call.keywords)


def _passed_on(init: ast.FunctionDef, inherited: list[str]) -> set[str]:
    """Return the parameters that __init__ passes to its base itself, which a recipe therefore cannot set."""
    given: set[str] = set()
    for call in _base_calls(init):
        given |= {keyword.arg for keyword in call.keywords if keyword.arg}
        given |= set(inherited[: len(call.args)])
    return given


def argument_texts(docstring: str) -> dict[str, str]:
    """Return the description of each argument from the `Args:` section of a Keras docstring."""
    match = re.search(r"^(?:Args|Arguments):\n(.*?)(?=^\S|\Z)", docstring, re.MULTILINE | re.DOTALL)
    texts: dict[str, str] = {}
    name = ""
    for line in (match.group(1) if match else "").splitlines():
        start = re.match(r"^ {4}\*{0,2}(\w+): ?(.*)", line)
        if start:
            name = start.group(1)
            texts[name] = start.group(2)
        elif name:
            texts[name] += " " + line.strip()
    return {key: " ".join(text.split()) for key, text in texts.items()}
