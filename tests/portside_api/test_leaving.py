"""Over a real server on this machine: what a client asked that went away is never computed."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import uvicorn
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, StreamingResponse

from portside.inference.callers import Presence, current_presence
from portside.inference.interfaces import FakeClassifier
from portside.inference.micro_batches import Waits
from portside.inference.shared import SharedClassifier
from portside.records import Prediction
from portside.settings import Settings
from portside_api.application import build_api
from portside_api.leaving import answer_while_present


class Asked(BaseModel):
    text: str


@dataclass
class Held:
    """A classifier that waits at a gate, and notes what it was asked."""

    plain: FakeClassifier = field(default_factory=lambda: FakeClassifier({"card": "card"}, ("card", "other")))
    texts: list[str] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.plain.labels

    @property
    def model(self) -> str:
        return self.plain.model

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        self.texts += texts
        self.begun.release()
        assert self.go_on.wait(20)
        return self.plain.predict(texts)


@dataclass
class Desk:
    """The API with one more route, which asks a shared model in a thread as the apps' routes do."""

    api: FastAPI
    held: Held
    shared: SharedClassifier
    entered: list[str] = field(default_factory=list)
    threads: int = 8


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    held = Held()
    shared = SharedClassifier("t", lambda: held, waits=Waits(workers=1))
    made = Desk(build_api(Settings(home=tmp_path), []), held, shared)

    @made.api.post("/ask")
    def ask(asked: Asked) -> str:
        made.entered.append(asked.text)
        return shared.predict([asked.text])[0].label

    yield made
    held.go_on.set()


@contextlib.contextmanager
def served(desk: Desk) -> Iterator[int]:
    """The port of a real server on the loopback interface."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(desk.api, log_level="error"))

        async def run() -> None:
            current_default_thread_limiter().total_tokens = desk.threads
            await server.serve([listening])

        thread = threading.Thread(target=lambda: asyncio.run(run()))
        thread.start()
        try:
            until(lambda: server.started)
            yield listening.getsockname()[1]
        finally:
            desk.held.go_on.set()
            server.should_exit = True
            thread.join(20)


def asking(port: int, text: str) -> socket.socket:
    """A client that has asked and reads no answer yet."""
    body = f'{{"text": "{text}"}}'
    head = "POST /ask HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    client = socket.create_connection(("127.0.0.1", port), timeout=20)
    client.sendall((head + body).encode())
    return client


def answered(client: socket.socket) -> bytes:
    """What the client reads, without the headers."""
    with client, client.makefile("rb") as stream:
        head, _, body = stream.read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return body


def until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.002)


def test_a_request_whose_client_went_away_is_never_computed(desk: Desk) -> None:
    with served(desk) as port:
        first = asking(port, "first card")
        assert desk.held.begun.acquire(timeout=20)
        gone = asking(port, "gone")
        until(lambda: desk.shared.shared.waiting == 2)
        stays = asking(port, "stays, a card")
        until(lambda: desk.shared.shared.waiting == 3)
        gone.close()
        until(lambda: desk.shared.shared.waiting == 2)
        assert desk.held.texts == ["first card"], "it left while the first was still being computed"
        desk.held.go_on.set()
        for client in (first, stays):
            assert answered(client) == b'"card"'
        assert desk.held.texts == ["first card", "stays, a card"]
        assert httpx.get(f"http://127.0.0.1:{port}/health").status_code == 200


def test_a_request_that_waits_for_a_thread_is_not_begun(desk: Desk) -> None:
    desk.threads = 1
    with served(desk) as port:
        first = asking(port, "first")
        assert desk.held.begun.acquire(timeout=20)
        gone = asking(port, "gone")
        time.sleep(0.2)  # nothing can be seen of it from here: it waits for the only thread
        gone.close()
        time.sleep(0.2)
        last = asking(port, "last")
        desk.held.go_on.set()
        assert answered(first) == answered(last) == b'"card"'
    assert desk.entered == ["first", "last"]


def test_a_client_that_leaves_in_the_middle_of_its_question_harms_nobody(desk: Desk) -> None:
    desk.held.go_on.set()
    with served(desk) as port:
        client = socket.create_connection(("127.0.0.1", port), timeout=20)
        client.sendall(b"POST /ask HTTP/1.1\r\nHost: t\r\nContent-Length: 500\r\n\r\n{")
        client.close()
        found = httpx.post(f"http://127.0.0.1:{port}/ask", json={"text": "card"})
        assert (found.status_code, found.json()) == (200, "card")
    assert desk.entered == ["card"]


def test_what_follows_an_answer_is_not_given_up_with_the_connection(desk: Desk) -> None:
    """The server says of an answered request too that its client is gone."""
    done, present = threading.Event(), list[bool]()

    @desk.api.get("/later")
    async def later() -> JSONResponse:
        presence = current_presence()
        assert presence is not None

        async def work() -> None:
            await asyncio.sleep(0.2)
            present.append(not presence.gone)
            done.set()

        return JSONResponse("taken", background=BackgroundTask(work))

    @desk.api.get("/stream")
    async def stream() -> StreamingResponse:
        async def parts() -> object:
            for part in ("one ", "two"):
                await asyncio.sleep(0.01)
                yield part

        return StreamingResponse(parts())  # type: ignore[arg-type]

    with served(desk) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/later").json() == "taken"
        client.close()
        assert done.wait(20)
        assert httpx.get(f"http://127.0.0.1:{port}/stream").text == "one two"
    assert present == [True]


def test_an_error_of_the_application_comes_as_it_was_raised() -> None:
    async def broken(*_: object) -> None:
        raise KeyError("defect")

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "more_body": True}

    async def send(_: object) -> None: ...

    with pytest.raises(KeyError, match="defect"):
        asyncio.run(answer_while_present(broken, {"type": "http"}, receive, send, Presence()))
