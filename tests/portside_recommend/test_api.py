from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from portside_recommend.api import build_router
from portside_recommend.service import RecommendService


@pytest.fixture
def client(service: RecommendService) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(build_router(lambda: service), prefix="/recommend")
    with TestClient(app) as made:
        yield made


def test_recommendations_carry_reasons_and_model(client: TestClient) -> None:
    body = client.get("/recommend/for/u1", params={"k": 3}).json()
    assert len(body["items"]) == 3
    assert body["known"] is True
    assert body["model"] == "fake-encoder:1"
    assert all(one["reasons"][0]["sentence"] for one in body["items"])


def test_a_stranger_is_marked(client: TestClient) -> None:
    assert client.get("/recommend/for/nobody").json()["known"] is False


def test_an_item_posted_is_found_at_once(client: TestClient) -> None:
    answer = client.post("/recommend/items", json=[{"item_id": "a/b", "title": "velvet armchair"}])
    assert (answer.status_code, answer.json()) == (201, {"added": 1})
    found = client.get("/recommend/search", params={"text": "velvet armchair", "k": 1}).json()
    assert [one["item"]["item_id"] for one in found["items"]] == ["a/b"]
    assert client.get("/recommend/similar/a/b", params={"k": 2}).status_code == 200, "ids may hold a slash"


def test_events_posted_count_at_once(client: TestClient) -> None:
    posted = client.post("/recommend/events", json=[{"user_id": "new", "item_id": "T0", "event": "purchase"}])
    assert posted.json() == {"added": 1}
    assert client.get("/recommend/for/new").json()["known"] is True


@pytest.mark.parametrize(
    ("path", "params"),
    [("/for/u", {"k": 0}), ("/for/u", {"diversity": 2}), ("/search", {}), ("/search", {"text": ""})],
)
def test_wrong_calls_are_refused(client: TestClient, path: str, params: dict[str, object]) -> None:
    assert client.get(f"/recommend{path}", params=params).status_code == 422
