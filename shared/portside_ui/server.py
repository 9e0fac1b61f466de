"""One ASGI process: Streamlit's pages, the HTTP API under ``/api``, and a worker beside it for long work."""

from __future__ import annotations

import argparse
import logging
import os
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread, Timer
from typing import Any

from portside.apps import AppSpec, app_service, find_app, find_apps, load
from portside.console import advise, say
from portside.errors import PortsideError, UsageError
from portside.settings import Settings, load_settings

__all__ = ["build_asgi", "main", "serve"]

log = logging.getLogger(__name__)
WARM_DELAY_SECONDS = 3.0
"""Time for the first page, which is drawn before models are loaded: both would fight for the interpreter."""
BROWSER_DELAY_SECONDS = 1.5
"""Time for the server to listen before the browser asks."""
KEEP_ALIVE_SECONDS = 75
"""How long an idle connection stays open. With uvicorn's 5 a busy server closed connections whose next request had come
but was not yet read."""
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def build_asgi(settings: Settings, apps: Sequence[AppSpec]) -> Any:
    """Compose the pages of ``apps`` and their API. Returns an ASGI application (``streamlit.App``)."""
    import streamlit as st
    from starlette.routing import Mount

    from portside_api.application import build_api
    from portside_api.load import use_few_threads
    from portside_ui.runtime import configure

    configure(settings, apps)

    @asynccontextmanager
    async def lifespan(_app: Any) -> AsyncIterator[None]:
        use_few_threads()
        worker = start_worker(settings)
        # A daemon: a server that is stopped meanwhile does not wait for a model to load.
        Thread(target=warm, args=(settings, apps), name="warm", daemon=True).start()
        try:
            yield
        finally:
            stop_worker(worker)

    return st.App(
        Path(__file__).with_name("suite.py"),
        routes=[Mount("/api", build_api(settings, apps))],
        lifespan=lifespan,
    )


def start_worker(settings: Settings) -> subprocess.Popen[bytes]:
    """Start the process that does the long work; jobs outlive this web process and go on when it is back."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "worker.log").open("ab") as log_file:
        return subprocess.Popen(
            [sys.executable, "-m", "portside.cli", "worker", "--parent", str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            env=_environment(settings),
        )


def warm(settings: Settings, apps: Sequence[AppSpec], *, delay_seconds: float = WARM_DELAY_SECONDS) -> None:
    """Load what the first requests would wait for, app by app; what is missing is told by the page that needs it."""
    time.sleep(delay_seconds)
    for app in apps:
        if app.warm:
            try:
                load(app.warm)(app_service(app, settings))
            except PortsideError as error:
                log.info("%s is not warm: %s", app.title, error)


def stop_worker(worker: subprocess.Popen[bytes]) -> None:
    """Ask the worker to end, and make it end."""
    worker.terminate()
    try:
        worker.wait(timeout=10)
    except subprocess.TimeoutExpired:
        worker.kill()


def _environment(settings: Settings) -> dict[str, str]:
    chosen = {f"PORTSIDE_{name.upper()}": str(value) for name, value in settings.model_dump().items()}
    return {**os.environ, **chosen}


def serve(settings: Settings, apps: Sequence[AppSpec], *, open_browser: bool = False) -> None:
    """Serve until interrupted. Says where, and warns when others than this machine may come in.

    Raises:
        UsageError: the port is taken.
    """
    import uvicorn

    from portside.storage.engine import open_database
    from portside.storage.migrate import upgrade

    _check_port(settings)
    database = open_database(settings)
    upgrade(database, find_apps())
    database.close()
    asgi = build_asgi(settings, apps)
    shown = "localhost" if settings.host in LOOPBACK else settings.host
    say(f"Portside answers at http://{shown}:{settings.port}  (API: /api, API pages: /api/docs). Ctrl-C stops it.")
    if settings.host in LOOPBACK:
        say("It listens on this machine only; PORTSIDE_HOST=0.0.0.0 opens it to the network.")
    else:
        say("Everybody who reaches this address can use it: there is no sign-in yet.")
    if open_browser:
        Timer(BROWSER_DELAY_SECONDS, webbrowser.open, [f"http://localhost:{settings.port}"]).start()
    uvicorn.run(
        asgi,
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise UsageError(
                "The port must be free and the address must be this machine's",
                seen=f"{settings.host}:{settings.port}: {error.strerror}",
                remedy=f"Choose another port, for example PORT={settings.port + 1} make demo",
            ) from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the apps named on the command line, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m portside_ui", description=__doc__)
    parser.add_argument("apps", nargs="*", help="names of apps to serve; none: all")
    parser.add_argument("--open", action="store_true", help="open the first page in the browser")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for talkative in ("alembic", "faiss"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    try:
        apps = tuple(find_app(name) for name in chosen.apps) or find_apps()
        serve(load_settings(), apps, open_browser=chosen.open)
    except PortsideError as error:
        advise(error)
        raise SystemExit(2) from None
