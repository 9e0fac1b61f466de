"""``portside compile``: build a model for this machine, check it, serve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.inference.engines.compile import Compilation

__all__ = ["commands"]

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def compile_named(
    model: Annotated[
        str,
        typer.Argument(
            help="NAME (its champion), NAME@ALIAS, NAME:VERSION, or a pretrained encoder such as bundled.",
            metavar="NAME",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(help="Rows to check it on, labelled as for evaluate; without it those kept aside in training."),
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Serve the original again, and leave it so.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a model answer faster on this machine.

    Every engine that can run here is measured on rows that the model has not learned from; the fastest serves whose
    answers stay the original's. Running apps take it up with the next text.
    """
    from portside.console import as_json, say
    from portside.inference.engines.registered import find_compilable
    from portside.inference.engines.store import keep_as_trained
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    found = find_compilable(model, ModelRegistry(settings.models_dir), settings.models_dir)
    if remove:
        keep_as_trained(found.place)
        say(f"{found.name} is served as it was trained.")
        return
    with TerminalProgress(f"Compiling {found.name}") as progress:
        made = found.compiled(data, threads=settings.threads, progress=progress)
    if json:
        as_json({"model": found.name, **made.to_dict()})
        return
    _show(found.name, made)


def _show(name: str, made: Compilation) -> None:
    from portside.console import say, table
    from portside.inference.engines.choice import speed_up

    table(
        ["engine", "texts/s", "one text ms", "times as fast", f"{made.measure} %".strip(), "same answers %", "MB", ""],
        [
            [
                one.engine,
                one.texts_per_second,
                one.single_ms,
                speed_up(one, made.original),
                "" if one.figure is None else 100 * one.figure,
                100 * one.agreement,
                one.megabytes,
                "serves" if one is made.chosen else made.refused.get(one.engine, ""),
            ]
            for one in (made.original, *made.engines)
        ],
        title=f"{name} on {made.rows:,} rows that it has not learned from",
    )
    for engine, why in made.failed.items():
        say(f"{engine} could not be tried: {why}.")
    if made.chosen is None:
        say("No engine is faster with the same answers: the original goes on serving.")
    else:
        say(f"{name} is served by {made.chosen.engine} from now on; back with: portside compile {name} --remove")
