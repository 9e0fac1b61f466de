"""``portside worker``: do the long work that pages and commands hand in."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["commands"]

commands = typer.Typer()


@commands.callback(invoke_without_command=True)
def worker(
    jobs: Annotated[int, typer.Option(help="How many jobs to run at once.", min=1)] = 2,
    parent: Annotated[
        int | None, typer.Option(help="Stop when the process of this number ends.", metavar="PID")
    ] = None,
) -> None:
    """Run jobs until Ctrl-C. Several workers may run, on one machine or many; no job runs twice."""
    import logging

    from portside.console import say
    from portside.jobs import run_worker
    from portside.settings import load_settings

    settings = load_settings()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("portside").setLevel(logging.INFO)
    say("Waiting for work. Stop with Ctrl-C; jobs that run then are stopped too.")
    run_worker(settings, slots=jobs, parent=parent)
