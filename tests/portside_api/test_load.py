from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import httpx
from anyio import to_thread
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.routing import Mount

from portside.errors import Busy
from portside.inference.callers import current_caller
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


def test_a_monitoring_system_is_told_when_there_is_too_much_to_do() -> None:
    inner = FastAPI()

    @inner.get("/{path}")
    async def any_path(path: str) -> str:
        return path

    full = LimitedLoad(inner, most=0)
    for app, prefix in ((full, ""), (Starlette(routes=[Mount("/api", full)]), "/api")):
        client = TestClient(app)
        found = [client.get(f"{prefix}/{path}").status_code for path in ("health", "metrics", "support")]
        assert found == [200, 200, 503]


def test_health_does_not_wait_behind_requests(tmp_path: Path) -> None:
    api = build_api(Settings(home=tmp_path), [])
    begun, go_on = threading.Event(), threading.Event()

    @api.get("/slow")
    def slow() -> str:
        begun.set()
        assert go_on.wait(20)
        return "done"

    async def scene() -> None:
        to_thread.current_default_thread_limiter().total_tokens = 1
        async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://test") as client:
            waiting = asyncio.create_task(client.get("/slow"))
            try:
                while not begun.is_set():
                    await asyncio.sleep(0.001)
                async with asyncio.timeout(10):
                    found = [await client.get("/health"), await client.get("/metrics")]
            finally:
                go_on.set()
            assert [one.status_code for one in found] == [200, 200]
            assert found[0].json()["status"] == "ok"
            assert (await waiting).json() == "done"

    asyncio.run(scene())


def test_models_are_asked_for_the_address_whatever_key_it_gives(tmp_path: Path) -> None:
    api = build_api(Settings(home=tmp_path), [])

    @api.get("/caller")
    def caller() -> str:
        return current_caller()

    client = TestClient(api, client=("10.0.0.7", 50_000))
    assert client.get("/caller").json() == "address 10.0.0.7"
    keys = [{"X-API-Key": "one"}, {"X-API-Key": "two"}, {"Authorization": "Bearer three"}]
    assert {client.get("/caller", headers=one).json() for one in keys} == {"address 10.0.0.7"}
    assert current_caller() == ""


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
