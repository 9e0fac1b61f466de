"""``portside compile``: build a model for this machine, check it, serve it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.inference.engines.compile import Compilation
    from portside.registry import ModelVersion

__all__ = ["commands"]

MOST_TEXTS = 1_000
"""Texts that engines are measured on, drawn at random."""

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def compile_model(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    data: Annotated[
        Path | None, typer.Option(help="Labelled rows to check it on; without it those kept aside in training.")
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Serve the original again.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Make a classifier answer faster on this machine; its answers are checked on rows it has not learned from."""
    from portside.console import as_json, say
    from portside.inference.engines.store import remove_compiled
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    if remove:
        remove_compiled(version.folder)
        say(f"{version.ref} is served as it was trained.")
        return
    made = _compiled(version, data, settings.threads)
    if json:
        as_json(_plain(made))
        return
    _show(version, made)


def _compiled(version: ModelVersion, data: Path | None, threads: int) -> Compilation:
    from portside.inference.engines.compile import compile_version
    from portside.progress import TerminalProgress

    texts, truth = _rows(version, data)
    with TerminalProgress(f"Compiling {version.ref}") as progress:
        return compile_version(version, texts, truth, threads=threads, progress=progress)


def _rows(version: ModelVersion, data: Path | None) -> tuple[list[str], list[str]]:
    from random import Random

    from portside.errors import UsageError
    from portside.evaluation.held_out import load_held_out

    if data is not None:
        from portside.data import load_examples

        rows = [(one.text, one.label) for one in load_examples(data, role="test").examples]
    else:
        held = load_held_out(version.folder)
        if held is None:
            raise UsageError(
                "A compiled model is checked on rows that it has not learned from",
                seen=f"{version.ref} keeps none",
                remedy=f"Name a labelled file: portside compile {version.ref} --data FILE",
            )
        labels = version.card["labels"]
        rows = [(text, labels[place]) for text, place in zip(held.texts, held.truth.tolist(), strict=True)]
    some = Random(0).sample(rows, min(MOST_TEXTS, len(rows)))
    return [text for text, _ in some], [label for _, label in some]


def _show(version: ModelVersion, made: Compilation) -> None:
    from portside.console import say, table
    from portside.inference.engines.choice import speed_up

    table(
        ["engine", "texts/s", "one text ms", "times as fast", "accuracy %", "same answers %", "MB", ""],
        [
            [
                one.engine,
                one.texts_per_second,
                one.single_ms,
                speed_up(one, made.original),
                100 * one.accuracy,
                100 * one.agreement,
                one.megabytes,
                "serves" if one is made.chosen else made.refused.get(one.engine, ""),
            ]
            for one in (made.original, *made.engines)
        ],
        title=f"{version.ref} on {made.n:,} rows that it has not learned from",
    )
    for engine, why in made.failed.items():
        say(f"{engine} could not be tried: {why}.")
    if made.chosen is None:
        say("No engine is faster with the same answers: the original goes on serving.")
    else:
        say(
            f"{version.ref} is served by {made.chosen.engine} from now on; "
            f"back with: portside compile {version.ref} --remove"
        )


def _plain(made: Compilation) -> dict[str, object]:
    return {
        "n": made.n,
        "serves": None if made.chosen is None else made.chosen.engine,
        "original": made.original.to_dict(),
        "engines": [one.to_dict() for one in made.engines],
        "refused": made.refused,
        "failed": made.failed,
    }
