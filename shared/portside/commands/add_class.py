"""``portside models add-class``: labels for a classifier of prototypes, without training it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["add_class"]


def add_class(
    reference: Annotated[
        str,
        typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION, of method prototype.", metavar="NAME"),
    ],
    data: Annotated[Path, typer.Option(help="Labelled rows: of new labels, or more of known ones.")],
    *,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    promote: Annotated[bool, typer.Option("--promote", help="Serve the new version at once.")] = False,
    reason: Annotated[str, typer.Option(help="Why, for the history.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print what was registered as JSON.")] = False,
) -> None:
    """Add labels, or rows of known ones, to prototypes: the next version, in seconds and without training.

    The encoder and what the model knows of its other labels stay as they are. Rows that it has already are left out.
    """
    from portside.commands.orders import order_of, print_registered
    from portside.commands.tasks import measured, warn
    from portside.console import say
    from portside.data import load_examples
    from portside.progress import TerminalProgress
    from portside.said import said
    from portside.settings import load_settings
    from portside.tasks.spec import find_task
    from portside.training.add_class import add_class as add

    name = reference.split(":")[0].split("@")[0]
    # One new label is enough: the others are in the model.
    dataset = load_examples(data, text=text, label=label, role="test")
    with TerminalProgress(f"Adding to {name}") as progress:
        warn(find_task("classification"), dataset, progress.log)
        order = order_of(
            load_settings(),
            name,
            progress,
            reason=reason or said("added {file} to {model}", file=data.name, model=reference),
            promote=promote or None,
        )
        version = add(
            order.registry,
            reference,
            dataset,
            actor=order.actor,
            reason=order.reason,
            promote=order.promote,
            progress=progress,
            threads=order.threads,
        )
    if json:
        print_registered(version)
        return
    say(f"Registered {version.ref} in {version.folder}: {_sentence(version.card['added']['rows_per_label'])}")
    say(measured(version) or "It has no validation rows to be measured on")
    say(f"Serve it: portside models promote {version.name} {version.version}")


def _sentence(rows_per_label: dict[str, int]) -> str:
    return ", ".join(f"{count:,} rows of {label}" for label, count in rows_per_label.items()) + " added."
