"""``portside ui``: serve the pages and the HTTP API."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["commands", "serve_pages"]

commands = typer.Typer()


@commands.callback(invoke_without_command=True)
def ui(
    apps: Annotated[list[str] | None, typer.Argument(help="Apps to serve; none: all.", metavar="[APP]...")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: PORTSIDE_PORT or 8501.")] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the first page in the browser.")] = False,
) -> None:
    """Serve the pages of the suite and its HTTP API from one process, with a worker beside it."""
    raise typer.Exit(serve_pages(apps or [], port=port, open_browser=open_browser))


def serve_pages(apps: list[str], *, port: int | None = None, open_browser: bool = False) -> int:
    """Serve until interrupted; returns the exit code. Runs ``portside_ui``, which the core does not import."""
    import os
    import subprocess
    import sys

    environment = dict(os.environ)
    if port is not None:
        environment["PORTSIDE_PORT"] = str(port)
    arguments = [*(["--open"] if open_browser else []), *apps]
    server = subprocess.Popen([sys.executable, "-m", "portside_ui", *arguments], env=environment)
    while True:
        try:
            return server.wait()
        except KeyboardInterrupt:
            continue  # the server got the same signal and is putting itself away
