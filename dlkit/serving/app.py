"""The application: both protocols as plain ASGI, and with Starlette the page, health checks and metrics."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from dlkit.serving.answers import dumped
from dlkit.serving.http import Answer, Bodies, Call, Receive, Scope, Send, Tokens, respond
from dlkit.serving.inference import InferenceApi
from dlkit.serving.metrics import CONTENT_TYPE
from dlkit.serving.models import Models
from dlkit.serving.page import PAGE_HEADERS, PageApi, page
from dlkit.serving.rest import RestApi

OPEN = ("/", "/healthz", "/readyz", "/v2/health/live", "/v2/health/ready")


class App:
    """Sends every request to the part that answers it, once its token is right; OPEN paths need none."""

    def __init__(self, models: Models, token: str | None = None) -> None:
        self._models, self._tokens = models, Tokens(token)
        bodies = Bodies(models.limits)
        self._parts: tuple[tuple[str, Callable[[Call], Awaitable[Answer]]], ...] = (
            ("/v1/", RestApi(models, bodies).answer),
            ("/v2", InferenceApi(models, bodies).answer),
            ("/page/", PageApi(models, bodies).answer),
        )
        self._rest = Starlette(
            routes=[
                Route("/", self._page),
                Route("/healthz", self._alive),
                Route("/readyz", self._ready),
                Route("/metrics", self._metrics),
                Route("/monitoring/prometheus/metrics", self._metrics),
            ],
            exception_handlers={404: self._nothing_here},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = Call(scope, receive)
        if scope["path"] not in OPEN and (refusal := self._tokens.refusal(call)) is not None:
            await respond(call, send, lambda _: _found(refusal), self._models.metrics)
            return
        start = scope["path"].lower()
        for prefix, answer in self._parts:
            if start.startswith(prefix):
                await respond(call, send, answer, self._models.metrics)
                return
        await self._rest(scope, receive, send)

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(page(), headers=PAGE_HEADERS)

    async def _alive(self, request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def _ready(self, request: Request) -> Response:
        return PlainTextResponse(*(("ready\n", 200) if self._models.ready else ("not ready\n", 503)))

    async def _metrics(self, request: Request) -> Response:
        return Response(self._models.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def _nothing_here(self, request: Request, error: Any) -> Response:
        message = f"there is nothing at {request.url.path}; the API is below /v1/models/NAME and /v2/models/NAME"
        return Response(dumped({"error": message}), 404, media_type="application/json")


async def _found(answer: Answer) -> Answer:
    return answer
