"""The README, command by command, in an empty folder; pages that need real data or minutes are in tests/real/."""

import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUN_BY = {
    "README.md": "tests/test_pages.py",
    "docs/classroom.md": "tests/plots/test_classroom_page.py",
    "docs/autoencoders.md": "tests/real/test_pages.py",
    "docs/experiments.md": "tests/experiments/test_experiments_page.py",
    "docs/formats.md": "tests/real/test_pages.py",
    "docs/guide.md": "tests/real/test_pages.py",
    "docs/json.md": "tests/real/test_pages.py",
    "docs/new_classifier.md": "tests/catalog/test_own_components.py",
    "docs/results.md": "tests/real/test_pages.py",
    "docs/scaling.md": "tests/real/test_pages.py",
    "docs/search.md": "tests/real/test_pages.py",
    "docs/segmentation.md": "tests/real/test_pages.py",
    "docs/serving.md": "tests/serving/test_verb.py",
    "docs/speech.md": "tests/real/test_speech.py",
    "docs/tables.md": "tests/test_tables_page.py",
    "docs/text.md": "tests/test_text_page.py",
    "docs/threat_model.md": "tests/real/test_pages.py",
    "docs/transfer_learning.md": "tests/test_transfer_page.py",
}


def test_every_page_with_commands_is_run_by_a_test():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    with_commands = {str(page.relative_to(ROOT)) for page in pages if "```sh\n" in page.read_text(encoding="utf-8")}
    assert with_commands == set(RUN_BY)
    for page, test in RUN_BY.items():
        assert Path(page).name in (ROOT / test).read_text(encoding="utf-8"), f"{test} does not name {page}"


@pytest.mark.parametrize("page", ["README.md"])
def test_the_commands_of_the_page_work(page, page_commands, dlkit, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    for variable in ("DLKIT_OFFLINE", "TFDS_DATA_DIR"):  # the last command sets both, for this test alone
        monkeypatch.setenv(variable, os.environ.get(variable, ""))
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    ran = []
    for program, *words in page_commands(page):
        assert program == "dlkit"
        if "/data/tfds" in words:  # tests/real runs it; here the data is missing, and the message says where
            done = dlkit(*[word.replace("/data/tfds", str(tmp_path / "tfds")) for word in words])
            assert (done.code, f"the dataset 'mnist' is not in {tmp_path / 'tfds'}" in done.error) == (3, True)
            continue
        done = dlkit(*words)
        assert done.code == 0, f"{words}: {done}"
        ran.append(words[0])
    assert ran == ["new", "validate", "summary", "train", "evaluate", "export"]
    assert list((tmp_path / "runs").glob("my_net/*/exports/saved_model/my_net/1/certificate.json"))


def test_the_recipe_of_the_readme_trains_as_it_stands(dlkit, tmp_path):
    (block,) = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (tmp_path / "my_net.yaml").write_text(block)
    done = dlkit("train", "my_net.yaml", "--runs-dir", tmp_path)
    assert done.code == 0, done
