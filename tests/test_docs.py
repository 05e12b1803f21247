"""The pages say what is true of the code: verbs, options, recipes, keys, links and targets of make."""

import json
import re
import runpy
import shlex
import tomllib
from pathlib import Path

import pytest
import typer
from ruamel.yaml import YAML

from dlkit.catalog.kinds import NAMESPACES
from dlkit.cli import app
from dlkit.errors import Problem
from dlkit.recipe import load_recipe, shipped_recipes

ROOT = Path(__file__).parent.parent
TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "saved_models/README.md")
PAGES = [*(ROOT / name for name in TOP), *sorted(ROOT.glob("docs/**/*.md"))]
NOW = [page for page in PAGES if page.name != "CHANGELOG.md"]  # a changelog may name what has gone
PICTURES = sorted((ROOT / "docs/pictures").iterdir())
README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


@pytest.fixture(params=PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def page(request):
    return request.param


def verbs():
    """The commands of dlkit by their words, such as `runs rm`."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        found |= {f"{name} {word}": item for word, item in inner.items()} if inner else {name: command}
    return found


def is_kind(verb):
    """Whether a command is one of many of the same kind, which the pages name together."""
    return verb.startswith("arithmetic ")


def blocks(text, language):
    """The fenced code blocks of a language."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [content for found, content in fenced if found == language]


def prose(text):
    """A page without its fenced code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def command_lines(text):
    """What a page tells a reader to run with dlkit: lines of shell blocks, and code between backticks."""
    lines = [line for block in blocks(text, "sh") for line in block.splitlines()]
    lines += re.findall(r"`(dlkit [^`]+)`", prose(text))
    return [line.replace("\\|", "|") for line in lines if line.startswith("dlkit ")]


def check(line):
    """A command line names a verb and only options that the verb has."""
    words = shlex.split(line, comments=True)[1:]
    if words[0] in ("VERB", "--help", "VERB...") or words[:2] == ["arithmetic", "KIND"]:
        return
    known = verbs()
    verb = " ".join(words[:2]) if " ".join(words[:2]) in known else words[0]
    assert verb in known, f"no verb in: {line}"
    options = {option for parameter in known[verb].params for option in parameter.opts} | {"--help"}
    used = {word.partition("=")[0] for word in words if word.startswith("--")}
    assert used <= options, f"{used - options} in: {line}"


def test_commands_have_the_verbs_and_options_that_are_shown(page):
    for line in command_lines(page.read_text(encoding="utf-8")):
        check(line)


@pytest.mark.parametrize("line", ["dlkit tarin mnist_mlp", "dlkit train mnist_mlp --epochs 3"])
def test_the_check_of_commands_sees_mistakes(line):
    with pytest.raises(AssertionError):
        check(line)


def test_recipes_in_commands_are_shipped_or_made_by_the_reader(page):
    shown = [shlex.split(line, comments=True) for line in command_lines(page.read_text(encoding="utf-8"))]
    named = {words[2] for words in shown if words[1] in ("train", "summary") and len(words) > 2}
    named |= {words[words.index("--from") + 1] for words in shown if "--from" in words}
    mine = {
        "my_net",
        "my_net.yaml",
        "pets.yaml",
        "flats.yaml",
        "opinions.yaml",
        "tower.yaml",
        "cifar_cnn_fast_relu.yaml",
        "without.yaml",
        "RECIPE",
        "RUN",
        "[RECIPE|RUN]...",
        "--json",
        "--explain",
    }
    assert named - mine <= set(shipped_recipes())


def test_every_verb_is_in_the_readme():
    table = README[README.index("## Commands") : README.index("## Data")]
    shown = set(re.findall(r"^\| `dlkit (runs \w+|[\w-]+)", table, re.MULTILINE))
    assert shown == {"arithmetic" if is_kind(verb) else verb for verb in verbs()}


def test_every_verb_with_json_is_on_its_page():
    titles = set(re.findall(r"^## (.+)$", (ROOT / "docs/json.md").read_text(encoding="utf-8"), re.MULTILINE))
    with_json = {name for name, verb in verbs().items() if any("--json" in item.opts for item in verb.params)}
    assert titles == {"arithmetic" if is_kind(verb) else verb for verb in with_json} | {"schema", "Errors"}


def test_recipes_to_start_from_are_in_the_readme_with_their_counts():
    rows = re.findall(r"^\| `(\w+)` \| .+ \| ([\d,]+) \|$", README, re.MULTILINE)
    shown = {name: int(count.replace(",", "")) for name, count in rows}
    assert len(shown) >= 5
    assert shown == {name: load_recipe(name).recipe.expect.parameters.total for name in shown}


def test_the_page_of_recipes_is_in_step_with_the_recipes():
    page = (ROOT / "docs/recipes.md").read_text(encoding="utf-8")
    assert page == runpy.run_path(str(ROOT / "docs/generate.py"))["recipes"](), "run python docs/generate.py"
    assert set(re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE)) == set(shipped_recipes())


def test_recipes_on_the_page_of_results_are_shipped():
    text = (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)`", text, re.MULTILINE)) <= set(shipped_recipes())


def test_the_recipe_of_the_readme_is_valid(tmp_path):
    (block,) = blocks(README, "yaml")
    (tmp_path / "my_net.yaml").write_text(block)
    assert load_recipe(tmp_path / "my_net.yaml").recipe.name == "my_net"


def test_the_reference_of_recipes_is_in_step_with_the_schema():
    reference = runpy.run_path(str(ROOT / "docs/generate.py"))["reference"]
    assert (ROOT / "docs/recipe.md").read_text(encoding="utf-8") == reference(), "run python docs/generate.py"


def test_every_key_of_the_format_has_a_meaning():
    from dlkit.recipe import schema

    sections = [item for item in vars(schema).values() if isinstance(item, type) and issubclass(item, schema.Section)]
    keys = [(section, key, field) for section in sections for key, field in section.model_fields.items()]
    assert [f"{section.__name__}.{key}" for section, key, field in keys if not field.description] == []


def test_examples_of_json_are_json():
    text = (ROOT / "docs/json.md").read_text(encoding="utf-8")
    examples = [json.loads(block) for block in blocks(text, "json")]
    problem = next(item[0] for item in examples if isinstance(item, list) and "hint" in item[0])
    assert set(problem) == {*Problem("message").to_json(), "level"}


def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"(?:\]\(|src=\")([^)\"]+)", prose(text)):
        file, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        linked = (page.parent / file) if file else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", NOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_the_package_exist(page):
    text = page.read_text(encoding="utf-8")
    named = {path.rstrip(".,") for path in re.findall(r"(?<![\w/])dlkit/[\w./-]*", text)}
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    functions = re.findall(r"`(\w+)` (?:in|of) `(dlkit/[\w/]+\.py)`", text)
    assert [item for item in functions if item[0] not in (ROOT / item[1]).read_text(encoding="utf-8")] == []


def test_the_tree_on_the_page_of_architecture_is_that_of_the_package():
    (tree,) = [block for block in blocks(ARCHITECTURE, "") if block.startswith("dlkit/")]
    shown = re.findall(r"^  (\S+?)/? +\S", tree, re.MULTILINE)
    found = [path.name for path in (ROOT / "dlkit").iterdir() if not path.name.startswith("__")]
    assert sorted(shown) == sorted(found)


def test_the_rows_of_imports_on_the_page_of_architecture_are_those_that_are_checked():
    (contract,) = [
        item
        for item in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if item["type"] == "layers"
    ]
    assert "\n".join(contract["layers"]) + "\n" in blocks(ARCHITECTURE, "")


def test_pictures_are_small_and_shown_and_tell_nothing_of_a_machine():
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    for picture in PICTURES:
        content = picture.read_bytes()
        assert len(content) < 150_000, picture.name
        assert f"docs/pictures/{picture.name}" in pages
        assert not re.search(rb"/(?:home|root|tmp|work|Users|opt|usr)/", content), picture.name
        assert not re.search(rb"(?:href|src|url)\s*[=(]\s*[\"']?https?:", content), picture.name


def test_the_picture_of_a_terminal_shows_commands_that_exist():
    (picture,) = [path for path in PICTURES if path.suffix == ".svg"]
    shown = runpy.run_path(str(ROOT / "docs/pictures.py"))["SHOWN"]
    for command in shown:
        check(command)
        assert command.replace(" ", "&#160;") in picture.read_text(encoding="utf-8")


def test_a_screen_shows_what_remains_of_lines_that_were_written_again():
    screen = runpy.run_path(str(ROOT / "docs/pictures.py"))["screen"]
    printed = "\x1b[?25lepoch 1\r\x1b[2Kdone 1\r\n\x1b[1mepoch 2\x1b[0m\r\n\x1b[1A\x1b[2Kdone 2\r\n"
    assert screen(printed) == ["done 1", "done 2", ""]


def test_every_kind_of_component_is_on_the_page_for_contributors():
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [space.folder for space in NAMESPACES.values() if f"`{space.folder}/`" not in page] == []


def test_pre_commit_runs_what_make_lint_runs():
    hooks = [
        hook
        for repository in YAML(typ="safe").load(ROOT / ".pre-commit-config.yaml")["repos"]
        for hook in repository["hooks"]
    ]
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
    commands = [line.strip().replace("$(BIN)", ".venv/bin") for line in recipe.splitlines()]
    assert [hook["entry"] for hook in hooks] == commands
    assert {hook["language"] for hook in hooks} == {"system"}


def test_targets_of_make_exist(page):
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make (\w+)", page.read_text(encoding="utf-8"), re.MULTILINE)) <= targets


def test_the_version_is_in_the_changelog():
    from dlkit import __version__

    assert re.search(rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_constraints_are_exact_and_name_no_address():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [re.fullmatch(r"([a-z0-9-]+)==[\w.]+", line) for line in lines if not line.startswith("#")]
    assert None not in pins
    names = [pin.group(1) for pin in pins]
    assert names == sorted(set(names))
