"""The ``portside`` command. Only the command asked for is imported, so that help answers at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from portside.apps import find_apps, load
from portside.errors import PortsideError, UsageError

__all__ = ["build_cli", "main"]

COMMANDS = {
    "train": ("portside.commands.train:commands", "Fine-tune a model on your own text."),
    "adapt": ("portside.commands.adapt:commands", "Adapt an encoder to your own texts without labels."),
    "search": ("portside.commands.search:commands", "Find the recipe that does best on validation rows."),
    "evaluate": ("portside.commands.evaluate:commands", "Measure a model on labelled rows it has not seen."),
    "predict": ("portside.commands.predict:commands", "Ask a model for the labels of texts."),
    "report": ("portside.commands.report:commands", "Write a page on how good a model is and what is wrong with it."),
    "compile": ("portside.commands.compile:commands", "Make a model answer faster on this machine."),
    "explain": ("portside.commands.explain:commands", "Show which words of a text speak for its label."),
    "behave": ("portside.commands.behave:commands", "Try typos, negation and swapped names on a model."),
    "models": ("portside.commands.models:commands", "List, promote, roll back, verify and delete model versions."),
    "data": ("portside.commands.data:commands", "Check files before you train on them."),
    "demo": ("portside.commands.demo:commands", "Train all apps on the sample data and open the suite."),
    "ui": ("portside.commands.ui:commands", "Serve the pages and the HTTP API."),
    "worker": ("portside.commands.worker:commands", "Do the long work that pages and commands hand in."),
}
"""Command -> where its ``typer.Typer`` lies, and its line in the help."""
USAGE_EXIT = 2
INTERRUPTED_EXIT = 130


def build_cli(chosen: str | None = None, *, everything: bool = False) -> typer.Typer:
    """The command line with ``chosen`` (or everything) imported; the other commands are there by name only."""
    cli = typer.Typer(
        name="portside",
        help="Fine-tune small language models on your own text, and run the apps that stand on them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    known = {**COMMANDS, **{app.name: (app.commands, app.summary) for app in find_apps()}}
    for name, (address, summary) in known.items():
        if everything or name == chosen:
            cli.add_typer(load(address), name=name, help=summary)
        else:
            cli.command(name, help=summary)(_named_only)
    return cli


def _named_only() -> None:
    """Stands in the help for a command that was not asked for."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command. Expected errors are advice on standard error and exit code 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((word for word in given if not word.startswith("-")), None)
    try:
        build_cli(chosen)(given)
    except PortsideError as error:
        from portside.console import advise

        advise(error)
        raise SystemExit(USAGE_EXIT) from None
    except MemoryError:
        from portside.console import advise

        advise(UsageError("The work must fit into memory", remedy="Close other programs, or split the file"))
        raise SystemExit(USAGE_EXIT) from None
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED_EXIT) from None


if __name__ == "__main__":
    main()
