"""A client that goes away before its answer: what waits for it is given up, and what has begun runs to its end."""

from __future__ import annotations

from anyio import Event, create_task_group
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portside.inference.callers import Presence

__all__ = ["answer_while_present"]


class _Connection:
    """Gives the application what the server gives, and looks ahead for the end of the connection meanwhile."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._ahead: Message | None = None
        self._asked, self._closed = Event(), Event()
        self.answering = False

    async def open(self) -> None:
        """Take the first message, with which most requests are complete: many applications read none without a body."""
        self._ahead = await self._receive()
        self._note(self._ahead)

    async def receive(self) -> Message:
        """For the application, in place of the server's."""
        if self._ahead is not None:
            message, self._ahead = self._ahead, None
            return message
        if self._asked.is_set():  # then the server's is read by ``closed``
            await self._closed.wait()
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._note(message)
        return message

    async def send(self, message: Message) -> None:
        """Likewise."""
        self.answering = True
        await self._send(message)

    async def closed(self) -> None:
        """Return when the client is gone."""
        await self._asked.wait()
        while not self._closed.is_set():
            self._note(await self._receive())

    def _note(self, message: Message) -> None:
        if message["type"] == "http.disconnect":
            self._closed.set()
        if self._closed.is_set() or not message.get("more_body", False):
            self._asked.set()


async def answer_while_present(app: ASGIApp, scope: Scope, receive: Receive, send: Send, presence: Presence) -> None:
    """Let ``app`` answer. Where the client goes away first, ``presence`` ends, and a request that still waits for a
    thread is not begun; one that has begun to answer is left alone.
    """
    connection = _Connection(receive, send)
    await connection.open()
    failed: Exception | None = None
    async with create_task_group() as group:

        async def watch() -> None:
            await connection.closed()
            if not connection.answering:
                presence.leave()
                group.cancel_scope.cancel()

        group.start_soon(watch)
        try:
            await app(scope, connection.receive, connection.send)
        # Raised below: out of the group it would come as one of several, which no handler of errors knows.
        except Exception as error:
            failed = error
        group.cancel_scope.cancel()
    if failed is not None:
        raise failed
