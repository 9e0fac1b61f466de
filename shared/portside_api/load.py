"""How much the API takes on at once: beyond that it says so, before anything is begun."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from portside.errors import Busy

__all__ = ["MOST_AT_ONCE", "LimitedLoad", "busy_response"]

MOST_AT_ONCE = 512
"""Requests in work or waiting for a thread. At 100 a second the last of them waits five seconds."""


class LimitedLoad:
    """ASGI middleware: a request too many gets 503 with ``Retry-After``, and has changed nothing."""

    def __init__(self, app: ASGIApp, most: int = MOST_AT_ONCE) -> None:
        self._app, self._most = app, most
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            seen = f"{self._now:,} requests are in work"
            busy = Busy("More is asked at this moment than can be answered", seen=seen, remedy="Try again in a moment")
            await busy_response(busy)(scope, receive, send)
            return
        self._now += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._now -= 1


def busy_response(error: Busy) -> JSONResponse:
    """The error as advice, and when to come again."""
    body = {"rule": error.rule, "seen": error.seen, "remedy": error.remedy}
    return JSONResponse(body, status_code=503, headers={"Retry-After": str(error.retry_seconds)})
