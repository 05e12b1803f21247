"""Find the hosts of a training that runs in several processes: from options, TF_CONFIG or SLURM."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from dlkit.errors import InputError
from dlkit.process import TF_CONFIG, variable

SLURM_PORT = 8888


@dataclass(frozen=True)
class Cluster:
    """The processes of a training: hosts, each HOST:PORT, and the index of this process among them, from 0."""

    hosts: tuple[str, ...]
    index: int

    @property
    def tf_config(self) -> str:
        """Return the value of TF_CONFIG that describes the cluster to this process."""
        return json.dumps({"cluster": {"worker": list(self.hosts)}, "task": {"type": "worker", "index": self.index}})


def find_cluster(hosts: str | None = None, index: int | None = None) -> Cluster | None:
    """Return the cluster that the options or else TF_CONFIG name, None for a single process.

    hosts: HOST:PORT,HOST:PORT..., or `slurm`. index: this process's place among them. Raises InputError.
    """
    if hosts is None:
        if index is not None:
            raise InputError("--index is the place of this process in a cluster", "add --cluster HOST:PORT,HOST:PORT")
        return _several(_from_tf_config()) if variable(TF_CONFIG) else None
    if hosts == "slurm":
        return _several(_from_slurm())
    names = tuple(name.strip() for name in hosts.split(","))
    for name in names:
        _check_host(name)
    if index is None:
        raise InputError(
            f"--cluster names {len(names)} processes, but not which one this is",
            "add --index N, counted from 0 in the order of --cluster",
        )
    if index >= len(names):
        raise InputError(f"--index is {index}, but --cluster names {len(names)} processes", "count from 0")
    return _several(Cluster(names, index))


def local_clusters(count: int) -> list[Cluster]:
    """Return a cluster on free ports of this machine, as each of its `count` processes sees it."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        hosts = tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in sockets)
    finally:
        for each in sockets:
            each.close()
    return [Cluster(hosts, index) for index in range(count)]


def _several(cluster: Cluster) -> Cluster | None:
    """Return a cluster of more than one process, else None."""
    return cluster if len(cluster.hosts) > 1 else None


def _from_tf_config() -> Cluster:
    """Read TF_CONFIG; all processes must be workers."""
    text = variable(TF_CONFIG) or ""
    try:
        content = json.loads(text)
        hosts, task = content["cluster"]["worker"], content["task"]
        index = int(task["index"])
        extra = set(content["cluster"]) - {"worker"} or ({task["type"]} - {"worker"})
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"TF_CONFIG is not the description of a cluster: {text[:200]!r}",
            'such as {"cluster": {"worker": ["a:80", "b:80"]}, "task": {"type": "worker", "index": 0}}; or unset it',
        ) from error
    if extra:
        raise InputError(f"TF_CONFIG has processes of type {', '.join(sorted(extra))}", "name all of them worker")
    if not isinstance(hosts, Sequence) or not 0 <= index < len(hosts):
        raise InputError(f"TF_CONFIG names task {index} of {len(hosts)} workers", "count from 0")
    return Cluster(tuple(map(str, hosts)), index)


def _from_slurm() -> Cluster:
    """Read SLURM's variables with TensorFlow's own resolver; one process is a task of the job step."""
    from dlkit.machine.tensorflow import start_tensorflow

    start_tensorflow()
    from tensorflow import distribute

    try:
        # The numbers of GPUs only matter with auto_set_gpu, but the resolver asks nvidia-smi or fails without them.
        resolver = distribute.cluster_resolver.SlurmClusterResolver(
            port_base=SLURM_PORT, auto_set_gpu=False, gpus_per_node=1024, gpus_per_task=1
        )
        hosts = resolver.cluster_spec().as_dict()["worker"]
        return Cluster(tuple(hosts), resolver.get_task_info()[1])
    except (KeyError, ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"SLURM's variables do not describe a job step: {error}",
            "start it with srun dlkit train ... --cluster slurm",
        ) from error


def _check_host(name: str) -> None:
    host, _, port = name.rpartition(":")
    if not (host and port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(f"--cluster: {name!r} is not HOST:PORT", "such as --cluster node1:8888,node2:8888, or slurm")
