"""The Open Inference Protocol, /v2/...: health, metadata, and inference with JSON or binary tensors."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

import dlkit
from dlkit.serving.answers import dumped, json_ready
from dlkit.serving.binary import LENGTH, decoded, encoded, split
from dlkit.serving.http import Answer, Bodies, Call, unless_gone
from dlkit.serving.json_values import json_type, parse
from dlkit.serving.model import Version
from dlkit.serving.models import Models
from dlkit.serving.signature import DEFAULT, DTYPES, Signature, TensorSpec
from dlkit.serving.status import Code, Refused, invalid
from dlkit.serving.tensors import array_of

PATH = re.compile(r"/v2/models/(?P<name>[^/]+)(?:/versions/(?P<number>[^/]+))?(?:/(?P<part>ready|infer))?")
BY_V2 = {names.v2: dtype for dtype, names in DTYPES.items()}
BINARY = (b"content-type", b"application/octet-stream")
MICROSECONDS = 1e6


class InferenceApi:
    """Answers requests below /v2."""

    def __init__(self, models: Models, bodies: Bodies) -> None:
        self._models, self._bodies = models, bodies

    async def answer(self, call: Call) -> Answer:
        """Return the answer to a request; raise Refused with codes as in TensorFlow Serving."""
        path = call.path.rstrip("/")
        if call.verb == "GET" and path in ("/v2", "/v2/health/live", "/v2/health/ready"):
            return self._server(path)
        found = PATH.fullmatch(path)
        if found is None or (call.verb == "POST") != (found["part"] == "infer"):
            raise Refused(Code.NOT_FOUND, f"there is no {call.verb} {call.path} in the protocol")
        name, number = unquote(found["name"]), found["number"]
        if found["part"] == "infer":
            return await self._infer(call, name, number)
        if found["part"] == "ready":
            return self._ready(name, number)
        return Answer(dumped(_metadata(name, self._find(name, number), self._models)))

    def _server(self, path: str) -> Answer:
        if path == "/v2":
            about = {"name": "dlkit", "version": dlkit.__version__, "extensions": ["binary_tensor_data"]}
            return Answer(dumped(about))
        if path == "/v2/health/live":
            return Answer(dumped({"live": True}))
        return Answer(dumped({"ready": self._models.ready}), 200 if self._models.ready else 503)

    def _ready(self, name: str, number: str | None) -> Answer:
        self._find(name, number)
        return Answer(dumped({"name": name, "ready": True}))

    def _find(self, name: str, number: str | None) -> Version:
        if number is not None and not number.isdecimal():
            raise invalid(f"the version {number!r} is not a number")
        try:
            return self._models.find(name, None if number is None else int(number))
        except Refused as error:
            version = "" if number is None else f" version {number}"
            message = f"Request for unknown model: '{name}'{version} is not found"
            raise Refused(Code.NOT_FOUND, message) from error

    async def _infer(self, call: Call, name: str, number: str | None) -> Answer:
        body = await self._bodies.read(call)
        call.model, call.method = name if name in self._models.models else "", "infer"
        text, rest = split(body, call.header(LENGTH))
        request = parse(text)
        version = self._find(name, number)
        inputs = _inputs(request, rest, text)
        signature = _signature_with(version, inputs)
        arrays = {key: inputs[key].array(spec) for key, spec in version.signature(signature).inputs.items()}
        wanted = _wanted(request, version.signature(signature))
        work = version.outputs(signature, arrays, self._models.limits, self._seconds(request))
        outputs = await unless_gone(call.receive, work)
        head: dict[str, Any] = {"model_name": name, "model_version": str(version.number)}
        return _answer(head | ({"id": request["id"]} if "id" in request else {}), outputs, wanted)

    def _seconds(self, request: Mapping[str, Any]) -> float:
        """Return the seconds within which a request wants its answer: its own, but no more than the server's."""
        asked = _parameters(request).get("timeout")
        most = self._models.limits.seconds
        if asked is None:
            return most
        if not isinstance(asked, int) or isinstance(asked, bool) or asked < 0:
            raise invalid(f"the parameter timeout is {asked!r}, but microseconds are a whole number")
        return min(most, asked / MICROSECONDS) if asked else most


class _Input:
    """One input of a request: its dtype and shape, and its data in JSON or as bytes."""

    def __init__(self, item: Any, rest: memoryview, at: int, literal: bool) -> None:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise invalid("every entry of 'inputs' is an object with a name")
        self.name, self._literal = item["name"], literal
        self._dtype, self._shape = _dtype(item), _shape(item)
        self.size = _parameters(item).get("binary_data_size", 0)
        if not isinstance(self.size, int) or not 0 <= self.size <= len(rest) - at:
            raise invalid(f"input '{self.name}' declares {self.size!r} binary bytes, but {len(rest) - at} are left")
        self._is_binary = "binary_data_size" in _parameters(item)
        if not self._is_binary and not isinstance(item.get("data"), list):
            raise invalid(f"input '{self.name}' has no data")
        self._data = rest[at : at + self.size] if self._is_binary else item["data"]

    def array(self, spec: TensorSpec) -> np.ndarray:
        """Return the tensor; raise Refused when it is not of the dtype that the model takes."""
        if self._dtype != spec.dtype:
            raise invalid(
                f"input '{self.name}' has the datatype {DTYPES[self._dtype].v2}, but the model takes "
                f"{DTYPES[spec.dtype].v2}"
            )
        if self._is_binary:
            return decoded(self.name, self._data, self._dtype, self._shape)
        array = array_of(self._data, spec, self._literal)
        if array.size != np.prod(self._shape):
            raise invalid(f"input '{self.name}' has {array.size} values, but its shape is {self._shape}")
        return array.reshape(self._shape)


def _dtype(item: Mapping[str, Any]) -> str:
    if item.get("datatype") not in BY_V2:
        raise invalid(f"input '{item['name']}' has the datatype {item.get('datatype')!r}; allowed: {', '.join(BY_V2)}")
    return BY_V2[item["datatype"]]


def _shape(item: Mapping[str, Any]) -> list[int]:
    shape = item.get("shape")
    if not isinstance(shape, list) or not all(isinstance(size, int) and 0 <= size < 2**31 for size in shape):
        raise invalid(f"input '{item['name']}' has the shape {shape!r}, which is not a list of sizes")
    return shape


def _parameters(item: Mapping[str, Any]) -> Mapping[str, Any]:
    found = item.get("parameters", {})
    if not isinstance(found, dict):
        raise invalid(f"parameters is of type {json_type(found)}, but an object is expected")
    return found


def _inputs(request: Mapping[str, Any], rest: memoryview, text: bytes) -> dict[str, _Input]:
    if not isinstance(request.get("inputs"), list) or not request["inputs"]:
        raise invalid("a request needs a list of 'inputs'")
    literal = b"true" in text or b"false" in text
    found: dict[str, _Input] = {}
    at = 0
    for item in request["inputs"]:
        one = _Input(item, rest, at, literal)
        if one.name in found:
            raise invalid(f"input '{one.name}' is given twice")
        found[one.name] = one
        at += one.size
    if at != len(rest):
        raise invalid(f"the inputs declare {at} binary bytes, but the request has {len(rest)}")
    return found


def _signature_with(version: Version, inputs: Mapping[str, _Input]) -> str:
    """Return the signature that takes exactly these inputs, the default one first."""
    assert version.opened is not None
    signatures = version.opened.backend.signatures
    for name in (DEFAULT, *signatures):
        if signatures[name].inputs.keys() == inputs.keys():
            return name
    takes = " or ".join(f"[{', '.join(signature.inputs)}]" for signature in signatures.values())
    raise invalid(f"the request has the inputs [{', '.join(inputs)}], but the model takes {takes}")


def _wanted(request: Mapping[str, Any], signature: Signature) -> dict[str, bool]:
    """Return the outputs that a request asks for, and whether each is to be binary."""
    default = _parameters(request).get("binary_data_output", False)
    asked = request.get("outputs") or [{"name": name} for name in signature.outputs]
    found = {}
    for item in asked if isinstance(asked, list) else [asked]:
        name = item.get("name") if isinstance(item, dict) else None
        if name not in signature.outputs:
            raise invalid(f"the model has no output {name!r}; it has {', '.join(signature.outputs)}")
        found[str(name)] = bool(_parameters(item).get("binary_data", default))
    return found


def _answer(head: dict[str, Any], outputs: Mapping[str, np.ndarray], wanted: Mapping[str, bool]) -> Answer:
    entries, binary = [], []
    for name, as_bytes in wanted.items():
        array = outputs[name]
        dtype = "string" if array.dtype.kind == "O" else array.dtype.name
        entry: dict[str, Any] = {"name": name, "datatype": DTYPES[dtype].v2, "shape": list(array.shape)}
        if as_bytes:
            binary.append(encoded(array))
            entry["parameters"] = {"binary_data_size": len(binary[-1])}
        else:
            ready = json_ready(name, array.reshape(-1))
            entry["data"] = ready
        entries.append(entry)
    text = dumped(head | {"outputs": entries})
    if not binary:
        return Answer(text)
    return Answer(b"".join((text, *binary)), headers=(BINARY, (LENGTH, str(len(text)).encode())))


def _metadata(name: str, version: Version, models: Models) -> dict[str, Any]:
    assert version.opened is not None
    signature = version.signature(None)
    return {
        "name": name,
        "versions": [str(other.number) for other in models.models[name].available],
        "platform": version.opened.backend.platform,
        "inputs": [_tensor(key, spec) for key, spec in signature.inputs.items()],
        "outputs": [_tensor(key, spec) for key, spec in signature.outputs.items()],
    }


def _tensor(name: str, spec: TensorSpec) -> dict[str, Any]:
    shape = [-1, *(-1 if size is None else size for size in spec.shape[1:])]
    return {"name": name, "datatype": DTYPES[spec.dtype].v2, "shape": shape}
