"""``portside predict``: ask a model for the labels of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portside.commands.promise import promising, share_of
from portside.commands.tasks import commands_of, task_of_version
from portside.errors import UsageError

__all__ = ["commands"]

OPTION = "--at-most-wrong"

# Options may follow the model's name and texts, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def predict(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to label.", metavar="[TEXT]...")] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Label the rows of this file instead.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="CSV to write: its columns, label, confidence, outside, p_<label>…")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the texts in --data; guessed if not given.")] = None,
    at_most_wrong: Annotated[
        float | None,
        typer.Option(
            help="Leave out the answers to rows of --data of which the model is too unsure for at most so many percent "
            "of the others to be wrong (certain to 95 %); several labels and names: of the rows that get any.",
            metavar="PERCENT",
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the predictions for TEXT as JSON.")] = False,
) -> None:
    """Ask a model for the labels of texts, with its confidence and every probability."""
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    risk = _risk(at_most_wrong, data)
    if (data is None) == (not texts):
        raise UsageError(
            "Give either texts or a file",
            seen="both" if texts else "neither",
            remedy=f'portside predict {model} "a text", or portside predict {model} --data in.csv --out out.csv',
        )
    if data is not None and out is None:
        raise UsageError("Predictions for a file go to a file", seen="no --out", remedy="Add --out out.csv")
    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    spec = task_of_version(version)
    if data is not None and out is not None and risk is not None:
        promising(spec, OPTION).predict_promised(version, data, out, text, risk=risk, threads=settings.threads)
    elif data is not None and out is not None:
        commands_of(spec).predict_file(version, data, out, text, threads=settings.threads)
    else:
        commands_of(spec).predict_texts(version, texts or [], threads=settings.threads, as_json=json)


def _risk(percent: float | None, data: Path | None) -> float | None:
    """The share of wrong answers that was asked for.

    Raises:
        UsageError: it is none, or there is no file to answer a part of.
    """
    if percent is None:
        return None
    if data is None:
        raise UsageError(
            f"{OPTION} is for the rows of a file", seen="no --data", remedy="Name one with --data, and --out"
        )
    return share_of(percent, OPTION)
