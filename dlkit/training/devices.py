"""Exchange values between the processes of a training.

TensorFlow's MultiWorkerMirroredStrategy is used as a communicator only: nothing is created in its scope, and values are
gathered rather than reduced, so that every process adds them in the same order.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from dlkit.data.fingerprint import fingerprint
from dlkit.errors import InputError, MissingError
from dlkit.machine.cluster import Cluster
from dlkit.machine.environment import versions
from dlkit.model.digest import weights_digest
from dlkit.training.prepare import Prepared

# A process that ends or is cut off is noticed by its missing heartbeats within seconds. This is the limit for one that
# lives but does not take its part, and has to leave time for building a graph or writing a snapshot.
TIMEOUT_SECONDS = 300


class Group:
    """The processes that share a training; this one, alone, has nobody to exchange values with.

    index: of this process; the first (0) writes the run. size: the number of processes.
    """

    index, size = 0, 1

    def gathered(self, vector: Any) -> list[Any]:
        """Return the vectors (n,) of all processes, in order; for graphs."""
        return [vector]

    def any_of(self, flag: bool) -> bool:
        """Return whether any process gives True."""
        return self.agreed(0, flag)[1]

    def agreed(self, number: int, flag: bool) -> tuple[int, bool]:
        """Return the number that the first process gives, and whether any gives True, in one exchange."""
        return number, flag

    def others(self, digest: bytes) -> list[int]:
        """Return the indices of the processes that give another digest (of at least 7 bytes) than the first."""
        return []

    def broadcast(self, content: bytes) -> bytes:
        """Return the bytes that the first process gives; what the others give does not count."""
        return content

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise MissingError where TensorFlow reports that another process is lost."""
        yield


ALONE = Group()


class Processes(Group):
    """Several processes, on this machine or others, connected by TensorFlow's collective operations."""

    def __init__(self, cluster: Cluster) -> None:
        self.index, self.size = cluster.index, len(cluster.hosts)
        self._hosts = cluster.hosts
        collectives = tf.distribute.experimental
        self._options = collectives.CommunicationOptions(
            timeout_seconds=TIMEOUT_SECONDS, implementation=collectives.CommunicationImplementation.RING
        )
        with self.watched():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy(
                tf.distribute.cluster_resolver.SimpleClusterResolver(
                    tf.train.ClusterSpec({"worker": list(cluster.hosts)}),
                    task_type="worker",
                    task_id=cluster.index,
                    rpc_layer="grpc",
                ),
                self._options,
            )
        self._gather_now = tf.function(self._gather, reduce_retracing=True, autograph=False)
        self._add_now = tf.function(self._add, reduce_retracing=True, autograph=False)

    def gathered(self, vector: Any) -> list[Any]:
        """Return the vectors (n,) of all processes, in order; for graphs."""
        vectors: list[Any] = tf.unstack(tf.ensure_shape(self._gather(vector), (self.size, *vector.shape)))
        return vectors

    def agreed(self, number: int, flag: bool) -> tuple[int, bool]:
        """Return the number that the first process gives, and whether any gives True, in one exchange."""
        found = self._numbers(number, int(flag))
        return int(found[0, 0]), bool(found[:, 1].any())

    def others(self, digest: bytes) -> list[int]:
        """Return the indices of the processes that give another digest (of at least 7 bytes) than the first."""
        found = self._numbers(int.from_bytes(digest[:7]))[:, 0]
        return [index for index, number in enumerate(found) if number != found[0]]

    def broadcast(self, content: bytes) -> bytes:
        """Return the bytes that the first process gives; what the others give does not count."""
        size, _ = self.agreed(len(content), False)
        words = np.zeros(-(-size // 4), np.int32)
        if self.index == 0:
            words.view(np.uint8)[:size] = np.frombuffer(content, np.uint8)
        added: np.ndarray = self._add_now(tf.constant(words)).numpy()
        return added.tobytes()[:size]

    def _numbers(self, *numbers: int) -> np.ndarray:
        """Return the numbers that all processes give, (processes, numbers)."""
        found: np.ndarray = self._gather_now(tf.constant(numbers, tf.int64)).numpy()
        return found

    def _gather(self, vector: Any) -> Any:
        return self._together(lambda context, value: context.all_gather(value[tf.newaxis], 0, self._options), vector)

    def _add(self, vector: Any) -> Any:
        return self._together(
            lambda context, value: context.all_reduce("SUM", tf.identity(value), self._options), vector
        )

    def _together(self, operation: Callable[[Any, Any], Any], vector: Any) -> Any:
        return self._strategy.run(lambda value: operation(tf.distribute.get_replica_context(), value), args=(vector,))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Raise MissingError where TensorFlow reports that another process is lost."""
        try:
            yield
        except tf.errors.OpError as error:
            if not isinstance(error, _LOST):
                raise
            lost = [f"process {n} ({host})" for n, host in enumerate(self._hosts) if f"task:{n}" in error.message]
            raise MissingError(
                f"{', '.join(lost) or 'another process'} was lost, so the training cannot go on",
                "continue it with --resume from its newest snapshot, on any number of processes",
            ) from error


_LOST = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)


def joined(cluster: Cluster | None) -> Group:
    """Return the group of a cluster's processes, once all of them have joined it; without a cluster, this process."""
    return Processes(cluster) if cluster else ALONE


def check_same(group: Group, ready: Prepared) -> None:
    """Raise InputError in every process when one has other data, preprocessing, weights' shapes or versions."""
    if group.size == 1:
        return
    built = ready.built
    digest = hashlib.sha256()
    for name, split in ready.splits.named().items():
        digest.update(f"{name} {fingerprint(split)}".encode())
    digest.update(weights_digest(built.preprocess.variables).encode())
    digest.update(f"{built.network.to_json()} {versions()}".encode())
    with group.watched():
        different = group.others(digest.digest())
    if different:
        raise InputError(
            f"the processes {', '.join(map(str, different))} have other data, another recipe or other versions of the "
            "libraries than process 0",
            "compare the hosts with dlkit doctor and dlkit data RECIPE",
        )
