"""The fetcher against a real server, and its guard against addresses inside."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from portside.errors import FeedError
from portside_finance.config import FeedConfig
from portside_finance.fetch import HttpFetcher, is_public

OPEN = FeedConfig(allow_private=True, max_bytes=50_000, deadline_seconds=0.5, timeout_seconds=1.0)


class Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.strip("/")
        if name == "feed" and self.headers.get("If-None-Match") == '"v1"':
            self.send_response(304)
            self.end_headers()
        elif name in ("feed", "zipped", "bomb", "large"):
            plain = b"x" * (10_000_000 if name == "bomb" else 60_000 if name == "large" else 100)
            zipped = name in ("zipped", "bomb")
            self.send_response(200)
            self.send_header("ETag", '"v1"')
            if zipped:
                self.send_header("Content-Encoding", "gzip")
            self.end_headers()
            self.wfile.write(gzip.compress(plain) if zipped else plain)
        elif name == "slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(12):
                self.wfile.write(b"x")
                time.sleep(0.1)
        else:
            self.send_response(302 if name in ("loop", "file") else 500)
            where = {"loop": "/loop", "file": "file:///etc/passwd"}
            self.send_header("Location", where.get(name, ""))
            self.end_headers()

    def log_message(self, *_: object) -> None: ...

    def handle(self) -> None:
        try:
            super().handle()
        except OSError:
            return  # the client hung up, which is what some tests are about


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_page_is_fetched_once_and_then_unchanged(site: str) -> None:
    # The short deadline is for the slow page; here a busy machine may take its time.
    fetcher = HttpFetcher(replace(OPEN, deadline_seconds=20.0, timeout_seconds=10.0))
    first = fetcher.fetch(f"{site}/feed")
    assert (len(first.body), first.etag) == (100, '"v1"')
    assert fetcher.fetch(f"{site}/feed", etag=first.etag).unchanged
    assert len(fetcher.fetch(f"{site}/zipped").body) == 100


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("large", "bytes"),
        ("bomb", "bytes"),
        ("slow", "seconds"),
        ("loop", "redirect"),
        ("file", "http"),
        ("gone", "500"),
    ],
)
def test_limits(site: str, page: str, words: str) -> None:
    # As above: only what is to run into the deadline gets the short one.
    settings = OPEN if page == "slow" else replace(OPEN, deadline_seconds=20.0, timeout_seconds=10.0)
    began = time.monotonic()
    with pytest.raises(FeedError, match=words):
        HttpFetcher(settings).fetch(f"{site}/{page}")
    assert time.monotonic() - began < 15


def test_nothing_answers() -> None:
    with pytest.raises(FeedError, match="must answer"):
        HttpFetcher(OPEN).fetch("http://127.0.0.1:9/feed")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost:8501/",
        "http://[::1]/",
        "http://2130706433/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data/",
        "http://0.0.0.0/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_addresses_inside_are_refused(url: str) -> None:
    with pytest.raises(FeedError, match="public internet"):
        HttpFetcher(FeedConfig()).fetch(url)


def test_a_name_with_one_address_inside_is_refused_and_never_asked_again() -> None:
    asked = []

    def resolver(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["93.184.216.34", "127.0.0.1"]

    with pytest.raises(FeedError, match="public internet"):
        HttpFetcher(FeedConfig(), resolver=resolver).fetch("https://rebind.example/")
    assert asked == ["rebind.example"]


def test_a_redirect_passes_the_same_guard_and_the_checked_address_is_the_one_asked() -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, request.headers["host"]))
        return httpx.Response(302, headers={"location": "http://10.0.0.1/secret"})

    def resolver(host: str, _port: int) -> list[str]:
        return ["93.184.216.34"] if host == "news.example" else [host]

    fetcher = HttpFetcher(FeedConfig(), resolver=resolver, transport=httpx.MockTransport(answer))
    with pytest.raises(FeedError, match=r"10\.0\.0\.1"):
        fetcher.fetch("https://news.example/rss")
    assert asked == [("93.184.216.34", "news.example")]


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::1111", True),
        ("192.168.0.1", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) == public
