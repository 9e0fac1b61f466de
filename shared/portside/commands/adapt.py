"""``portside adapt``: continue an encoder's pretraining on your own unlabelled text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portside.commands.orders import order_of, print_registered
from portside.commands.train import (
    Budget,
    Encoder,
    Json,
    Promote,
    Reason,
    Resume,
    Seed,
    Settings,
    TextColumn,
    stop_on_signal,
)
from portside.errors import UsageError

if TYPE_CHECKING:
    from portside.registry import ModelVersion
    from portside.training.adaptation import AdaptationRecipe

__all__ = ["commands", "measured"]

# A single command, although its name stands for a group like all others'.
commands = typer.Typer(no_args_is_help=True, subcommand_metavar="")

DataFile = Annotated[
    Path,
    typer.Option(help="Texts: one a line in .txt, or in CSV, TSV, JSON lines or Parquet; gzipped or not."),
]
Name = Annotated[str, typer.Option(help="Name of the encoder, such as news-encoder.")]
Method = Annotated[
    str, typer.Option(help="mlm (guess hidden words), tsdae (restore a text from its vector) or contrastive.")
]
Epochs = Annotated[int | None, typer.Option(help="Passes over the texts; chosen by their number if not given.")]


@commands.callback(invoke_without_command=True)
def adapt(
    data: DataFile,
    name: Name,
    *,
    text: TextColumn = None,
    encoder: Encoder = None,
    method: Method = "mlm",
    epochs: Epochs = None,
    seed: Seed = 0,
    budget: Budget = None,
    settings: Settings = None,
    resume: Resume = False,
    promote: Promote = None,
    reason: Reason = "adapted from the command line",
    json: Json = False,
) -> None:
    """Adapt an encoder to texts without labels; any training can then start from it with --encoder NAME.

    Nothing uses it unless asked. Whether it makes your models better depends on the texts: train with and without it
    and compare. Ctrl-C leaves a checkpoint and registers nothing; the same command with --resume goes on.
    """
    from portside.commands.tasks import recipe_from
    from portside.settings import load_settings
    from portside.training.adaptation import OBJECTIVES, AdaptationRecipe
    from portside.training.plan import parse_budget

    if method not in OBJECTIVES:
        known = ", ".join(OBJECTIVES)
        raise UsageError(
            "There is no such method to adapt by", seen=f"--method {method}", remedy=f"Use one of: {known}"
        )
    given = {
        "encoder": load_settings().encoder if encoder is None else encoder,
        "objective": method,
        "epochs": epochs,
        "seed": seed,
        "budget_seconds": None if budget is None else parse_budget(budget),
    }
    recipe = recipe_from(AdaptationRecipe, given, settings or [])
    version = _adapt(recipe, _Wish(data, text, name, resume, promote, reason))
    _report(version, as_json=json)


@dataclass(frozen=True)
class _Wish:
    data: Path
    text: str | None
    name: str
    resume: bool
    promote: bool | None
    reason: str


def _adapt(recipe: AdaptationRecipe, wish: _Wish) -> ModelVersion:
    from portside.data.texts import load_texts
    from portside.progress import TerminalProgress
    from portside.registry.names import check_name
    from portside.settings import load_settings
    from portside.training.adaptation import adapt_encoder

    settings = load_settings()
    check_name(wish.name, "encoder")
    with TerminalProgress(f"Adapting {wish.name}") as terminal, stop_on_signal(terminal) as progress:
        texts = load_texts(wish.data, text=wish.text)
        progress.log(texts.sentence)
        order = order_of(settings, wish.name, progress, reason=wish.reason, promote=wish.promote, resume=wish.resume)
        return adapt_encoder(recipe, texts, order)


def measured(version: ModelVersion) -> str:
    """The loss on held-out texts, before and after; empty for an encoder that was made in another way."""
    losses = version.validation
    if "loss_before" not in losses:
        return ""
    return f"Loss on {losses['n']:,} held-out texts: {losses['loss_before']:.3f} before, {losses['loss']:.3f} after"


def _report(version: ModelVersion, *, as_json: bool) -> None:
    from portside import console

    card = version.card
    if as_json:
        print_registered(version)
        return
    console.say(f"Registered {version.ref} in {version.folder}")
    console.say(measured(version))
    cut, limit = card["data"]["longer_than_limit"], card["limits"]["max_tokens"]
    if cut:
        console.say(f"{cut:,} texts are longer than {limit} tokens: only their beginning was learnt from")
    console.say(
        f"Start from it, and compare with a training without: "
        f"portside train classification --data FILE --name NAME --encoder {version.ref}"
    )
