"""``portside explain``: which words of a text speak for its label, the document found, the names in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.evaluation.attribution import Explanation
    from portside.inference.attributor import Attributor
    from portside.registry import ModelVersion

__all__ = ["commands"]

SAMPLED = 100
"""Texts of --data that faithfulness is measured on, if not told otherwise."""

# Options may follow the model's name and texts, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def explain(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to explain.", metavar="[TEXT]...")] = None,
    *,
    label: Annotated[
        str | None, typer.Option(help="Explain this label, document (its id) or type of name instead of the likeliest.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Measure on texts of this file how far to trust it.")] = None,
    text: Annotated[str | None, typer.Option(help="Column of the texts in --data; guessed if not given.")] = None,
    rows: Annotated[int, typer.Option(help="Texts of --data to measure on, drawn at random.", min=1)] = SAMPLED,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show which words speak for a label, a document found or a name, and which against; by two methods."""
    from portside.inference.attributor import load_attributor
    from portside.registry import ModelRegistry
    from portside.settings import load_settings

    if (data is None) == (not texts):
        raise UsageError(
            "Give either texts to explain, or a file to measure explanations on",
            seen="both" if texts else "neither",
            remedy=f'portside explain {model} "a text", or portside explain {model} --data test.csv',
        )
    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    attributor = load_attributor(version, threads=settings.threads)
    if data is not None:
        _measure(attributor, _sampled(version, data, text, rows), json)
    else:
        _explain(attributor, texts or [], label, json)


def _explain(attributor: Attributor, texts: list[str], label: str | None, json: bool) -> None:
    from portside.console import as_json, say
    from portside.evaluation.attribution import explain as explained

    found = [explained(attributor, [text], label=label, most=None) for text in texts]
    if json:
        as_json([one.to_dict() for each in found for one in each])
        return
    for text, each in zip(texts, found, strict=True):
        if not each:
            say(f"{text}\nThe model finds no name in it: there is nothing to explain.")
        for one in each:
            _show(one)


def _show(one: Explanation) -> None:
    from portside.console import say, table
    from portside.evaluation.attribution import METHODS

    cosine = one.measure == "cosine"
    score = "cosine of query and document" if cosine else f"log-odds of the {'type' if one.answer.spans else 'label'}"
    said = "" if one.label == one.predicted else f"; the model says {one.predicted}"
    say(f"{one.text}\n{one.label}{': cosine' if cosine else ''} {one.level:.3f}{said}\n{one.sentence}")
    if not one.words:
        return
    table(
        ["word", *(method.replace("-", " ") for method in METHODS)],
        [
            [word.text, *(float(one.values[method][place]) for method in METHODS)]
            for place, word in enumerate(one.words)
        ],
        title=f"What each word adds to the {score}",
    )
    found, sums = one.agreement, one.completeness
    alike = "" if found.rank_correlation is None else f"rank correlation {found.rank_correlation:.2f}, "
    say(f"Agreement of the two: {alike}{found.shared} of the {found.top} strongest words.")
    say(f"Integrated gradients sum to {sums.attributed:.3f}; they should to {sums.difference:.3f}.")


def _sampled(version: ModelVersion, data: Path, column: str | None, rows: int) -> list[str]:
    from random import Random

    from portside.commands.behave import sampled_texts
    from portside.data.columns import Columns
    from portside.evaluation.report.making import Asked

    asked = Asked(version, data, Columns(column, None))
    if asked.task.name not in ("matching", "tagging"):
        return sampled_texts(data, column, rows, seed=0)
    # These are no tables with a column of texts: pairs, judgements in a folder, a word a line.
    texts = asked.texts
    return [texts[place] for place in sorted(Random(0).sample(range(len(texts)), min(rows, len(texts))))]


def _measure(attributor: Attributor, texts: list[str], json: bool) -> None:
    from portside.console import as_json, say, table
    from portside.evaluation.attribution import explain as explained
    from portside.evaluation.faithfulness import measure_faithfulness
    from portside.evaluation.report.asking import CountingAttributor, questions
    from portside.progress import TerminalProgress

    with TerminalProgress(f"Asking {attributor.model} why") as progress:
        counting = CountingAttributor(
            attributor,
            questions(texts, len(texts)),
            lambda done, of: progress.update(done, of, f"{done:,} of {of:,} questions"),
        )
        found = measure_faithfulness(counting, explained(counting, texts))
    if json:
        as_json(found.to_dict())
        return
    say(found.sentence)
    head = ["words left out", *(one.method.replace("-", " ") for one in found.methods), "random order"]
    curves = [*(one.curve for one in found.methods), found.random_curve]
    points = len(found.random_curve) - 1
    table(
        head,
        [[f"{100 * place // points} %", *values] for place, values in enumerate(zip(*curves, strict=True))],
        title="Mean cosine" if found.measure == "cosine" else "Mean probability of the label",
    )
