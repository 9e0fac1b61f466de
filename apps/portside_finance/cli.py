"""``portside finance …``: train, ingest, score, alerts, feeds, companies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from portside.training.plan import parse_budget

if TYPE_CHECKING:
    from portside.progress import Progress
    from portside_finance.records import IngestReport
    from portside_finance.service import FinanceService

__all__ = ["commands"]

commands = typer.Typer(no_args_is_help=True, help="Score business headlines and warn when bad news piles up.")
feeds = typer.Typer(no_args_is_help=True, help="Watch RSS and Atom feeds.")
commands.add_typer(feeds, name="feeds")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@contextmanager
def _service() -> Iterator[FinanceService]:
    from portside.apps import find_apps
    from portside.settings import load_settings
    from portside.storage.engine import open_database
    from portside.storage.migrate import upgrade
    from portside_finance.build import build_service

    settings = load_settings()
    database = open_database(settings)
    upgrade(database, find_apps())
    database.close()
    service = build_service(settings)
    try:
        yield service
    finally:
        service.store.database.close()


@contextmanager
def _progress(title: str) -> Iterator[Progress]:
    from portside.progress import TerminalProgress

    with TerminalProgress(title) as progress:
        yield progress


@commands.command()
def train(
    sentiment: Annotated[Path | None, typer.Option(help="Labelled headlines: columns text and sentiment.")] = None,
    topics: Annotated[Path | None, typer.Option(help="Labelled headlines: columns text and topic.")] = None,
    budget: Annotated[str | None, typer.Option(help="Time each training may take: 90s, 10m or 1h30m.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted training.")] = False,
    promote: Annotated[bool | None, typer.Option("--promote/--no-promote", help="Serve the new version.")] = None,
) -> None:
    """Fine-tune the sentiment and topic models; labels corrected on the pages are learned too."""
    from portside.console import say
    from portside.errors import UsageError
    from portside.settings import load_settings
    from portside_finance.train import train_model

    files = [(kind, file) for kind, file in (("sentiment", sentiment), ("topic", topics)) if file is not None]
    if not files:
        raise UsageError("A training needs a file", seen="none", remedy="Give --sentiment FILE, --topics FILE or both")
    with _service() as service:
        for kind, file in files:
            with _progress(f"training {kind}") as progress:
                version = train_model(
                    load_settings(),
                    service,
                    kind,
                    file,
                    progress=progress,
                    reason=f"trained on {file.name}",
                    budget_seconds=parse_budget(budget) if budget else None,
                    resume=resume,
                    promote=promote,
                )
            say(f"Registered {version.ref}.")


@commands.command()
def ingest(
    what: Annotated[str, typer.Argument(metavar="FILE|URL", help="CSV, TSV, JSON lines (.gz too), or a feed.")],
    *,
    text: Annotated[str, typer.Option(help="Column of the headline, where it cannot be guessed.")] = "",
    time: Annotated[str, typer.Option(help="Column of its time.")] = "",
    source: Annotated[str, typer.Option(help="Column of its source.")] = "",
    url: Annotated[str, typer.Option(help="Column of its link.")] = "",
    source_name: Annotated[str, typer.Option(help="Source of rows that name none.")] = "",
    score: Annotated[bool, typer.Option("--score/--no-score", help="Score the new headlines at once.")] = True,
    as_json: AsJson = False,
) -> None:
    """Import headlines, once each however often it is called; interrupted, it goes on where it was."""
    from portside import console

    with _service() as service:
        if what.startswith(("http://", "https://")):
            report = service.ingest_feed(what)
        else:
            columns = {"text": text, "time": time, "source": source, "url": url}
            with _progress("importing") as progress:
                report = service.ingest(Path(what), columns=columns, source=source_name, progress=progress)
        if as_json:
            console.as_json(report)
        else:
            _say_report(report)
        _after(service, score=score, quiet=as_json)


@commands.command()
def score(
    rescore: Annotated[bool, typer.Option("--rescore", help="Also what another version has scored.")] = False,
) -> None:
    """Score the headlines that no model has read yet, and bring alerts up to date."""
    from portside.console import say

    with _service() as service:
        with _progress("scoring") as progress:
            report = service.score(progress, rescore=rescore)
        plan = service.update_alerts()
        models = ", ".join(model for model in (report.sentiment_model, report.topic_model) if model)
        say(f"Scored {report.texts:,} distinct headlines with {models}. New alerts: {len(plan.insert)}.")


@commands.command()
def alerts(
    state: Annotated[str, typer.Option(help="Only pending, firing or resolved.")] = "",
    acknowledge: Annotated[int | None, typer.Option(help="Number of an alert that you have seen.")] = None,
    comment: Annotated[str, typer.Option(help="What you found, kept with --acknowledge.")] = "",
    as_json: AsJson = False,
) -> None:
    """List alerts, newest first, after bringing them up to date."""
    from portside import console
    from portside.errors import UsageError

    if state not in ("", "pending", "firing", "resolved"):
        raise UsageError("No such state", seen=state, remedy="Use pending, firing or resolved")
    with _service() as service:
        service.update_alerts()
        if acknowledge is not None:
            service.acknowledge(acknowledge, comment)
        rows = service.alerts([state] if state else [])
        if as_json:
            console.as_json([{"headline_ids": service.store.alerts.evidence(row.id), "alert": row} for row in rows])
            return
        if not rows:
            console.say("No alerts.")
            return
        console.table(
            ["no", "state", "what", "since", "until", "peak", "expected", "headlines", "seen by"],
            [
                [
                    row.id,
                    row.episode.state,
                    f"{row.episode.series.kind} {row.episode.series.name}",
                    str(row.episode.opened),
                    str(row.episode.resolved or ""),
                    row.episode.peak_count,
                    round(row.episode.peak_expected, 1),
                    row.headlines,
                    row.acknowledged_by,
                ]
                for row in rows
            ],
        )


@commands.command("import-companies")
def import_companies(
    file: Annotated[Path, typer.Argument(help="CSV: ticker,name,aliases,sector; or the public S&P 500 list.")],
    add: Annotated[bool, typer.Option("--add", help="Keep the companies that are not in the file.")] = False,
) -> None:
    """Take over the list of companies, and link all stored headlines anew."""
    from portside.console import say

    with _service() as service:
        with _progress("linking") as progress:
            count = service.import_companies(file, replace_all=not add, progress=progress)
        service.update_alerts()
        say(f"{count:,} companies.")


@feeds.command("add")
def feeds_add(
    url: Annotated[str, typer.Argument(help="Address of an RSS or Atom feed.")],
    title: Annotated[str, typer.Option(help="What to call it; else its own title.")] = "",
) -> None:
    """Watch a feed."""
    from portside.console import say

    with _service() as service:
        service.add_feed(url, title)
        say("Watched from now on. 'portside finance feeds poll' reads it.")


@feeds.command("remove")
def feeds_remove(number: Annotated[int, typer.Argument(help="Its number in 'feeds list'.")]) -> None:
    """Stop watching a feed; its headlines stay."""
    from portside.console import say

    with _service() as service:
        service.remove_feed(number)
        say("No longer watched.")


@feeds.command("list")
def feeds_list(as_json: AsJson = False) -> None:
    """Show the feeds and how well they are."""
    from portside import console

    with _service() as service:
        found = service.feeds()
        if as_json:
            console.as_json([{"state": state, "feed": feed} for feed, state in found])
            return
        console.table(
            ["no", "state", "title", "headlines", "errors", "last error", "address"],
            [[f.id, state, f.title, f.items_total, f.errors_total, f.last_error, f.url] for f, state in found],
        )


@feeds.command("poll")
def feeds_poll(
    everything: Annotated[bool, typer.Option("--all", help="Also feeds that are not due yet.")] = False,
    every: Annotated[float, typer.Option(help="Go on every so many minutes until Ctrl-C; 0: once.", min=0)] = 0.0,
) -> None:
    """Read the feeds that are due, score what is new, bring alerts up to date."""
    import time

    from portside.console import say
    from portside_finance.jobs import repeat

    with _service() as service, _progress("reading feeds") as progress:

        def once() -> None:
            report = service.poll(progress, everything=everything)
            say(f"{report.polled} feeds read, {report.added:,} new headlines.")
            for error in report.errors.values():
                say(error)
            _after(service, score=report.added > 0, quiet=True)

        once()
        if every > 0:
            repeat(once, every * 60, progress, sleep=time.sleep)


def _say_report(report: IngestReport) -> None:
    from portside.console import say, table

    say(
        f"{report.rows:,} rows read: {report.added:,} new, {report.repeated:,} known, {report.refused:,} refused"
        + (f" (after {report.skipped:,} rows of an earlier, interrupted import)" if report.skipped else "")
        + "."
    )
    say(f"{report.same_story:,} are copies of a known story; companies found in {report.linked:,}.")
    if report.examples:
        columns = ["row", "column", "value", "rule", "what to do"]
        table(columns, [[row.row, row.column, row.value, row.rule, row.remedy] for row in report.examples])


def _after(service: FinanceService, *, score: bool, quiet: bool) -> None:
    from portside.console import say
    from portside.errors import ModelNotFound

    if score:
        try:
            with _progress("scoring") as progress:
                texts = service.score(progress).texts
            if not quiet:
                say(f"Scored {texts:,} distinct headlines.")
        except ModelNotFound as error:
            if not quiet:
                say(f"Not scored yet. {error}")
    plan = service.update_alerts()
    if not quiet and plan.insert:
        say(f"{len(plan.insert)} new alerts: see 'portside finance alerts'.")
