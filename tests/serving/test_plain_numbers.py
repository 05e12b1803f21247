"""Requests of numbers alone are read as the general reader would; everything else is left to it."""

import json

import numpy as np
import pytest

from dlkit.serving.instances import read_columns, read_rows
from dlkit.serving.plain_numbers import plain_numbers
from dlkit.serving.signature import Signature, TensorSpec

PIXELS = Signature({"inputs": TensorSpec("uint8", (None, 2, 3, 1))})
TABLE = Signature({"inputs": TensorSpec("float32", (None, 3))})
NUMBERS = Signature({"inputs": TensorSpec("int64", (None,))})


def general(body, signature):
    request = json.loads(body)
    if "instances" in request:
        return "instances", read_rows(request["instances"], signature, False)
    return "inputs", read_columns(request["inputs"], signature, False)


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        (PIXELS, np.arange(6).reshape(1, 2, 3, 1).tolist()),
        (PIXELS, np.arange(60).reshape(10, 2, 3, 1).tolist()),
        (TABLE, [[1, -2.5, 3e-2], [0.1, 5e-324, 16777215]]),
        (TABLE, [[1, 2, 3]]),
        (NUMBERS, [1, -9223372036854775808, 9223372036854775807]),
        (NUMBERS, [7]),
    ],
)
@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("options", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_numbers_are_read_as_by_the_general_reader(signature, value, form, options):
    body = json.dumps({form: value}, **options).encode()
    found, wanted = plain_numbers(body, signature), general(body, signature)
    assert found is not None
    assert found[0] == wanted[0] == form
    assert found[1]["inputs"].dtype == wanted[1]["inputs"].dtype
    assert np.array_equal(found[1]["inputs"], wanted[1]["inputs"])


@pytest.mark.parametrize(
    ("signature", "body"),
    [
        (TABLE, b""),
        (TABLE, b"\xff"),
        (TABLE, b"[[1,2,3]]"),
        (TABLE, b'{"instances":[[1,2,3]]'),
        (TABLE, b'{"instances":[[1,2,3]]}}'),
        (TABLE, b'{"instances":[]}'),
        (TABLE, b'{"instances":[1,2,3]}'),
        (TABLE, b'{"instances":[[1,2],[3,4,5,6]]}'),
        (TABLE, b'{"instances":[[1,,3]]}'),
        (TABLE, b'{"instances":[[[1],2,3]]}'),
        (TABLE, b'{"instances":[[1,2,true]]}'),
        (TABLE, b'{"instances":[[1,2,null]]}'),
        (TABLE, b'{"instances":[[1,2,NaN]]}'),
        (TABLE, b'{"instances":[[1,2,1e400]]}'),
        (TABLE, b'{"instances":[[1,2,1e39]]}'),
        (TABLE, b'{"instances":[[01,2,3]]}'),
        (TABLE, b'{"instances":[[1e38,2,3]]}'),
        (TABLE, b'{"instances":[[1 2,3,4]]}'),
        (TABLE, b'{"instances":[["1",2,3]]}'),
        (TABLE, b'{"inst ances":[[1,2,3]]}'),
        (TABLE, b'{"instances":[[1,2,3]],"inputs":[[1,2,3]]}'),
        (TABLE, b'{"signature_name":"serving_default","instances":[[1,2,3]]}'),
        (TABLE, b'{"instances":[{"inputs":[1,2,3]}]}'),
        (PIXELS, b'{"instances":[[[[0],[1],[2]],[[3],[4],[256]]]]}'),
        (PIXELS, b'{"instances":[[[[0],[1],[2]],[[3],[4],[-1]]]]}'),
        (PIXELS, b'{"instances":[[[[0],[1],[2]],[[3],[4],[5.0]]]]}'),
        (PIXELS, b'{"instances":[[[[0],[1],[2]],[[3],[4],[]]]]}'),
        (PIXELS, b'{"instances":[[[[0],[1],[2],[3]],[[4],[5]]]]}'),
        (NUMBERS, b'{"instances":[[1],[2]]}'),
        (NUMBERS, b'{"inputs":1}'),
        (NUMBERS, b'{"instances":[9223372036854775808]}'),
        (Signature({"inputs": TensorSpec("string", (None,))}), b'{"instances":["a"]}'),
        (Signature({"inputs": TensorSpec("bool", (None,))}), b'{"instances":[1]}'),
        (Signature({"inputs": TensorSpec("float32", (None, None))}), b'{"instances":[[1]]}'),
        (Signature({"inputs": TensorSpec("float32", (None, 0))}), b'{"instances":[[]]}'),
        (Signature({"a": TensorSpec("float32", (None,)), "b": TensorSpec("float32", (None,))}), b'{"instances":[1]}'),
    ],
)
def test_everything_else_is_left_to_the_general_reader(signature, body):
    assert plain_numbers(body, signature) is None


def test_random_nestings_of_the_right_number_of_values_are_not_taken_for_the_shape():
    """Every cut of six numbers into two lists has the same brackets and commas only if it is three and three."""
    for cut in range(7):
        numbers = list(range(6))
        body = json.dumps({"instances": [numbers[:cut], numbers[cut:]]}).encode()
        assert (plain_numbers(body, TABLE) is not None) == (cut == 3)
