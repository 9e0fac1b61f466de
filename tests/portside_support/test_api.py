from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from portside.settings import Settings
from portside_api.application import build_api
from portside_support import APP
from portside_support.api import build_router
from portside_support.service import SupportService


@pytest.fixture
def client(desk: SupportService) -> TestClient:
    api = FastAPI()
    api.include_router(build_router(lambda: desk), prefix="/support")
    return TestClient(api)


def test_a_question_and_its_follow_up(client: TestClient) -> None:
    first = client.post("/support/ask", json={"text": "where is my parcel"}).json()
    assert (first["kind"], first["status"], first["text"]) == ("ask_slot", "bot", "What is your order number?")
    follow = {"text": "LM-7654321", "conversation_id": first["conversation_id"]}
    second = client.post("/support/ask", json=follow).json()
    assert (second["kind"], second["intent"]) == ("answer", "track_order")
    seen = client.get(f"/support/conversations/{first['conversation_id']}").json()
    assert [one["role"] for one in seen["messages"]] == ["customer", "bot", "customer", "bot"]
    assert (seen["channel"], seen["outcome"]) == ("api", "answered")
    assert seen["messages"][3]["reason"] == second["reason"]


def test_passages_come_with_their_sources(client: TestClient) -> None:
    reply = client.post("/support/ask", json={"text": "does the warranty cover broken zips and poles"}).json()
    assert reply["kind"] == "retrieve"
    assert {"slug", "title", "heading", "text", "url", "similarity"} == set(reply["sources"][0])
    assert reply["sources"][0]["url"] == "/help/warranty"


def test_an_unknown_conversation_is_not_found(client: TestClient) -> None:
    assert client.get("/support/conversations/nope").status_code == 404


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x", "channel": ""}, {"text": "x", "channel": "c" * 33}])
def test_bad_requests_are_refused(client: TestClient, body: dict[str, str]) -> None:
    assert client.post("/support/ask", json=body).status_code == 422


def test_in_the_suite_an_expected_error_is_advice(settings: Settings) -> None:
    api = TestClient(build_api(settings, [APP]))
    refused = api.post("/support/ask", json={"text": "hello", "conversation_id": "nope"})
    assert (refused.status_code, refused.json()["rule"]) == (422, "No conversation of that id")
    handed = api.post("/support/ask", json={"text": "let me talk to a human"}).json()
    assert (handed["kind"], handed["code"], handed["model"]) == ("hand_over", "asked_for_human", "")
