"""``portside support``: train, import, ask, and look at the queue."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from portside.training.plan import parse_budget

__all__ = ["commands"]

commands = typer.Typer(no_args_is_help=True)


@commands.command()
def train(
    *,
    data: Annotated[
        Path | None,
        typer.Option(help="Table of utterances with their intents. Default: the one of the last training."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Column of the utterance.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the intent.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Most passes over the utterances.")] = None,
    budget: Annotated[str | None, typer.Option(help="Time of the training at most: 90s, 10m or 1h30m.")] = None,
    seed: Annotated[int, typer.Option(help="Makes a training repeatable.")] = 0,
    promote: Annotated[
        bool | None, typer.Option("--promote/--no-promote", help="Serve it at once. Default: only the first model.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Fine-tune the intents on a file of utterances and on what agents have corrected."""
    from portside.console import as_json, say
    from portside.progress import TerminalProgress
    from portside.registry.actor import current_actor
    from portside.settings import load_settings
    from portside_support.train import TrainingWish, train_intents

    settings = load_settings()
    with TerminalProgress("Training the intents") as progress:
        trained = train_intents(
            settings,
            data,
            progress=progress,
            actor=current_actor(settings),
            reason="portside support train",
            wish=TrainingWish(text, label, epochs, parse_budget(budget) if budget else None, seed, promote),
        )
    if json:
        as_json(trained)
    else:
        say(trained.summary())


@commands.command("import-kb")
def import_kb(folder: Annotated[Path, typer.Argument(help="Folder of Markdown articles.")]) -> None:
    """Make the articles of a folder the knowledge base, in place of the articles there were."""
    from portside.console import say
    from portside.progress import TerminalProgress
    from portside.settings import load_settings
    from portside_support.train import import_articles

    with TerminalProgress("Importing articles") as progress:
        count = import_articles(load_settings(), folder, progress=progress)
    say(f"{count} articles are searchable.")


@commands.command("import-templates")
def import_templates(
    file: Annotated[Path, typer.Argument(help="Table of approved answers: intent, language, answer, approved_by.")],
    slots: Annotated[
        Path | None,
        typer.Option(help="Table of slots: slot, kind, pattern, question. Default: slots.csv beside the answers."),
    ] = None,
) -> None:
    """Make the answers of a file the approved ones, in place of the answers there were."""
    from portside.console import say
    from portside.settings import load_settings
    from portside_support.train import import_answers

    answers, slot_count = import_answers(load_settings(), file, slots)
    say(f"{answers} answers and {slot_count} slots are in use.")


@commands.command("import-conversations")
def import_conversations(
    file: Annotated[Path, typer.Argument(help="Past conversations, one JSON object a line.")],
) -> None:
    """Add past conversations to the overview; those already there are passed over."""
    from portside.console import say
    from portside.settings import load_settings
    from portside_support.build import build_service
    from portside_support.importing import read_conversations

    past = read_conversations(file)
    new = build_service(load_settings()).import_conversations(past)
    say(f"{new} conversations are new, {len(past) - new} were there already.")


@commands.command()
def ask(
    text: Annotated[str, typer.Argument(help="What the customer writes.")],
    conversation: Annotated[str | None, typer.Option(help="Id of the conversation it belongs to.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Ask the desk as a customer would; the conversation is stored."""
    from portside.console import as_json, say
    from portside.settings import load_settings
    from portside_support.build import build_service

    reply = build_service(load_settings()).ask(text, conversation_id=conversation, channel="cli")
    if json:
        as_json(reply)
        return
    if reply.text:
        say(reply.text)
    if reply.kind == "retrieve":
        for hit in reply.hits:
            source = " › ".join(part for part in (hit.passage.title, hit.passage.heading) if part)
            say(f"  source: {source} {hit.passage.url}".rstrip())
    say(f"  [{reply.kind}] {reply.reason}")
    say(f"  conversation {reply.conversation_id}")


@commands.command()
def queue(json: Annotated[bool, typer.Option("--json", help="Print the tickets as JSON.")] = False) -> None:
    """List the tickets that wait for a person or are with one."""
    from portside.console import as_json, say, table
    from portside.settings import load_settings
    from portside_support.build import build_stores, ready_database
    from portside_support.wording import reason_sentence

    tickets = build_stores(ready_database(load_settings())).tickets.tickets()
    if json:
        as_json(tickets)
        return
    if not tickets:
        say("Nobody waits.")
        return
    rows = [
        (
            one.id,
            one.status,
            one.agent,
            one.question[:60],
            reason_sentence(one.code, one.facts),
            one.opened_at.isoformat(),
        )
        for one in tickets
    ]
    table(["ticket", "status", "agent", "question", "reason", "since"], rows)
