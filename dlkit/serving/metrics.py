"""Count and time requests, in the form that Prometheus reads."""

from collections.abc import Callable
from functools import lru_cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024)


class Metrics:
    """The counters of one server. Labels have few values: models that exist, methods, HTTP statuses."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        of_request = ["model", "method", "code"]
        self._requests = Counter("dlkit_requests", "Requests by HTTP status", of_request, registry=registry)
        self._seconds = Histogram(
            "dlkit_request_seconds", "Seconds to answer", ["model", "method"], buckets=SECONDS, registry=registry
        )
        self._rows = Histogram("dlkit_batch_rows", "Examples per batch", ["model"], buckets=ROWS, registry=registry)
        self._waiting = Gauge("dlkit_waiting_requests", "Requests in the queue", ["model"], registry=registry)
        self._versions = Gauge("dlkit_serving_version", "Version that answers", ["model"], registry=registry)
        self._loads = Counter("dlkit_loads", "Versions loaded or refused", ["model", "result"], registry=registry)
        self._counted = lru_cache(maxsize=1024)(self._requests.labels)
        self._timed = lru_cache(maxsize=256)(self._seconds.labels)

    def answered(self, model: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered with this HTTP status."""
        self._counted(model, method, str(status)).inc()
        self._timed(model, method).observe(seconds)

    def computed(self, model: str) -> Callable[[int], None]:
        """Return the function that notes the examples of a model's batches."""
        observe: Callable[[int], None] = self._rows.labels(model).observe
        return observe

    def queue(self, model: str, waiting: Callable[[], int]) -> None:
        """Read the length of a model's queue whenever somebody asks for the metrics."""
        self._waiting.labels(model).set_function(waiting)

    def loaded(self, model: str, version: int) -> None:
        """Note that a version of a model answers from now on."""
        self._versions.labels(model).set(version)
        self._loads.labels(model, "loaded").inc()

    def refused(self, model: str) -> None:
        """Note that a version of a model was refused."""
        self._loads.labels(model, "refused").inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)
