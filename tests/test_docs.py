"""The pages say what is true of the code: verbs, options, recipes, keys, links and targets of make."""

import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
import typer

from dlkit.cli import app
from dlkit.errors import Problem
from dlkit.recipe import load_recipe, shipped_recipes

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "saved_models/README.md", *sorted(ROOT.glob("docs/**/*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


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
    shown = set(re.findall(r"^\| `dlkit (runs rm|[\w-]+)", table, re.MULTILINE))
    assert shown == {"arithmetic" if is_kind(verb) else verb for verb in verbs()}


def test_every_verb_with_json_is_on_its_page():
    titles = set(re.findall(r"^## (.+)$", (ROOT / "docs/json.md").read_text(encoding="utf-8"), re.MULTILINE))
    with_json = {name for name, verb in verbs().items() if any("--json" in item.opts for item in verb.params)}
    assert titles == {"arithmetic" if is_kind(verb) else verb for verb in with_json} | {"schema"}


def test_every_recipe_is_in_the_readme_with_its_count():
    rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| .+ \| ([\d, ]+) \|$", README, re.MULTILINE)
    shown = {}
    for names, counts in rows:
        totals = [int(count.replace(",", "")) for count in counts.split(", ")]
        recipes = re.findall(r"\w+", names)
        shown |= dict(zip(recipes, totals if len(totals) > 1 else totals * len(recipes), strict=True))
    assert shown == {name: load_recipe(name).recipe.expect.parameters.total for name in shipped_recipes()}


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
    for target in re.findall(r"\]\(([^)]+)\)", prose(text)):
        file, _, anchor = target.partition("#")
        if target.startswith("https://"):
            continue
        linked = (page.parent / file) if file else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            titles = re.findall(r"^#+ (.+)$", linked.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


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
