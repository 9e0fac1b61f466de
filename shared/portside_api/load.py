"""How much the API takes on at once: beyond that it says so, before anything is begun."""

from __future__ import annotations

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from portside.errors import Busy
from portside.inference.threads import usable_cores

__all__ = ["MOST_AT_ONCE", "LimitedLoad", "busy_response", "use_few_threads"]

MOST_AT_ONCE = 512
"""Requests in work or waiting for a thread. At 100 a second the last of them waits five seconds."""
THREADS_A_CORE = 4
"""Enough for those that wait for a database or a model that is computing for others."""


def use_few_threads() -> None:
    """Let requests that compute or write run on few threads, first come first served. Called in the event loop.

    Forty of them, as is usual, only pass the interpreter round: on two cores, asked by 200 clients, they answered 86
    questions a second, eight threads 124.
    """
    from anyio.to_thread import current_default_thread_limiter

    current_default_thread_limiter().total_tokens = THREADS_A_CORE * usable_cores()


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
