"""dlkit serve on the command line: what it serves and refuses, how it stops; and docs/serving.md, block by block."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import requests
from served_models import wait_until

from dlkit.errors import InputError, MissingError
from dlkit.export.stored import outdated_formats
from dlkit.report.about import certificates
from dlkit.runs.directory import RunDirectory
from dlkit.serving.request import exported, read_token, sources, unexported

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
NAMED = "docs/serving.md"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answered(url):
    try:
        return requests.get(url + "/readyz", timeout=5).ok
    except requests.exceptions.ConnectionError:
        return False


def test_the_page_is_true(trained_run, reload_here, dlkit):
    """Export, serve, and run the page's clients against the server; then stop it with SIGTERM."""
    train, export, serve = [line.split("#")[0].split()[1:] for line in blocks("sh")[0].splitlines()]
    assert train == ["train", "digits_mlp"]  # the run of the fixture
    assert dlkit(*export).code == 0
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    found, printed = {}, []

    def clients():
        try:
            wait_until(lambda: answered(url), 60)
            for code in blocks("python"):
                if "cat.jpg" not in code:
                    code = code.replace("http://127.0.0.1:8501", url).replace("127.0.0.1:8501", f"127.0.0.1:{port}")
                    exec(code.replace("print(", "printed.append("), {"printed": printed})
            curl = blocks("bash")[0].replace("http://127.0.0.1:8501", url)
            found["curl"] = subprocess.run(["bash", "-c", curl], capture_output=True, text=True, check=True).stdout
            found["examples"] = requests.post(
                f"{url}/v1/models/digits_mlp:classify", json={"examples": [{"inputs": [0] * 64}]}, timeout=30
            ).json()
            found["encoded"] = requests.post(
                f"{url}/v1/models/digits_mlp:predict",
                json={"signature_name": "serve_encoded", "instances": [{"b64": cut_png()}]},
                timeout=30,
            )
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=clients)
    thread.start()
    done = dlkit(*serve, "--port", port, "--json")
    thread.join()
    assert done.code == 0
    assert json.loads(done.out) == {
        "url": url,
        "models": [{"name": "digits_mlp", "version": 1, "platform": "tensorflow_savedmodel"}],
    }
    label, probabilities = printed
    assert json.loads(found["curl"])["predictions"][0]["label"] == label
    assert np.array(json.loads(found["curl"])["predictions"][0]["probabilities"]) == pytest.approx(probabilities[0])
    scores = dict(found["examples"]["results"][0])
    assert max(scores, key=scores.get) == label
    assert found["encoded"].status_code == 400
    assert "error" in found["encoded"].json()


def cut_png():
    """A PNG in base64 whose data ends too early."""
    import base64
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (8, 8)).astype("uint8")).save(stream, "png")
    return base64.b64encode(stream.getvalue()[:60]).decode()


def artefact(folder):
    folder.mkdir(parents=True)
    (folder / "certificate.json").write_text("{}")
    return folder


def test_a_target_is_a_run_a_folder_of_versions_or_one_version(tmp_path):
    artefact(tmp_path / "models" / "net" / "7")
    artefact(tmp_path / "alone")
    found = sources(
        [str(tmp_path / "models/net"), f"old={tmp_path / 'models/net/7'}", str(tmp_path / "alone")], [], tmp_path
    )
    assert [(one.name, one.number, one.versions().keys()) for one in found] == [
        ("net", None, {7}),
        ("old", 7, {7}),
        ("alone", 1, {1}),
    ]


def test_a_run_is_served_from_the_export_that_needs_least(trained_run, tmp_path):
    run = tmp_path / "digits_mlp" / "copy"
    shutil.copytree(trained_run.path, run, ignore=shutil.ignore_patterns("exports", "snapshots"))
    for format_name in ("saved_model", "litert_int8", "litert", "onnx"):
        artefact(run / "exports" / format_name / "digits_mlp" / "1")
        (source,) = sources(["digits_mlp"], [], tmp_path)
        expected = "saved_model" if format_name == "litert_int8" else format_name
        assert source.folder.parent.name == expected


def test_an_export_of_older_weights_is_not_the_runs(exported_run, trained_run, tmp_path):
    run = RunDirectory(tmp_path / "digits_mlp" / "copy")
    shutil.copytree(trained_run.path, run.path, ignore=shutil.ignore_patterns("exports", "snapshots"))
    shutil.copytree(exported_run[0], run.path / "exports/saved_model/digits_mlp/1")
    assert exported(run) is not None
    assert [one["current"] for one in certificates(run)] == [True]
    shutil.copy(run.path / "best.keras", run.path / "last.keras")  # as if the training had been continued
    with (run.path / "last.keras").open("ab") as stream:
        stream.write(b" ")
    assert exported(run) is None
    assert outdated_formats(run) == ["saved_model"]
    assert unexported(["digits_mlp"], tmp_path) == [run.path]
    assert [one["current"] for one in certificates(run)] == [False]


@pytest.mark.parametrize(
    ("targets", "labels", "error", "says", "hint"),
    [
        (["none"], [], MissingError, "there is no", ""),
        (
            ["{}/empty"],
            [],
            InputError,
            "is neither an artefact nor a folder with versions of one",
            "give a folder that dlkit export wrote",
        ),
        (["{}/net", "net={}/other"], [], InputError, "two models have the name 'net'", "name one of them: NAME=PATH"),
        (["{}/net"], ["stable"], InputError, "--label 'stable' is not [MODEL:]LABEL=VERSION", "--label stable=3"),
        (["{}/net"], ["nett:stable=1"], InputError, "--label 'nett:stable=1' names no model", "did you mean 'net'?"),
        (["{}/net", "{}/other"], ["stable=1"], InputError, "--label 'stable=1' names no model", "allowed: net, other"),
        (["{}/net"], ["stable=9"], InputError, "--label stable=9: net has no version 9", "versions: 1"),
    ],
)
def test_what_cannot_be_served_says_why(targets, labels, error, says, hint, tmp_path):
    for name in ("net", "other"):
        artefact(tmp_path / name / "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(error) as raised:
        sources([target.format(tmp_path) for target in targets], labels, tmp_path)
    assert says in str(raised.value)
    assert hint in raised.value.problems[0].hint


def test_labels_belong_to_their_model(tmp_path):
    for name in ("net/1", "net/2", "other/1"):
        artefact(tmp_path / name)
    both = [str(tmp_path / name) for name in ("net", "other")]
    found = sources(both, ["net:stable=1", "net:old=2"], tmp_path)
    assert [one.labels for one in found] == [{"stable": 1, "old": 2}, {}]


@pytest.mark.parametrize("text", ["", "  \n", "é", "two\nlines"])
def test_a_token_is_one_line_of_ascii(text, tmp_path):
    (tmp_path / "token").write_text(text)
    with pytest.raises(InputError, match="does not contain a token"):
        read_token(tmp_path / "token")
    with pytest.raises(MissingError, match="cannot read the token"):
        read_token(tmp_path / "none")
    (tmp_path / "token").write_text(" s3cret\n")
    assert read_token(tmp_path / "token") == "s3cret"


def test_a_port_in_use_and_a_bad_artefact_end_with_their_codes(dlkit, tmp_path):
    artefact(tmp_path / "net" / "1")
    done = dlkit("serve", tmp_path / "net", "--port", free_port())
    assert done.code == 1
    assert "certificate.json is damaged" in done.error
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = dlkit("serve", tmp_path / "net", "--port", port)
    assert done.code == 3
    assert f"cannot listen at 127.0.0.1:{port}: Address already in use" in done.error
    assert "give another --port" in done.error
    assert dlkit("serve", tmp_path / "net", "--host", "no.such.host.invalid").code == 3


def test_a_server_for_everyone_without_a_token_is_warned_about(dlkit, tmp_path):
    artefact(tmp_path / "net" / "1")
    done = dlkit("serve", tmp_path / "net", "--host", "0.0.0.0", "--port", free_port())
    assert "warning: everyone who reaches 0.0.0.0 can use this server" in done.error


def test_without_its_libraries_the_extra_is_named(dlkit, monkeypatch):
    monkeypatch.setattr("dlkit.serving.installed.find_spec", lambda name: None if name == "orjson" else name)
    done = dlkit("serve")
    assert done.code == 3
    assert "dlkit serve needs orjson" in done.error
    assert "pip install 'dlkit[serve]'" in done.error


def test_the_server_itself_needs_no_tensorflow_nor_what_comes_with_it():
    code = (
        "import sys\n"
        "for name in ('tensorflow', 'keras', 'sklearn', 'tensorflow_datasets', 'matplotlib', 'tf2onnx'):\n"
        "    sys.modules[name] = None\n"
        "import dlkit.cli, dlkit.serving.server, dlkit.serving.request\n"
        "print('imported')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.stdout, done.stderr) == ("imported\n", "")
