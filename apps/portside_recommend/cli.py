"""``portside recommend …``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from portside.training.plan import parse_budget

if TYPE_CHECKING:
    from portside.settings import Settings
    from portside_recommend.records import Recommendations
    from portside_recommend.service import RecommendService

__all__ = ["commands"]

commands = typer.Typer(no_args_is_help=True, help="Recommendations from what people chose and what items say.")

Top = Annotated[int, typer.Option("--top", min=1, max=200, help="Length of the list.")]
Category = Annotated[str, typer.Option(help="Only items of this category.")]
Diversity = Annotated[float | None, typer.Option(min=0.0, max=1.0, help="0: best scores; 1: most unlike each other.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Budget = Annotated[str, typer.Option(help="Time for teaching the encoder, such as 90s or 10m; empty: the default.")]


@commands.command()
def ingest(
    items: Annotated[Path | None, typer.Option(help="CSV, TSV, JSON lines or Parquet of items, gzip too.")] = None,
    events: Annotated[Path | None, typer.Option(help="The same of events.")] = None,
    column: Annotated[list[str] | None, typer.Option(help="FIELD=COLUMN where names are not the usual ones.")] = None,
    event: Annotated[str, typer.Option(help="Kind of every event, for a file without an event column.")] = "",
    json: Json = False,
) -> None:
    """Read items and events, encode the items, and learn what is chosen together."""
    from portside.console import as_json, say
    from portside.progress import TerminalProgress

    service, _ = _service()
    with TerminalProgress("import") as progress:
        taken = service.ingest(
            items=items, events=events, mapping=_mapping(column or []), default_event=event, progress=progress
        )
    if json:
        as_json(taken)
        return
    say(f"{taken.items:,} items; {taken.events_read:,} events read, {taken.events:,} of them new")
    for finding in taken.findings:
        say(f"  {finding.count:,} rows: {finding.rule} (first: row {finding.row}, {finding.value})")


@commands.command()
def train(budget: Budget = "", json: Json = False) -> None:
    """Fine-tune the text encoder on your events, choose the ranking weights, and put in service what is better."""
    from dataclasses import replace

    from portside.console import as_json, say
    from portside.progress import TerminalProgress
    from portside.registry import ModelRegistry
    from portside.registry.actor import current_actor
    from portside_recommend.train import train_recommender

    service, settings = _service()
    config = service.config.encoder
    if budget:
        config = replace(config, budget_seconds=parse_budget(budget))
    with TerminalProgress("training") as progress:
        trained = train_recommender(
            service,
            ModelRegistry(settings.models_dir),
            settings,
            progress=progress,
            actor=current_actor(settings),
            reason="portside recommend train",
            config=config,
        )
    if json:
        learned = trained.learned
        as_json({"version": trained.version, "promoted": trained.promoted, "weights": learned.weights.to_dict()})
        return
    for line in trained.lines():
        say(line)


@commands.command()
def tune(json: Json = False) -> None:
    """Choose the ranking weights on a validation period with the encoder as it is, and put them in force."""
    from portside.console import as_json, say
    from portside.progress import TerminalProgress

    service, _ = _service()
    with TerminalProgress("tuning") as progress:
        learned = service.tune(progress)
    tuned = learned.tuned
    if json:
        as_json({"weights": learned.weights, "ndcg": tuned and tuned.ndcg, "before": tuned and tuned.before})
        return
    say(f"weights: {', '.join(f'{name} {value:g}' for name, value in learned.weights.to_dict().items())}")
    if tuned is not None:
        say(f"validation NDCG@10 {tuned.before:.4f} -> {tuned.ndcg:.4f} over {tuned.cases:,} users")


@commands.command("for")
def for_user(
    user: str, top: Top = 10, category: Category = "", diversity: Diversity = None, json: Json = False
) -> None:
    """Recommendations for USER."""
    service, _ = _service()
    _show(service.recommend_for(user, top=top, category=category, diversity=diversity), json=json)


@commands.command()
def similar(item: str, top: Top = 10, category: Category = "", diversity: Diversity = None, json: Json = False) -> None:
    """Items like ITEM."""
    service, _ = _service()
    _show(service.similar(item, top=top, category=category, diversity=diversity), json=json)


@commands.command()
def search(text: str, top: Top = 10, category: Category = "", diversity: Diversity = None, json: Json = False) -> None:
    """Items whose words come closest to TEXT."""
    service, _ = _service()
    _show(service.search(text, top=top, category=category, diversity=diversity), json=json)


@commands.command("add-item")
def add_item(
    item_id: str,
    title: str,
    *,
    description: Annotated[str, typer.Option(help="What it is, in sentences.")] = "",
    category: Annotated[str, typer.Option(help="Where it belongs.")] = "",
    brand: Annotated[str, typer.Option(help="Who makes it.")] = "",
    price: Annotated[float | None, typer.Option(help="In the shop's currency.")] = None,
) -> None:
    """Add or replace one item; it can be recommended at once."""
    from portside.console import say
    from portside_recommend.records import Item

    service, _ = _service()
    service.add_items([Item(item_id, title, description, category, brand, price, service.clock())])
    say(f"{item_id} can be found and recommended now")


@commands.command()
def evaluate(
    protocol: Annotated[str, typer.Option(help="time: newest events held back; last: each user's last one.")] = "time",
    fine_tune: Annotated[bool, typer.Option(help="Teach an encoder on the events before the cut.")] = True,
    budget: Budget = "",
    json: Json = False,
) -> None:
    """Measure the lists on events that nothing was learned from, against popularity and item-kNN."""
    from portside.console import as_json, say, table
    from portside.progress import TerminalProgress
    from portside_recommend.jobs import evaluate_service

    service, settings = _service()
    seconds = parse_budget(budget) if budget else None
    with TerminalProgress("evaluation") as progress:
        report = evaluate_service(service, settings, protocol, progress, fine_tune=fine_tune, budget_seconds=seconds)
    if json:
        as_json(report)
        return
    k = report["k"]
    metrics = {"recall": f"Recall@{k}", "ndcg": f"NDCG@{k}", "hit_rate": f"hit rate@{k}", "coverage": "coverage"}
    rows = [[name, *(_interval(figures[metric]) for metric in metrics)] for name, figures in report["methods"].items()]
    cut = f", cut at {report['cut']}" if report["cut"] else ""
    say(f"{report['cases']:,} users, {report['items']:,} items ranked, protocol {protocol}{cut}; {report['model']}")
    table(["method", *metrics.values()], rows)
    for name, gain in report["gains"].items():
        verdict = "better" if gain["better"] else "not clearly better"
        value, low, high = gain["ndcg"]
        say(f"NDCG against {name}: {verdict} ({value:+.4f}, 95 %: {low:+.4f} to {high:+.4f})")


def _service() -> tuple[RecommendService, Settings]:
    from portside.apps import find_apps
    from portside.settings import load_settings
    from portside.storage.engine import open_database
    from portside.storage.migrate import upgrade
    from portside_recommend.build import build_service

    settings = load_settings()
    database = open_database(settings)
    upgrade(database, find_apps())
    database.close()
    return build_service(settings), settings


def _show(found: Recommendations, *, json: bool) -> None:
    from portside.console import as_json, say, table

    if json:
        as_json({**_plain(found), "basis": found.explain()})
        return
    say(f"{found.explain()} ({found.model})")
    rows = [
        [place, one.item.item_id, one.item.title, f"{one.score:.3f}", str(one.reasons[0]) if one.reasons else ""]
        for place, one in enumerate(found.items, start=1)
    ]
    table(["", "item", "title", "score", "why"], rows)


def _plain(found: Recommendations) -> dict[str, Any]:
    listed = [
        {
            "item_id": one.item.item_id,
            "title": one.item.title,
            "category": one.item.category,
            "score": one.score,
            "reasons": [{"signal": why.signal, "share": why.share, "sentence": str(why)} for why in one.reasons],
        }
        for one in found.items
    ]
    return {"items": listed, "model": found.model, "known": found.known}


def _interval(figures: Sequence[float]) -> str:
    return f"{figures[0]:.4f} [{figures[1]:.4f}, {figures[2]:.4f}]"


def _mapping(given: Sequence[str]) -> dict[str, str]:
    from portside.errors import UsageError

    wrong = next((each for each in given if "=" not in each), None)
    if wrong is not None:
        raise UsageError("A column is mapped as FIELD=COLUMN", seen=wrong, remedy="For example --column item_id=SKU")
    return dict(each.split("=", 1) for each in given)
