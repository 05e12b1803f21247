"""TensorFlow Serving's REST API, /v1/models/...: paths, methods, status and metadata as in http_rest_api_util.cc."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

from dlkit.serving.answers import columns, dumped, json_ready, predictions
from dlkit.serving.examples import classified, example_inputs, read_examples, scores_of, value_of
from dlkit.serving.http import Answer, Bodies, Call, unless_gone
from dlkit.serving.instances import check_one_form, read_columns, read_rows, signature_name
from dlkit.serving.json_values import parse
from dlkit.serving.model import Version
from dlkit.serving.models import Models
from dlkit.serving.plain_numbers import plain_numbers
from dlkit.serving.signature import DTYPES, Signature, TensorSpec
from dlkit.serving.status import Code, Refused, invalid

MODEL = r"(?i:/v1/models)(?:/(?P<name>[^/:]+))?(?:(?i:/versions/)(?P<number>\d+)|(?i:/labels/)(?P<label>[^/:]+))?"
METHODS = re.compile(MODEL.replace(")?(?:(?i:/v", ")(?:(?i:/v", 1) + r":(?P<method>classify|regress|predict)")
STATUS = re.compile(MODEL + r"(?:/(?P<part>metadata))?")
MAX_INT64 = 2**63 - 1
Target = tuple[str, int | None, str | None]


class RestApi:
    """Answers requests below /v1/."""

    def __init__(self, models: Models, bodies: Bodies) -> None:
        self._models, self._bodies = models, bodies
        self._methods = {"predict": self._predict, "classify": self._classify, "regress": self._regress}

    async def answer(self, call: Call) -> Answer:
        """Return the answer to a request; raise Refused with TensorFlow Serving's codes and messages."""
        if call.verb == "POST" and (found := METHODS.fullmatch(call.path)):
            return await self._compute(call, found["method"], _target(found))
        if call.verb == "GET" and (found := STATUS.fullmatch(call.path)):
            name, number, label = _target(found)
            if not name:
                raise invalid("Missing model name in request.")
            if found["part"]:
                return Answer(dumped(metadata(name, self._models.find(name, number, label))))
            return Answer(dumped(self._status(name, number, label)))
        raise invalid(f"Malformed request: {call.verb} {call.path}")

    async def _compute(self, call: Call, method: str, target: Target) -> Answer:
        body = await self._bodies.read(call)
        call.model, call.method = target[0] if target[0] in self._models.models else "", method
        plain = self._plain(body, target) if method == "predict" else None
        if plain is None:
            request = parse(body)
            work = self._methods[method](self._models.find(*target), request, body)
        else:
            work = self._answer(*plain)
        return Answer(await unless_gone(call.receive, work))

    def _plain(self, body: bytes, target: Target) -> tuple[Version, str, dict[str, np.ndarray]] | None:
        """Return what _answer needs for a request of numbers alone to the default signature, None for any other."""
        try:
            version = self._models.find(*target)
            found = plain_numbers(body, version.signature(None))
        except Refused:
            return None
        return None if found is None else (version, *found)

    async def _predict(self, version: Version, request: Mapping[str, Any], body: bytes) -> bytes:
        name = signature_name(request)
        signature = version.signature(name)
        check_one_form(request)
        literal = b"true" in body or b"false" in body
        if "instances" in request:
            return await self._answer(version, "instances", read_rows(request["instances"], signature, literal), name)
        return await self._answer(version, "inputs", read_columns(request["inputs"], signature, literal), name)

    async def _answer(
        self, version: Version, form: str, inputs: Mapping[str, np.ndarray], name: str | None = None
    ) -> bytes:
        """Return the body of the answer to a request to predict, in its form; name: of the signature."""
        outputs = await self._outputs(version, name, inputs)
        return predictions(outputs) if form == "instances" else columns(outputs)

    async def _classify(self, version: Version, request: Mapping[str, Any], body: bytes) -> bytes:
        name, signature, inputs = self._examples(version, request)
        assert version.opened is not None
        description = version.opened.description
        scores = scores_of(signature, description.scores)
        outputs = await self._outputs(version, name, inputs())
        ready = json_ready(scores, outputs[scores])
        return dumped({"results": classified(ready, description.class_names)})

    async def _regress(self, version: Version, request: Mapping[str, Any], body: bytes) -> bytes:
        name, signature, inputs = self._examples(version, request)
        value = value_of(signature)
        outputs = await self._outputs(version, name, inputs())
        return dumped({"results": json_ready(value, outputs[value]).reshape(-1)})

    def _examples(self, version: Version, request: Mapping[str, Any]) -> tuple[str | None, Signature, Any]:
        """Return the signature that a request names, and how to get its tensors from the request's examples."""
        name = signature_name(request)
        examples = read_examples(request)
        signature = version.signature(name)
        assert version.opened is not None
        table = version.opened.description.columns
        return name, signature, lambda: example_inputs(examples, signature, table)

    async def _outputs(self, version: Version, name: str | None, inputs: Any) -> Any:
        return await version.outputs(name, inputs, self._models.limits, self._models.limits.seconds)

    def _status(self, name: str, number: int | None, label: str | None) -> dict[str, Any]:
        """Return the states of a model's versions, or of one."""
        if label is not None:
            number = self._models.find(name, None, label).number
        model = self._models.models.get(name)
        if model is None or not model.versions:
            raise Refused(Code.NOT_FOUND, f"Could not find any versions of model {name}")
        if number is not None and number not in model.versions:
            raise Refused(Code.NOT_FOUND, f"Could not find version {number} of model {name}")
        numbers = sorted(model.versions, reverse=True) if number is None else [number]
        return {"model_version_status": [_state(model.versions[number]) for number in numbers]}


def _target(found: "re.Match[str]") -> Target:
    """Return the model, version and label that a path names."""
    number = found["number"]
    if number is not None and int(number) > MAX_INT64:
        raise invalid(f"Failed to convert version: {number} to numeric.")
    label = found["label"]
    return (
        unquote(found["name"] or ""),
        None if number is None else int(number),
        None if label is None else unquote(label),
    )


def _state(version: Version) -> dict[str, Any]:
    status = {"error_code": version.code.name, "error_message": str(version.error or "")}
    return {"version": str(version.number), "state": version.state, "status": status}


def metadata(name: str, version: Version) -> dict[str, Any]:
    """Return the signatures of a version, in the JSON form of TensorFlow's protos."""
    assert version.opened is not None
    signatures = version.opened.backend.signatures.items()
    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version.number)},
        "metadata": {"signature_def": {"signature_def": {key: _signature(key, value) for key, value in signatures}}},
    }


def _signature(name: str, signature: Signature) -> dict[str, Any]:
    sides = {"inputs": signature.inputs, "outputs": signature.outputs}
    tensors = {side: {key: _tensor(name, key, spec) for key, spec in specs.items()} for side, specs in sides.items()}
    return {**tensors, "method_name": signature.method, "defaults": {}}


def _tensor(signature: str, name: str, spec: TensorSpec) -> dict[str, Any]:
    sizes = (None, *spec.shape[1:]) if spec.shape else ()
    shape = [{"size": str(-1 if size is None else size), "name": ""} for size in sizes]
    return {
        "dtype": DTYPES[spec.dtype].proto,
        "tensor_shape": {"dim": shape, "unknown_rank": False},
        "name": f"{signature}_{name}:0",
    }
