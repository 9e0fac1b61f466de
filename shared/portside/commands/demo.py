"""``portside demo``: train every app on the sample data, then open the suite."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.settings import Settings

__all__ = ["commands", "prepare"]

commands = typer.Typer()


@commands.callback(invoke_without_command=True)
def demo(
    port: Annotated[int | None, typer.Option(help="Port to listen on; default: PORTSIDE_PORT or 8501.")] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the first page in the browser.")] = True,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages when all is ready.")] = True,
) -> None:
    """Train all apps on the sample data (about two minutes, once) and open the suite in the browser."""
    from portside.commands.ui import serve_pages
    from portside.settings import load_settings

    prepare(load_settings())
    if serve:
        raise typer.Exit(serve_pages([], port=port, open_browser=open_browser))


def prepare(settings: Settings) -> None:
    """Train and fill every app from the folder of samples; what was done before is not done again.

    Raises:
        UsageError: there is no folder of samples.
    """
    from portside.apps import find_apps, load
    from portside.console import say
    from portside.errors import UsageError
    from portside.progress import TerminalProgress
    from portside.storage.engine import open_database
    from portside.storage.migrate import upgrade

    samples = settings.samples
    if not samples.is_dir():
        raise UsageError(
            "The demo needs the folder of sample data",
            seen=str(samples.resolve()),
            remedy="Run it in a checkout of Portside, or set PORTSIDE_SAMPLES to its data_samples folder",
        )
    database = open_database(settings)
    apps = find_apps()
    upgrade(database, apps)
    database.close()
    for place, app in enumerate(apps, start=1):
        started = time.monotonic()
        with TerminalProgress(f"[{place}/{len(apps)}] {app.title}") as progress:
            done = load(app.demo)(settings, samples, progress)
        for line in done or ["ready since an earlier start"]:
            say(f"  {app.title}: {line}")
        if done:
            say(f"  {app.title}: ready after {time.monotonic() - started:.0f} s")
