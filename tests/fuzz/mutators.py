"""Mutations of recipes, images, archives and run directories: each takes a random.Random and changes a little."""

import contextlib
import copy
import io
import json
import os
import shutil
import struct
import zipfile
from functools import lru_cache

from ruamel.yaml import YAML

from dlkit.catalog.find import names
from dlkit.catalog.kinds import NAMESPACES

VALUES = [
    *(0, -1, 1, 2**31, 2**63, 10**30, 10**400, -0.0, 1e-320, 1e308, float("nan"), float("inf"), True, False, None),
    *(
        "",
        " ",
        "null",
        "1/0",
        "1/3",
        "1e999",
        "0x1F",
        "~",
        "é",
        "\u202e",
        "\u2028",
        "😀",
        "a" * 10_000,
        "\x00",
        "\x1b[2J",
    ),
    *("../../../etc/passwd", "/etc/passwd", "__import__('os').system('id')", "${HOME}", "{{7*7}}", "%s%n", "-", "- -"),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": {"c": {}}}}, [1, "a", None, {}], {"Dense": None}, {"Dense": [1]}),
]
TEXTS = [
    *(
        "\t",
        "\x00",
        "\ufeff",
        "\u2028",
        "&a ",
        "*a",
        "!!python/object/apply:os.system [id]",
        "!x ",
        "%YAML 9.9\n",
        "---\n",
    ),
    *(
        "{",
        "}",
        "[",
        "]",
        ": ",
        "- ",
        "? ",
        "| ",
        "> ",
        "#",
        "'",
        '"',
        "<<: *a\n",
        "\r",
        "\n\n",
        "@",
        "`",
        "😀",
        "...",
        "[" * 5000,
        "{a: " * 2000,
    ),
]


def recipe(random, text):
    """A recipe's text as bytes, changed in its tree, in its text, or in both."""
    if random.random() < 0.7:
        text = changed_tree(random, text)
    if random.random() < 0.45:
        text = change_text(random, text)
    encoded = text.encode("utf-8", "surrogatepass")
    return change_bytes(random, encoded) if random.random() < 0.08 else encoded


def changed_tree(random, text):
    """The text after changes in its tree; one that was broken before is left as it is."""
    data = tree(text)
    if data is None:
        return text
    with contextlib.suppress(RecursionError):  # a tree that has grown too deep to be copied
        for _ in range(random.choice((1, 1, 2, 5))):
            data = change_tree(random, data)
    return json.dumps(data, default=str) if random.random() < 0.5 else dumped(data)


@lru_cache(50)
def tree(text):
    """A recipe's plain data, or None for a text that is no YAML."""
    try:
        return YAML(typ="safe").load(text)
    except Exception:  # whatever ruamel raises
        return None


def dumped(data):
    """YAML in block style, or JSON (which is YAML too) where YAML itself cannot say it."""
    stream = io.StringIO()
    try:
        YAML(typ="safe").dump(data, stream)
    except Exception:  # the mutation has made something that YAML cannot write
        return json.dumps(data, default=str)
    return stream.getvalue()


def places(data, path=()):
    """The paths of all values in a tree."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from places(value, (*path, key))


def at(data, path):
    for key in path:
        data = data[key]
    return data


def change_tree(random, data):
    """Replace, remove, rename, wrap, copy or exchange one value or component of a tree."""
    paths = [path for path in places(data) if path]
    if not paths:
        return random.choice(VALUES)
    data = copy.deepcopy(data)
    path = random.choice(paths)
    parent, key = at(data, path[:-1]), path[-1]
    change = random.choice(("value", "value", "remove", "rename", "wrap", "copy", "component", "deep", "add"))
    if change == "value":
        parent[key] = random.choice(VALUES)
    elif change == "remove":
        del parent[key]
    elif change == "rename" and isinstance(parent, dict):
        parent[new_name(random, key)] = parent.pop(key)
    elif change == "wrap":
        parent[key] = random.choice(([parent[key]], {"x": parent[key]}, {any_component(random): parent[key]}))
    elif change == "copy":
        parent[key] = copy.deepcopy(at(data, random.choice(paths)))
    elif change == "component":
        parent[key] = random.choice((any_component(random), {any_component(random): {}}))
    elif change == "deep":
        parent[key] = deep(random, parent[key])
    elif isinstance(parent, dict):
        parent[str(random.choice(("x", "layers", "units", "seed", "class_name", "module", "")))] = random.choice(VALUES)
    return data


def new_name(random, name):
    """A key with a letter lost, doubled or exchanged, or another word altogether."""
    name = str(name)
    at = random.randrange(len(name)) if name else 0
    others = ("", "é", "a" * 300, "0", "None", name.upper(), any_component(random))
    return random.choice((name[:at] + name[at + 1 :], name[:at] + name[at : at + 1] + name[at:], random.choice(others)))


def any_component(random):
    return random.choice(names(random.choice(list(NAMESPACES))) or ["x"])


def deep(random, value):
    for _ in range(random.choice((5, 50, 120))):
        value = [value] if random.random() < 0.5 else {"a": value}
    return value


def change_text(random, text):
    """Remove, double, indent or cut lines, or put a piece of YAML's syntax anywhere."""
    lines = text.splitlines(keepends=True) or [""]
    at = random.randrange(len(lines))
    change = random.choice(("remove", "double", "indent", "insert", "insert", "cut", "bomb", "digits"))
    if change == "bomb":
        levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
        return f"a0: &a0 x\n{levels}{text}"
    if change == "cut":
        return text[: random.randrange(len(text) + 1)]
    if change == "digits":
        return text.replace(random.choice("0123456789"), "9" * random.choice((2, 30, 5000)))
    if change == "insert":
        place = random.randrange(len(text) + 1)
        return text[:place] + random.choice(TEXTS) + text[place:]
    lines[at] = {"remove": "", "double": lines[at] * 2, "indent": random.choice((" ", "    ", "\t")) + lines[at]}[
        change
    ]
    return "".join(lines)


def change_bytes(random, content):
    """Flip, cut, repeat, insert or overwrite bytes."""
    content = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 3, 20))):
        at = random.randrange(len(content) or 1)
        change = random.choice(("flip", "flip", "cut", "insert", "zero", "number", "repeat"))
        if change == "flip" and content:
            content[at] ^= 1 << random.randrange(8)
        elif change == "cut":
            del content[at : at + random.choice((1, 4, 100, len(content)))]
        elif change == "insert":
            content[at:at] = random.randbytes(random.choice((1, 4, 64)))
        elif change == "number":
            number = random.choice((0, 1, 2**15, 2**31 - 1, 2**32 - 1))
            content[at : at + 4] = struct.pack(random.choice("<>") + "I", number)
        else:
            content[at : at + 8] = b"\0" * 8 if change == "zero" else bytes(content[at : at + 8]) * 2
    return bytes(content)


def image(random, samples):
    """One of the encoded images, changed; or its head on the body of another."""
    content = random.choice(samples)
    if random.random() < 0.15:
        other = random.choice(samples)
        return content[: random.randrange(len(content))] + other[random.randrange(len(other)) :]
    if random.random() < 0.3:
        at = random.randrange(min(60, len(content)))  # headers are where sizes stand
        size = struct.pack(random.choice(("<H", ">H", "<I", ">I")), random.choice((0, 1, 9_000, 32_767, 65_535)))
        return content[:at] + size + content[at + len(size) :]
    return change_bytes(random, content)


def run_directory(random, folder):
    """Change one or two files of a run, or what kind of file they are."""
    for _ in range(random.choice((1, 1, 2))):
        files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        if not files:
            return
        path = random.choice([file for file in files if file.suffix in (".keras", ".json", ".yaml", ".npz")] or files)
        if random.random() < 0.15:
            change_kind(random, path)
        elif path.suffix in (".keras", ".npz") and random.random() < 0.7:
            archive(random, path)
        elif path.suffix == ".json" and random.random() < 0.7:
            path.write_text(json.dumps(change_json(random, path)))
        elif path.suffix == ".yaml":
            path.write_bytes(recipe(random, path.read_text(encoding="utf-8", errors="replace")))
        else:
            path.write_bytes(change_bytes(random, path.read_bytes()))


def change_json(random, path):
    try:
        return change_tree(random, json.loads(path.read_bytes()))
    except ValueError:
        return random.choice([value for value in VALUES if value != 10**400])


def change_kind(random, path):
    """A link, a folder, a pipe, an unreadable or no file in the place of a file."""
    kind = random.choice(("link", "loop", "folder", "pipe", "nothing", "empty"))
    path.unlink()
    if kind == "link":
        path.symlink_to(random.choice(("/etc/passwd", "/dev/zero", "../../../outside", str(path.parent.parent.parent))))
    elif kind == "loop":
        path.symlink_to(path.name)
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "empty":
        path.touch()


def archive(random, path):
    """Change a member, or add one that must never be unpacked."""
    try:
        with zipfile.ZipFile(path) as source:
            members = {info: source.read(info) for info in source.infolist()}
    except Exception:  # an earlier mutation has damaged it
        return
    aside = path.with_suffix(".aside")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as target:
        chosen = random.choice(list(members)) if members else None
        for info, content in members.items():
            if info is chosen and random.random() < 0.6:
                content = changed_member(random, info.filename, content)
            if info is not chosen or random.random() < 0.9:
                target.writestr(info.filename, content)
        if random.random() < 0.4:
            evil_member(random, target, path)
    shutil.move(aside, path)


def changed_member(random, name, content):
    """A Lambda layer or another change of a configuration, or changed bytes."""
    if not name.endswith(".json") or random.random() < 0.3:
        return change_bytes(random, content)
    config = json.loads(content)
    if random.random() < 0.4:
        evil = {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "x", "function": "os.system"}}
        return json.dumps({"x": config, "layers": [evil]}).encode()
    return json.dumps(change_tree(random, config)).encode()


def evil_member(random, target, path):
    """Names that leave the folder, links, pickles, bombs and too many members."""
    kind = random.choice(("name", "name", "link", "pickle", "bomb", "many"))
    outside = str(path.parent.parent / "outside.txt")
    if kind == "name":
        name = random.choice(
            ("../evil.txt", outside, "..\\evil.txt", "C:\\evil.txt", "a/../../evil", "assets/../../x", "")
        )
        target.writestr(zipfile.ZipInfo(name), b"evil")
    elif kind == "link":
        info = zipfile.ZipInfo("assets/link")
        info.external_attr = 0o120777 << 16
        target.writestr(info, b"/etc/passwd")
    elif kind == "pickle":
        target.writestr("assets/evil.pkl", b"cos\nsystem\n(S'true'\ntR.")
    elif kind == "bomb":
        target.writestr("assets/bomb", b"\0" * 120_000_000)
    else:
        for number in range(1001):
            target.writestr(f"assets/{number}", b"")


CELLS = (
    "",
    " ",
    "0",
    "-1",
    "1e400",
    "nan",
    "inf",
    "1_2",
    "0x1",
    "a",
    '"',
    '""',
    "'",
    "\x00",
    "\ufeff",
    "é",
    ",",
    "\n",
    "\r\n",
)
CELLS += (";", "\t", "=1+1", "\x1b[2J", "9" * 5000, "a" * 10_000, '"a\nb"', "$x$", "..", "/", "NaN", "True", "None")


def table(random, rows):
    """A CSV file as bytes, with cells, columns, lines, delimiters or bytes changed."""
    rows = [list(row) for row in rows]
    for _ in range(random.choice((1, 1, 3))):
        row = random.choice(rows)
        change = random.choice(("cell", "cell", "header", "column", "line", "double", "short", "long", "none"))
        if change == "cell" and row:
            row[random.randrange(len(row))] = random.choice(CELLS)
        elif change == "header" and rows[0]:
            rows[0][random.randrange(len(rows[0]))] = random.choice((*CELLS, *rows[0]))
        elif change == "column":
            at = random.randrange(len(rows[0]) or 1)
            rows = [[*row[:at], *row[at + 1 :]] for row in rows]
        elif change == "line":
            rows = rows[: random.randrange(len(rows) + 1)] or [[]]
        elif change == "double":
            rows.insert(0, rows[0])
        elif change == "short":
            row[:] = row[:1]
        elif change == "long":
            row.append(random.choice(CELLS))
    text = random.choice(("\n", "\n", "\r\n", "\r")).join(",".join(row) for row in rows)
    encoded = text.encode(random.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), "replace")
    return change_bytes(random, encoded) if random.random() < 0.2 else encoded


def arrays(random, samples):
    """Arrays x and y of another shape or type, with other values, or too few of them."""
    import numpy as np

    x, y = samples
    kind = random.choice(("shape", "dtype", "dtype", "values", "length", "axis", "none", "text", "empty"))
    if kind == "shape":
        x = x.reshape(random.choice(((-1,), (1, *x.shape), (*x.shape, 1), (len(x), -1))))
    elif kind == "dtype":
        kinds = ("?", "i1", ">i4", "u8", "f2", ">f8", "f16", "c8", "S3", "U2", "M8[s]", "m8[s]", "V4", "i4,f4")
        part = (
            np.zeros(x.shape, random.choice(kinds))
            if random.random() < 0.7
            else np.zeros(y.shape, random.choice(kinds))
        )
        x, y = (part, y) if part.shape == x.shape else (x, part)
    elif kind == "values":
        x = x.astype("f4")
        x.flat[random.randrange(x.size)] = random.choice((np.nan, np.inf, -1e38))
    elif kind == "length":
        x = x[: random.randrange(len(x))]
    elif kind == "axis":
        y = random.choice((y[:, None], np.eye(10)[y], y[None], y.astype(float) + 0.5, y - 3, y + 2**40))
    elif kind == "text":
        y = np.asarray([random.choice(CELLS) for _ in y])
    elif kind == "empty":
        x = np.zeros(random.choice(((0, 8), (len(y), 0), (0,), ())))
    return x, y
