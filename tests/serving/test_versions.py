"""Versions: swapped under load without a dropped or wrong answer, refused ones, labels, and going back."""

import shutil
import threading

import pytest
import requests
from served_models import HalfPlusTwo, opened, wait_until

from dlkit.errors import CheckError
from dlkit.serving.signature import DEFAULT


class Plus(HalfPlusTwo):
    """Half plus two, plus a hundred times its version."""

    def __init__(self, version):
        self.version = version

    def run(self, signature, inputs):
        found = super().run(signature, inputs)
        return {name: array + 100 * self.version for name, array in found.items()}


def add(server, version, artefact):
    server.artefacts["half", version] = artefact
    (server.folder / "half" / str(version)).mkdir()


def states(server):
    listed = requests.get(f"{server.url}/v1/models/half", timeout=30).json()["model_version_status"]
    return {item["version"]: (item["state"], item["status"]["error_message"]) for item in listed}


def available(server):
    return [version for version, (state, _) in states(server).items() if state == "AVAILABLE"]


def predict(server, version=""):
    path = f"{server.url}/v1/models/half{version}:predict"
    return requests.post(path, json={"instances": [4]}, timeout=30)


def test_a_hundred_swaps_under_load_drop_nothing_and_every_answer_is_right(serving):
    with serving({("half", 1): Plus(1)}, poll=0.01) as server:
        stop, failures, seen = threading.Event(), [], set()

        def client(number):
            with requests.Session() as session:
                while not stop.is_set():
                    answer = session.post(
                        f"{server.url}/v1/models/half:predict", json={"instances": [number]}, timeout=30
                    )
                    version, rest = divmod(answer.json().get("predictions", [-1])[0], 100)
                    seen.add(version)
                    if answer.status_code != 200 or rest != number / 2 + 2:
                        failures.append(answer.text)

        clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
        for thread in clients:
            thread.start()
        for version in range(2, 102):
            add(server, version, opened(Plus(version)))
            wait_until(lambda version=version: server.models.models["half"].newest.number == version)
        stop.set()
        for thread in clients:
            thread.join()
        assert failures == []
        assert len(seen) > 20
        assert available(server) == ["101"]


def test_a_bad_version_is_refused_the_old_one_stays_and_a_mended_one_is_taken(serving):
    with serving({("half", 1): Plus(1)}, poll=0.02) as server:
        add(server, 2, CheckError("it did not pass its certificate"))
        wait_until(lambda: "2" in states(server) and states(server)["2"][0] == "END")
        assert states(server) == {"1": ("AVAILABLE", ""), "2": ("END", "it did not pass its certificate")}
        assert predict(server).json() == {"predictions": [104.0]}
        assert predict(server, "/versions/2").status_code == 404
        assert "half: version 2 is refused: it did not pass its certificate" in server.told
        server.artefacts["half", 2] = opened(Plus(2))
        (server.folder / "half" / "2" / "mended").write_text("")
        wait_until(lambda: predict(server).json() == {"predictions": [204.0]})
        assert (
            'dlkit_loads_total{model="half",result="refused"} 1.0'
            in requests.get(server.url + "/metrics", timeout=30).text
        )


def test_removing_the_newest_folder_goes_back_and_removing_all_changes_nothing(serving):
    with serving({("half", 1): Plus(1), ("half", 2): Plus(2)}, poll=0.02) as server:
        assert available(server) == ["2"]
        shutil.rmtree(server.folder / "half" / "2")
        wait_until(lambda: available(server) == ["1"])
        shutil.rmtree(server.folder / "half")
        assert predict(server).json() == {"predictions": [104.0]}
        wait_until(lambda: available(server) == ["1"])


def test_labelled_and_kept_versions_answer_beside_the_newest(serving):
    backends = {("half", number): Plus(number) for number in (1, 2, 3, 4)}
    with serving(backends, labels={"half": {"stable": 1}}, keep=2, poll=0.02) as server:
        assert available(server) == ["4", "3", "1"]
        for version, number in {"": 4, "/versions/3": 3, "/labels/stable": 1, "/versions/1": 1}.items():
            assert predict(server, version).json() == {"predictions": [100.0 * number + 4]}
        assert predict(server, "/versions/2").status_code == 404


def test_a_model_without_any_good_version_is_an_error_at_the_start(serving):
    error = CheckError("it did not pass its certificate")
    with pytest.raises(CheckError, match="it did not pass its certificate"), serving({("half", 1): error}):
        pass
    both = {("other", 7): error, ("other", 8): error}
    with pytest.raises(CheckError, match=r"cannot be served: version 8: .*; version 7"), serving(both):
        pass


def test_an_older_version_answers_when_the_newest_is_bad_at_the_start(serving):
    with serving({("half", 1): Plus(1), ("half", 2): CheckError("bad")}) as server:
        assert predict(server).json() == {"predictions": [104.0]}
        assert states(server)["2"] == ("END", "bad")


def test_requests_that_wait_are_answered_by_the_version_that_they_reached(serving):
    from served_models import Slow

    slow = Slow()
    with serving({("half", 1): slow}, poll=0.02) as server:
        answers = []
        thread = threading.Thread(target=lambda: answers.append(predict(server)))
        thread.start()
        slow.entered.acquire()
        add(server, 2, opened(Plus(2)))
        wait_until(lambda: server.models.models["half"].newest.number == 2)
        assert predict(server).json() == {"predictions": [204.0]}
        assert states(server)["1"][0] == "UNLOADING"
        slow.free.set()
        thread.join()
        assert answers[0].json() == {"predictions": [4.0]}
        wait_until(lambda: "1" not in states(server) or states(server)["1"][0] == "END")


def test_the_signature_of_the_tests_is_the_default_one():
    assert DEFAULT in Plus(1).signatures
