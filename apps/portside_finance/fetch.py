"""Fetch a feed from the network: guarded, bounded, polite. The fake stands beside it.

The guard resolves a host's name itself, refuses addresses of this machine's own networks, and connects to exactly the
address it checked, so that a name cannot resolve differently the second time. Redirects pass the same guard.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

from portside.errors import FeedError
from portside_finance.config import FeedConfig
from portside_finance.headlines import safe_link

__all__ = ["FakeFetcher", "Fetched", "Fetcher", "HttpFetcher", "check_address", "is_public"]

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_USER_AGENT = "Portside/0.1 (news monitor)"
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer: ``body`` is empty when ``unchanged``."""

    body: bytes = b""
    etag: str = ""
    modified: str = ""
    unchanged: bool = False


class Fetcher(Protocol):
    """Gets the bytes behind an address."""

    def fetch(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        """Ask for the page, or for nothing when it is still the one with this ``etag`` or ``modified`` date.

        Raises:
            FeedError: refused, unreachable, too large, too slow, or an error status; says what to do.
        """
        ...


@dataclass
class FakeFetcher:
    """The fake: answers from ``pages``; a page that is a FeedError is raised. Honours ``etag``."""

    pages: dict[str, bytes | FeedError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def fetch(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        self.asked.append(url)
        page = self.pages.get(url)
        if page is None:
            raise FeedError("The feed must answer", seen=f"{url}: 404", remedy="Check the address")
        if isinstance(page, FeedError):
            raise page
        tag = str(hash(page))
        return Fetched(etag=tag, unchanged=True) if etag == tag else Fetched(page, tag)


Resolver = Callable[[str, int], Sequence[str]]


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, looking through IPv6 forms that wrap an IPv4 address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if wrapped is None and found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is not None:
            found = wrapped
    return found.is_global and not found.is_multicast


def check_address(url: str) -> str:
    """The feed's address if it can be one.

    Raises:
        FeedError: it is not an absolute http(s) address, or carries a name and password.
    """
    url = url.strip()
    if not safe_link(url):
        raise FeedError(
            "A feed's address must begin with http:// or https:// and carry no password",
            seen=url[:200],
            remedy="Copy the address from the site's feed link",
        )
    return url


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, from the system's resolver."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class HttpFetcher:
    """The real one, over httpx. No cookies, no proxies from the environment, no sign-in."""

    def __init__(
        self,
        config: FeedConfig,
        *,
        resolver: Resolver = resolve,
        monotonic: Callable[[], float] = time.monotonic,
        transport: Any = None,
    ) -> None:
        self._config = config
        self._resolver = resolver
        self._monotonic = monotonic
        self._transport = transport

    def fetch(self, url: str, *, etag: str = "", modified: str = "") -> Fetched:
        import httpx

        headers = {
            "User-Agent": _USER_AGENT,
            "Accept-Encoding": "gzip",
            "Accept": "application/rss+xml, application/atom+xml, */*;q=0.5",
        }
        headers |= {"If-None-Match": etag} if etag else {}
        headers |= {"If-Modified-Since": modified} if modified else {}
        deadline = self._monotonic() + self._config.deadline_seconds
        timeout = httpx.Timeout(self._config.timeout_seconds)
        try:
            with httpx.Client(timeout=timeout, trust_env=False, transport=self._transport) as client:
                for _ in range(self._config.max_redirects + 1):
                    answer = self._once(client, check_address(url), headers, deadline)
                    if isinstance(answer, Fetched):
                        return answer
                    url = answer
        except (httpx.HTTPError, httpx.InvalidURL, OSError, UnicodeError) as error:
            raise FeedError(
                "The feed must answer",
                seen=f"{url}: {str(error) or type(error).__name__}",
                remedy="Check the address; it is tried again later",
            ) from error
        raise FeedError(
            f"A feed may redirect at most {self._config.max_redirects} times",
            seen=url,
            remedy="Give the feed's final address",
        )

    def _once(self, client: Any, url: str, headers: Mapping[str, str], deadline: float) -> Fetched | str:
        """One request: the answer, or where it redirects to."""
        host, address, target = self._pinned(client, url)
        extensions = {"sni_hostname": host} if host != address else {}
        request = client.build_request(
            "GET", target, headers={**headers, "Host": urlsplit(url).netloc}, extensions=extensions
        )
        response = client.send(request, stream=True, follow_redirects=False)
        try:
            if response.status_code == 304:
                return Fetched(
                    etag=headers.get("If-None-Match", ""), modified=headers.get("If-Modified-Since", ""), unchanged=True
                )
            if response.status_code in _REDIRECTS and response.headers.get("location"):
                return urljoin(url, str(response.headers["location"]))
            if response.status_code != 200:
                raise FeedError(
                    "The feed must answer with status 200",
                    seen=f"{url}: {response.status_code}",
                    remedy="Check the address; it is tried again later",
                )
            body = self._read(response, url, deadline)
            return Fetched(body, response.headers.get("etag", ""), response.headers.get("last-modified", ""))
        finally:
            response.close()

    def _pinned(self, client: Any, url: str) -> tuple[str, str, Any]:
        """The host, the address that passed the guard, and the URL that goes to exactly that address."""
        import httpx

        target = httpx.URL(url)
        host = target.host
        port = target.port or (443 if target.scheme == "https" else 80)
        addresses = self._resolver(host, port)
        if not addresses:
            raise FeedError("The feed's host must have an address", seen=host, remedy="Check the address")
        if not self._config.allow_private:
            inside = [address for address in addresses if not is_public(address)]
            if inside:
                raise FeedError(
                    "A feed must lie on the public internet",
                    seen=f"{host} is {inside[0]}",
                    remedy="If you trust it, set allow_private = true under [feeds] in finance.toml",
                )
        return host, addresses[0], target.copy_with(host=addresses[0], port=target.port)

    def _read(self, response: Any, url: str, deadline: float) -> bytes:
        body = bytearray()
        for block in response.iter_bytes(16_384):
            body += block
            if len(body) > self._config.max_bytes:
                raise FeedError(
                    f"A feed may have at most {self._config.max_bytes:,} bytes",
                    seen=url,
                    remedy="Raise max_bytes under [feeds] in finance.toml, or use a smaller feed",
                )
            if self._monotonic() > deadline:
                raise FeedError(
                    f"A feed must arrive within {self._config.deadline_seconds:g} seconds",
                    seen=url,
                    remedy="It is tried again later",
                )
        return bytes(body)
