"""``portside predict``: ask a model for the labels of texts."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.inference.classifier import FolderClassifier
    from portside.records import Prediction

__all__ = ["commands", "output_columns"]

ROWS_AT_ONCE = 2_048
PROBABILITY_DIGITS = 6
SHOWN = 3
"""Most probable labels shown for a text on the terminal."""

# Options may follow the model's name and texts, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def predict(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to label.", metavar="[TEXT]...")] = None,
    *,
    data: Annotated[Path | None, typer.Option(help="Label the rows of this file instead.")] = None,
    out: Annotated[Path | None, typer.Option(help="CSV to write: its columns, label, confidence, p_<label>…")] = None,
    text: Annotated[str | None, typer.Option(help="Column of the texts in --data; guessed if not given.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the predictions for TEXT as JSON.")] = False,
) -> None:
    """Ask a model for the labels of texts, with its confidence and every probability."""
    from portside.inference.classifier import load_classifier
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    if (data is None) == (not texts):
        raise UsageError(
            "Give either texts or a file",
            seen="both" if texts else "neither",
            remedy=f'portside predict {model} "a text", or portside predict {model} --data in.csv --out out.csv',
        )
    if data is not None and out is None:
        raise UsageError("Predictions for a file go to a file", seen="no --out", remedy="Add --out out.csv")
    settings = load_settings()
    classifier = load_classifier(ModelRegistry(settings.models_dir).resolve(model), threads=settings.threads)
    if data is not None and out is not None:
        _predict_file(classifier, data, out, text)
    else:
        _print(classifier.predict(texts or []), texts or [], as_json=json)


def _print(predictions: Sequence[Prediction], texts: Sequence[str], *, as_json: bool) -> None:
    from portside import console

    if as_json:
        console.as_json([{"text": text, **_plain(found)} for text, found in zip(texts, predictions, strict=True)])
        return
    for text, found in zip(texts, predictions, strict=True):
        ranked = sorted(found.probabilities.items(), key=lambda item: -item[1])[1:SHOWN]
        others = ", ".join(f"{label} {probability:.3f}" for label, probability in ranked)
        console.say(f"{found.label} {found.confidence:.3f} (then {others})  {text}")


def _plain(found: Prediction) -> dict[str, Any]:
    return {
        "label": found.label,
        "confidence": found.confidence,
        "probabilities": dict(found.probabilities),
        "model": found.model,
    }


def output_columns(given: Sequence[str], labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Names for the columns of the input and for those that are added.

    A column of the input that is called like an added one gets ``input_`` before its name.
    """
    added = ["label", "confidence", *(f"p_{label}" for label in labels)]
    taken = set(added)
    kept = []
    for name in given:
        while name in taken:
            name = f"input_{name}"  # noqa: PLW2901 - until it is free
        taken.add(name)
        kept.append(name)
    return kept, added


def _predict_file(classifier: FolderClassifier, data: Path, out: Path, text: str | None) -> None:
    from portside.console import say
    from portside.data import read_table
    from portside.data.columns import TEXT_NAMES, find_column
    from portside.progress import TerminalProgress

    table = read_table(data)
    names = [str(name) for name in table.frame.columns]
    column, _ = find_column(names, text, TEXT_NAMES, what="text", file=table.file)
    frame = table.frame.astype(object).where(table.frame.notna(), "")
    kept, added = output_columns(names, classifier.labels)
    with _replacing(out) as stream, TerminalProgress(f"Labelling {data.name}") as progress:
        writer = csv.writer(stream)
        writer.writerow([*kept, *added])
        for start in range(0, len(frame), ROWS_AT_ONCE):
            part = frame.iloc[start : start + ROWS_AT_ONCE]
            found = classifier.probabilities([str(value) for value in part[column]])
            for row, probabilities in zip(part.itertuples(index=False), found, strict=True):
                best = int(probabilities.argmax())
                numbers = [round(float(value), PROBABILITY_DIGITS) for value in probabilities]
                writer.writerow([*row, classifier.labels[best], numbers[best], *numbers])
            progress.update(start + len(part), len(frame), f"{start + len(part):,} of {len(frame):,} rows")
    say(f"{len(frame):,} rows labelled by {classifier.model}, written to {out}")


@contextmanager
def _replacing(path: Path) -> Iterator[TextIO]:
    """A stream whose content takes the place of ``path`` when all of it is written, and is gone when it is not."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise UsageError("The output file must be writable", seen=f"{path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
