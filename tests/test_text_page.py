"""docs/text.md, command by command, in an empty folder with the texts and the recipe that it prints."""

import re
import shlex
from pathlib import Path

PAGE = (Path(__file__).parents[1] / "docs" / "text.md").read_text(encoding="utf-8")


def block(language, number=0):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)[number]


def test_the_page_is_true(tmp_path, monkeypatch, reload_here, dlkit):
    monkeypatch.setenv("DLKIT_RUNS", str(tmp_path / "runs"))
    (tmp_path / "good.txt").write_text(block("text"))
    (tmp_path / "bad.txt").write_text(block("text", 1))
    (tmp_path / "new.txt").write_text("great and cheap , it works\nslow and it never worked\n")
    assert dlkit(*shlex.split(block("sh"))[1:]).code == 0
    (tmp_path / "opinions.yaml").write_text(block("yaml"))
    for command in block("sh", 1).splitlines():
        result = dlkit(*shlex.split(command, comments=True)[1:])
        assert result.code == 0, f"{command}: {result}"
        if command.startswith("dlkit predict"):
            assert re.search(r"new\.txt:1 .*good", result.out)
            assert re.search(r"new\.txt:2 .*bad", result.out)
        if command.startswith("dlkit data"):
            assert "vocabulary of text: " in result.out
    assert list((tmp_path / "runs").glob("opinions/*/exports/saved_model/opinions/1/certificate.json"))


def test_the_table_of_reviews_is_that_of_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "reviews").mkdir()
    for name in ("neg", "pos"):
        (tmp_path / "reviews" / f"rt-polarity.{name}").write_text(
            "a caf\u00e9 \u2026 film .\nwhat ?\n", encoding="cp1252"
        )
    monkeypatch.chdir(tmp_path)
    exec(compile(block("python"), "docs/text.md", "exec"), {})
    lines = (tmp_path / "reviews.csv").read_text("utf-8").splitlines()
    assert lines == [
        "words,ending,text,opinion",
        *(
            row + name
            for name in ("neg", "pos")
            for row in ("5,period,a caf\u00e9 \u2026 film .,", "2,question,what ?,")
        ),
    ]
