"""``portside worker``: do the long work that pages and commands hand in."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["commands"]

commands = typer.Typer()


@commands.callback(invoke_without_command=True)
def worker(
    parent: Annotated[
        int | None, typer.Option(help="Stop when the process of this number ends.", metavar="PID")
    ] = None,
) -> None:
    """Run jobs one after another until Ctrl-C. Start several to run several at once; no job runs twice."""
    import logging

    from portside.console import say
    from portside.jobs import run_worker
    from portside.settings import load_settings

    settings = load_settings()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    say("Waiting for work. Stop with Ctrl-C; a job that runs then is stopped too.")
    run_worker(settings, parent=parent)
