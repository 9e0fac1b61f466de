from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient

from portside.errors import Busy
from portside.inference.interfaces import FakeClassifier
from portside.inference.shared import SharedClassifier
from portside.inference.threads import usable_cores
from portside.settings import Settings
from portside_api.application import build_api
from portside_api.load import THREADS_A_CORE, LimitedLoad, use_few_threads


def test_a_request_too_many_is_told_when_to_come_again() -> None:
    inner = FastAPI()
    begun, go_on = asyncio.Semaphore(0), asyncio.Event()

    @inner.get("/slow")
    async def slow() -> str:
        begun.release()
        await go_on.wait()
        return "done"

    async def scene() -> None:
        transport = httpx.ASGITransport(LimitedLoad(inner, most=2))
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            waiting = [asyncio.create_task(client.get("/slow")) for _ in range(2)]
            for _ in waiting:
                await begun.acquire()
            refused = await client.get("/slow")
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert refused.json()["remedy"] == "Try again in a moment"
            go_on.set()
            assert [(await one).status_code for one in waiting] == [200, 200]
            assert (await client.get("/slow")).status_code == 200

    asyncio.run(scene())


def test_busy_models_say_so_too(tmp_path: Path) -> None:
    api = build_api(Settings(home=tmp_path), [])

    @api.get("/busy")
    def busy() -> None:
        raise Busy("More is asked than can be answered")

    found = TestClient(api).get("/busy")
    assert (found.status_code, found.headers["Retry-After"]) == (503, "1")


def test_metrics_say_how_often_texts_repeat(tmp_path: Path) -> None:
    shared = SharedClassifier("test intents", lambda: FakeClassifier({"card": "card"}, ("card", "other")))
    shared.predict(["my card", "hello"])
    shared.predict(["my card"])
    page = TestClient(build_api(Settings(home=tmp_path), [])).get("/metrics")
    assert page.headers["content-type"].startswith("text/plain")
    assert 'portside_texts_total{model="test intents"} 3.0' in page.text
    assert 'portside_texts_repeated_total{model="test intents"} 1.0' in page.text
    assert 'portside_waiting{model="test intents"} 0.0' in page.text
    assert "process_resident_memory_bytes" in page.text


def test_requests_run_on_few_threads() -> None:
    from anyio import run, to_thread

    async def tokens() -> float:
        use_few_threads()
        return to_thread.current_default_thread_limiter().total_tokens

    assert run(tokens) == THREADS_A_CORE * usable_cores()
