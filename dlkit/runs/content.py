"""Check the contents of a run's JSON files, so that a damaged or forged file is reported before it is used."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class _Content(BaseModel):
    """Base class with the types of the keys that are read; keys of later versions are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True, protected_namespaces=())


class Threads(_Content):
    """TensorFlow's numbers of threads, 0 if TensorFlow chooses."""

    inter_op: int = 0
    intra_op: int = 0


class Environment(_Content):
    """environment.json: the machine, versions, settings and parent of a run."""

    versions: dict[str, str] = {}
    cpus: int | None = None
    threads: Threads = Threads()
    deterministic: bool | None = None
    seed: int | None = None
    process: int | None = None
    overrides: list[str] = []
    initial_weights: str | None = None
    started: str | None = None
    parent: str | None = Field(default=None, alias="from")


class Data(_Content):
    """data.json: the description of the data, fingerprints by split, and skipped images."""

    description: dict[str, Any] = {}
    left_out: list[str] = []
    fingerprints: dict[str, dict[str, int | str]] = {}


class Trained(_Content):
    """The results at the end of training."""

    metrics: dict[str, float] = {}
    updates: int = 0
    first_step: dict[str, float | str] = {}


class Evaluated(_Content):
    """The evaluation of one split."""

    checkpoint: str
    metrics: dict[str, float]


class Metrics(_Content):
    """metrics.json: the results of training, and evaluations by split."""

    training: Trained = Trained()
    evaluation: dict[str, Evaluated] = {}


class Repetitions(_Content):
    """repeat.json: the spread of a recipe's metrics over seeds."""

    recipe_digest: str | None = None
    split: str | None = None
    statistics: dict[str, dict[str, dict[str, float | None]]] = {}


class Found(_Content):
    """One finding of a diagnosis."""

    kind: str
    says: str
    evidence: list[str]
    advice: str = Field(alias="try")


class Diagnosed(_Content):
    """diagnosis.json: what is wrong with a training, and the number of updates that it had."""

    updates: int | None = None
    findings: list[Found] = []
    duplicates: list[str] = []


CONTENTS: dict[str, type[_Content]] = {
    "environment.json": Environment,
    "data.json": Data,
    "metrics.json": Metrics,
    "repeat.json": Repetitions,
    "diagnosis.json": Diagnosed,
}


def check_content(name: str, content: Any) -> None:
    """Raise ValueError with the key when the content of the file with this name is invalid."""
    if not isinstance(content, dict):
        raise ValueError(f"expected a mapping, received {type(content).__name__}")
    if name not in CONTENTS:
        return
    try:
        CONTENTS[name].model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
