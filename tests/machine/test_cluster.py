"""Which hosts share a training."""

import json

import pytest

from dlkit.errors import InputError
from dlkit.machine.cluster import Cluster, find_cluster, local_clusters

HOSTS = ("node1:8888", "node2:8888")


def tf_config(workers=HOSTS, index=1, kind="worker", **more):
    return json.dumps({"cluster": {"worker": list(workers), **more}, "task": {"type": kind, "index": index}})


def test_hosts_of_the_option():
    assert find_cluster(None, None) is None
    assert find_cluster("node1:8888, node2:8888", 1) == Cluster(HOSTS, 1)
    assert find_cluster("node1:8888", 0) is None


def test_hosts_of_tf_config(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", tf_config())
    assert find_cluster() == Cluster(HOSTS, 1)
    assert Cluster(HOSTS, 1).tf_config == tf_config()
    monkeypatch.setenv("TF_CONFIG", tf_config(HOSTS[:1], 0))
    assert find_cluster() is None


def test_hosts_of_slurm(monkeypatch):
    """Two nodes with two tasks each; this is the fourth task."""
    step = {"PROCID": "3", "STEP_NUM_TASKS": "4", "STEP_NODELIST": "node[1-2]", "STEP_TASKS_PER_NODE": "2(x2)"}
    for name, value in step.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert find_cluster("slurm") == Cluster(("node1:8888", "node1:8889", "node2:8888", "node2:8889"), 3)


@pytest.mark.parametrize(
    ("hosts", "index", "message"),
    [
        (None, 1, "--index is the place of this process in a cluster"),
        ("node1:8888,node2:8888", None, "--cluster names 2 processes, but not which one this is"),
        ("node1:8888,node2:8888", 2, "--index is 2, but --cluster names 2 processes"),
        ("node1,node2", 0, "--cluster: 'node1' is not HOST:PORT"),
        ("node1:8888,", 0, "--cluster: '' is not HOST:PORT"),
        ("node1:99999,node2:1", 0, "--cluster: 'node1:99999' is not HOST:PORT"),
        ("slurm", None, "SLURM's variables do not describe a job step"),
    ],
)
def test_mistakes_in_the_options(hosts, index, message):
    with pytest.raises(InputError, match=message.replace("(", r"\(")):
        find_cluster(hosts, index)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "TF_CONFIG is not the description of a cluster: '{'"),
        ("[]", "TF_CONFIG is not the description"),
        (json.dumps({"cluster": {"worker": HOSTS}}), "TF_CONFIG is not the description"),
        (tf_config(index=2), "TF_CONFIG names task 2 of 2 workers"),
        (tf_config(ps=["node3:8888"]), "TF_CONFIG has processes of type ps"),
        (tf_config(kind="chief"), "TF_CONFIG has processes of type chief"),
    ],
)
def test_mistakes_in_tf_config(monkeypatch, text, message):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InputError, match=message):
        find_cluster()


def test_local_processes_have_ports_of_their_own():
    clusters = local_clusters(3)
    assert [cluster.index for cluster in clusters] == [0, 1, 2]
    assert len({cluster.hosts for cluster in clusters}) == 1
    assert len(set(clusters[0].hosts)) == 3
