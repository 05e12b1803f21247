"""Which processes can share a training."""

import pytest

from dlkit.errors import InputError
from dlkit.machine.cluster import Cluster
from dlkit.recipe import load_recipe
from dlkit.training.request import TrainingRequest, allowed_processes, check_shards


def test_every_process_gets_a_complete_part_of_the_additions():
    assert allowed_processes(1) == [1]
    assert allowed_processes(4) == [1, 2, 4]
    assert allowed_processes(6) == [1, 3, 6]
    assert allowed_processes(12) == [1, 3, 6, 12]


def test_processes_that_cannot_share_the_shards_are_refused():
    with pytest.raises(InputError, match="2 processes cannot share a batch that is not cut into shards") as refused:
        check_shards(load_recipe("digits_mlp"), 2)
    assert refused.value.problems[0].hint.startswith("add --set training.shards=2")
    with pytest.raises(InputError, match="4 processes cannot share the 6 shards") as refused:
        check_shards(load_recipe("digits_mlp", ["training.shards=6"]), 4)
    assert refused.value.problems[0].hint == "allowed with 6 shards: 1, 3, 6 processes"


def test_a_cluster_is_checked_before_anything_starts(tmp_path):
    cluster = Cluster(("a:1", "b:1"), 1)
    with pytest.raises(InputError, match="2 processes cannot share"):
        TrainingRequest("digits_mlp", tmp_path, cluster=cluster).resolve()
    plan = TrainingRequest("digits_mlp", tmp_path, ["training.shards=4"], cluster=cluster).resolve()
    assert plan.sharded
    assert plan.cluster is cluster
