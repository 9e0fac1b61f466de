"""How much the API takes on at once: beyond that it says so, before anything is begun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from portside.errors import Busy
from portside.inference.callers import Presence, asked_by
from portside.inference.threads import usable_cores
from portside_api.leaving import answer_while_present

__all__ = ["MOST_AT_ONCE", "WATCHED", "LimitedLoad", "apart", "busy_response", "caller_of", "use_few_threads"]

T = TypeVar("T")

MOST_AT_ONCE = 512
"""Requests in work or waiting for a thread. At 100 a second the last of them waits five seconds."""
THREADS_A_CORE = 4
"""Enough for those that wait for a database or a model that is computing for others."""
WATCHED = frozenset({"/health", "/metrics"})
"""What a monitoring system asks: it must be told most of all when there is too much to do."""
WATCHERS = 2


def use_few_threads() -> None:
    """Let requests that compute or write run on few threads, first come first served. Called in the event loop.

    Forty of them, as is usual, only pass the interpreter round: on two cores, asked by 200 clients, they answered 86
    questions a second, eight threads 124.
    """
    from anyio.to_thread import current_default_thread_limiter

    current_default_thread_limiter().total_tokens = THREADS_A_CORE * usable_cores()


def apart(work: Callable[[], T]) -> Callable[[], Awaitable[T]]:
    """``work`` on threads of its own, so that it does not wait behind requests."""
    from anyio import CapacityLimiter
    from anyio.to_thread import run_sync

    limiter = CapacityLimiter(WATCHERS)

    async def run() -> T:
        return await run_sync(work, limiter=limiter)

    return run


def caller_of(scope: Scope) -> str:
    """Who asks, for taking turns: the address. Keys that nobody checks would make many callers of one."""
    client = scope.get("client")
    return f"address {client[0]}" if client else ""


class LimitedLoad:
    """ASGI middleware: a request too many gets 503 with ``Retry-After``, and has changed nothing.

    It says for whom models are asked, and when nobody waits for it any more; requests of a monitoring system are not
    counted.
    """

    def __init__(self, app: ASGIApp, most: int = MOST_AT_ONCE) -> None:
        self._app, self._most = app, most
        self._now = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].removeprefix(scope.get("root_path", "")) in WATCHED:
            await self._app(scope, receive, send)
            return
        if self._now >= self._most:
            seen = f"{self._now:,} requests are in work"
            busy = Busy("More is asked at this moment than can be answered", seen=seen, remedy="Try again in a moment")
            await busy_response(busy)(scope, receive, send)
            return
        self._now += 1
        try:
            presence = Presence()
            with asked_by(caller_of(scope), presence):
                await answer_while_present(self._app, scope, receive, send, presence)
        finally:
            self._now -= 1


def busy_response(error: Busy) -> JSONResponse:
    """The error as advice, and when to come again."""
    body = {"rule": error.rule, "seen": error.seen, "remedy": error.remedy}
    return JSONResponse(body, status_code=503, headers={"Retry-After": str(error.retry_seconds)})
