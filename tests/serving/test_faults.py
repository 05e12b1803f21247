"""Clients that are slow, broken, greedy or gone, and bodies that nobody should read: every answer stays right."""

import base64
import io
import socket
import struct
import threading
import time
import zlib

import numpy as np
import pytest
import requests
from PIL import Image
from served_models import Echo, HalfPlusTwo, Slow, half, wait_until

from dlkit.serving.backends.backend import Backend
from dlkit.serving.signature import DEFAULT, Signature, TensorSpec

PREDICT = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: x\r\n"
MODELS = {("half", 1): HalfPlusTwo()}


def answers(server, number=6.0):
    """Whether the server answers, and rightly."""
    found = requests.post(f"{server.url}/v1/models/half:predict", json={"instances": [number]}, timeout=30)
    return found.json() == {"predictions": [half(number)]}


@pytest.fixture
def connect():
    """Open connections to a server, which are closed after the test."""
    opened = []

    def one(server):
        opened.append(socket.create_connection(server.address, timeout=20))
        return opened[-1]

    yield one
    for connection in opened:
        connection.close()


def received(connection):
    """All that comes until the server closes the connection."""
    parts = []
    while part := connection.recv(65_536):
        parts.append(part)
    return b"".join(parts)


def is_closed(connection):
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


BODIES = {
    b"": "The document is empty",
    b"{": "JSON Parse error",
    b'{"instances": [1}': "JSON Parse error",
    b"\xff\xfe": "JSON Parse error",
    b'{"instances": ' + b"[" * 900 + b"]" * 900 + b"}": "is nested in more than 32 lists",
    b'{"instances": ' + b"[" * 100_000: "JSON Parse error",
    b'{"instances": [' + b"9" * 5000 + b"]}": "",
    b'{"instances": ["\\ud800"]}': "JSON Parse error",
    b'{"instances": [[1]]}': "input x has the shape [1, 1], but the model takes float [?]",
    b'{"inputs": []}': "a request has 1 to 8 examples, but this one has 0",
    b'{"instances": [1,2,3,4,5,6,7,8,9]}': "a request has 1 to 8 examples, but this one has 9",
    b'{"inputs": {"y": [1]}}': "Missing named input: x in 'inputs' object.",
    b'{"instances": [{}]}': "keys must be equal to: x",
}


def test_wrong_bodies_get_400_and_the_next_request_on_the_same_connection_is_answered(serving):
    with serving(MODELS, rows=8) as server, requests.Session() as session:
        for body, says in BODIES.items():
            found = session.post(f"{server.url}/v1/models/half:predict", data=body, timeout=30)
            assert found.status_code == 400, body[:40]
            assert says in found.json()["error"]
            right = session.post(f"{server.url}/v1/models/half:predict", json={"instances": [4]}, timeout=30)
            assert right.json() == {"predictions": [4.0]}


@pytest.mark.parametrize("length", [True, False], ids=["declared", "chunked"])
def test_a_body_beyond_the_limit_gets_413_and_is_not_kept(serving, length):
    whole = b" " * 5_000_000
    with serving(MODELS, body=1_000_000) as server:
        data = whole if length else iter([whole[:100_000]] * 50)
        found = requests.post(f"{server.url}/v1/models/half:predict", data=data, timeout=30)
        assert (found.status_code, found.json()) == (413, {"error": "the body has more than 1,000,000 bytes"})
        assert answers(server)


def test_bodies_in_memory_together_have_a_bound(serving, connect):
    with serving(MODELS, body=3_000_000, held=4_000_000) as server:
        first = connect(server)
        first.sendall(PREDICT + b"Content-Length: 2900000\r\n\r\n" + b" " * 2_800_000)
        time.sleep(0.2)
        body = b'{"instances": [4]}' + b" " * 1_500_000
        found = requests.post(f"{server.url}/v1/models/half:predict", data=body, timeout=30)
        assert (found.status_code, found.json()["error"]) == (429, "too many large requests at once; try again later")
        assert answers(server)
        first.close()
        wait_until(
            lambda: requests.post(f"{server.url}/v1/models/half:predict", data=body, timeout=30).status_code == 200
        )


def test_a_compressed_body_is_refused(serving):
    with serving(MODELS) as server:
        headers = {"Content-Encoding": "gzip"}
        found = requests.post(f"{server.url}/v1/models/half:predict", data=b"\x1f\x8b", headers=headers, timeout=30)
        assert (found.status_code, found.json()["error"]) == (415, "the body has a Content-Encoding; send it without")


def test_a_client_that_sends_slowly_is_told_so_and_others_are_answered(serving, connect):
    with serving(MODELS, receive=0.5) as server:
        silent, head, body = connect(server), connect(server), connect(server)
        head.sendall(b"POST /v1/models/half:predict HTTP/1.1\r\nHost")
        body.sendall(PREDICT + b"Content-Length: 100\r\n\r\n{")
        for _ in range(3):
            time.sleep(0.1)
            head.sendall(b"s")
            body.sendall(b" ")
            assert answers(server)
        for connection in (silent, head, body):
            text = received(connection)
            assert text.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert text.endswith(b'{"error":"the request did not arrive within 0.5 s"}')
        assert answers(server)


def test_a_thousand_idle_connections_do_not_keep_others_from_answers(serving, connect):
    with serving(MODELS, connections=200, receive=30) as server:
        idle = [connect(server) for _ in range(1000)]
        assert answers(server)
        assert len(server.server.server_state.connections) <= 202
        assert is_closed(idle[0])
        idle[-1].sendall(PREDICT + b'Content-Length: 18\r\nConnection: close\r\n\r\n{"instances": [6]}')
        assert received(idle[-1]).endswith(b'{"predictions":[5.0]}')


def test_when_all_connections_are_busy_a_new_one_is_refused(serving, connect):
    slow = Slow()
    with serving({("half", 1): slow}, connections=2) as server:
        busy = [connect(server) for _ in range(2)]
        for connection in busy:
            connection.sendall(PREDICT + b'Content-Length: 18\r\nConnection: close\r\n\r\n{"instances": [6]}')
        slow.entered.acquire()
        wait_until(lambda: all(one.quiet_since is None for one in server.server.server_state.connections))
        assert received(connect(server)).startswith(b"HTTP/1.1 503 ")
        slow.free.set()
        assert all(received(connection).endswith(b'{"predictions":[5.0]}') for connection in busy)


def test_endless_headers_and_no_http_at_all(serving, connect):
    with serving(MODELS, head=10_000) as server:
        connection = connect(server)
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 2000)
        assert received(connection).startswith(b"HTTP/1.1 431 ")
        connection = connect(server)
        connection.sendall(b"\x16\x03\x01 this is TLS\r\n\r\n")
        assert received(connection).startswith(b"HTTP/1.1 400 ")
        assert answers(server)


def test_connections_reset_in_the_middle(serving, connect):
    with serving(MODELS) as server:
        for cut in range(0, 120, 3):
            connection = connect(server)
            whole = PREDICT + b"Content-Length: 18\r\n\r\n" + b'{"instances": [6]}'
            connection.sendall(whole[:cut])
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            connection.close()
        assert answers(server)
        wait_until(lambda: not server.server.server_state.tasks)


def test_a_client_that_gives_up_leaves_the_queue_and_is_counted(serving):
    slow = Slow()
    with serving({("half", 1): slow}) as server:
        first = threading.Thread(target=answers, args=(server,))
        first.start()
        slow.entered.acquire()
        with pytest.raises(requests.exceptions.ReadTimeout):
            requests.post(f"{server.url}/v1/models/half:predict", json={"instances": [77]}, timeout=0.3)
        wait_until(lambda: 'code="499"' in requests.get(server.url + "/metrics", timeout=30).text)
        slow.free.set()
        first.join()
        assert answers(server)
        assert 77.0 not in slow.seen


def test_a_full_queue_and_a_deadline_by_http(serving):
    slow = Slow()
    with serving({("half", 1): slow}, queue=1, seconds=0.5, batch=1) as server:
        found = []
        threads = [threading.Thread(target=lambda: found.append(post(server))) for _ in range(3)]
        threads[0].start()
        slow.entered.acquire()
        threads[1].start()
        wait_until(lambda: server.models.models["half"].newest.batcher.waiting == 1)
        threads[2].start()
        for thread in threads:
            thread.join()
        slow.free.set()
        codes = sorted(answer.status_code for answer in found)
        assert codes == [429, 504, 504]
        texts = {answer.status_code: answer.json()["error"] for answer in found}
        assert texts[429] == "1 requests wait for this model already; try again later"
        assert texts[504] == "no answer within 0.5 s, waiting included"
        wait_until(lambda: answers(server))


def post(server):
    return requests.post(f"{server.url}/v1/models/half:predict", json={"instances": [1]}, timeout=30)


def test_a_graceful_stop_answers_what_has_begun(serving):
    slow = Slow()
    with serving({("half", 1): slow}) as server:
        found = []
        threads = [threading.Thread(target=lambda: found.append(post(server))) for _ in range(3)]
        threads[0].start()
        slow.entered.acquire()
        for thread in threads[1:]:
            thread.start()
        wait_until(lambda: server.models.models["half"].newest.batcher.waiting == 2)
        server.server.should_exit = True
        wait_until(lambda: not can_connect(server))
        slow.free.set()
        for thread in threads:
            thread.join()
        assert [answer.json() for answer in found] == [{"predictions": [2.5]}] * 3


def can_connect(server):
    try:
        socket.create_connection(server.address, timeout=20).close()
    except ConnectionError:
        return False
    return True


def png(width, height):
    """A PNG of this declared size, with hardly any data."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    )


class Decoder(Backend):
    """The size of encoded images, as a runtime that decodes them."""

    platform = "python"

    def __init__(self):
        self.signatures = {
            DEFAULT: Signature({"encoded": TensorSpec("string", (None,))}, {"size": TensorSpec("int64", (None, 2))})
        }

    def run(self, signature, inputs):
        sizes = [Image.open(io.BytesIO(text)).convert("L").size for text in inputs["encoded"]]
        return {"size": np.array(sizes)}


def test_images_that_declare_too_much_or_are_none_never_reach_the_decoder(serving):
    stream = io.BytesIO()
    Image.new("L", (30, 20)).save(stream, "jpeg")
    with serving({("half", 1): Decoder()}) as server:
        for data, says in {
            png(20_000, 20_000): "an encoded image declares 400,000,000 pixels, but at most 25,000,000 are allowed",
            b"GIF": "an encoded image is not a readable JPEG, PNG, GIF, BMP or WebP file",
            stream.getvalue()[:20]: "an encoded image is not a readable JPEG, PNG, GIF, BMP or WebP file",
        }.items():
            body = {"instances": [{"b64": base64.b64encode(data).decode()}]}
            found = requests.post(f"{server.url}/v1/models/half:predict", json=body, timeout=30)
            assert (found.status_code, found.json()) == (400, {"error": says})
        body = {"instances": [{"b64": base64.b64encode(stream.getvalue()).decode()}]}
        found = requests.post(f"{server.url}/v1/models/half:predict", json=body, timeout=30)
        assert found.json() == {"predictions": [[30, 20]]}


def test_an_error_of_the_model_is_500_without_its_text_and_nan_in_an_answer_is_400(serving, caplog):
    class Broken(Echo):
        def run(self, signature, inputs):
            if inputs["x"][0] == 1:
                raise RuntimeError("a secret path")
            return {"x": inputs["x"] * np.float32("inf")}

    broken = Broken(**{DEFAULT: {"x": TensorSpec("float32", (None,))}})
    with serving({("half", 1): broken}) as server:
        found = post(server)
        assert (found.status_code, found.json()) == (
            500,
            {"error": "RuntimeError while answering; see the log of the server"},
        )
        assert "a secret path" in caplog.text
        found = requests.post(f"{server.url}/v1/models/half:predict", json={"instances": [2.0]}, timeout=30)
        assert found.status_code == 400
        assert found.json() == {"error": "Tensor name: x contains NaN or infinity, which JSON cannot represent"}


def test_a_token_is_asked_for_everywhere_but_at_the_open_doors(serving):
    with serving(MODELS, token="s3cret") as server:
        right, paths = (
            {"Authorization": "Bearer s3cret"},
            ("/v1/models/half", "/v2", "/metrics", "/page/models", "/none"),
        )
        for path in paths:
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "s3cret"}):
                found = requests.get(server.url + path, headers=headers, timeout=30)
                assert (found.status_code, found.headers["www-authenticate"]) == (401, "Bearer"), path
            assert requests.get(server.url + path, headers=right, timeout=30).status_code == (
                404 if path == "/none" else 200
            )
        for path in ("/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
            assert requests.get(server.url + path, timeout=30).status_code == 200


def test_metrics_count_what_was_asked(serving):
    with serving(MODELS) as server:
        for _ in range(3):
            assert answers(server)
        requests.post(f"{server.url}/v1/models/half:predict", data="{", timeout=30)
        requests.post(f"{server.url}/v1/models/unknown:predict", json={"instances": [1]}, timeout=30)
        text = requests.get(f"{server.url}/monitoring/prometheus/metrics", timeout=30).text
        assert 'dlkit_requests_total{code="200",method="predict",model="half"} 3.0' in text
        assert 'dlkit_requests_total{code="400",method="predict",model="half"} 1.0' in text
        assert 'dlkit_requests_total{code="404",method="predict",model=""} 1.0' in text
        assert 'dlkit_batch_rows_count{model="half"} 3.0' in text
        assert 'dlkit_serving_version{model="half"} 1.0' in text
        assert 'dlkit_waiting_requests{model="half"} 0.0' in text
