"""``portside evaluate``: measure a model on labelled rows."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from portside.evaluation.classification import ClassificationReport

__all__ = ["commands"]

CONFUSIONS_SHOWN = 10
WEAKEST_SHOWN = 10

# Options may follow the model's name, although a group of commands usually ends its own at the first word.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="", context_settings={"allow_interspersed_args": True})


@commands.callback(invoke_without_command=True)
def evaluate(
    model: Annotated[str, typer.Argument(help="NAME (its champion), NAME@ALIAS or NAME:VERSION.", metavar="NAME")],
    data: Annotated[Path, typer.Option(help="Labelled rows that the model was not trained on.")],
    *,
    text: Annotated[str | None, typer.Option(help="Column of the texts; guessed by its name if not given.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels; guessed by its name if not given.")] = None,
    json: Annotated[Path | None, typer.Option(help="Write the whole report to this file ('-': print it).")] = None,
) -> None:
    """Measure a model on labelled rows: accuracy with its 95 % interval, macro-F1, every label, what is confused."""
    from portside.data import load_examples
    from portside.evaluation.classification import evaluate_classifier
    from portside.inference.classifier import load_classifier
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.settings import load_settings
    from portside.training.seen import load_seen

    settings = load_settings()
    version = ModelRegistry(settings.models_dir).resolve(model)
    dataset = load_examples(data, text=text, label=label, role="test")
    predictor = load_classifier(version, threads=settings.threads)
    with TerminalProgress(f"Evaluating {version.ref}") as progress:
        report = evaluate_classifier(
            predictor,
            dataset,
            seen=load_seen(version.folder),
            report=lambda done: progress.update(done, len(dataset), f"{done:,} of {len(dataset):,} rows"),
        )
    if json == Path("-"):
        from portside.console import as_json

        as_json(report.to_dict())
        return
    _print(report)
    if json is not None:
        _write(json, report)


def _print(report: ClassificationReport) -> None:
    from portside.console import say, table

    low, high = report.accuracy_ci95
    say(f"{report.model} on {report.data}, n = {report.n:,}")
    say(f"accuracy {100 * report.accuracy:.2f} % (95 % interval {100 * low:.2f} to {100 * high:.2f})")
    say(f"macro-F1 {report.macro_f1:.4f} over {len(report.per_class)} labels")
    if report.seen_in_training:
        say(
            f"Mind: {report.seen_in_training:,} of these rows ({100 * report.seen_in_training / report.n:.1f} %) "
            "have a text that the model was trained on; they flatter it."
        )
    weakest = sorted(report.per_class.items(), key=lambda item: (item[1].f1, item[0]))[:WEAKEST_SHOWN]
    table(
        ["label", "precision", "recall", "f1", "rows"],
        [[label, one.precision, one.recall, one.f1, one.support] for label, one in weakest],
        title=f"Labels, weakest first ({len(weakest)} of {len(report.per_class)})",
    )
    confused = report.top_confusions(CONFUSIONS_SHOWN)
    if confused:
        table(["true", "predicted", "rows"], confused, title="Most often confused")


def _write(path: Path, report: ClassificationReport) -> None:
    from portside.console import say
    from portside.errors import UsageError

    try:
        path.write_text(json_module.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError("The report must be writable", seen=f"{path}: {error.strerror}") from error
    say(f"Report written to {path}")
