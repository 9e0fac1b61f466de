"""What is stored: the one door to the database. Queries stand here and in the ``store_*`` modules, nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, delete, func, insert, select, text, update

from portside.storage.engine import Database
from portside_finance import tables
from portside_finance.records import Company
from portside_finance.store_alerts import AlertStore
from portside_finance.store_feeds import FeedStore
from portside_finance.store_headlines import HeadlineStore
from portside_finance.store_state import exclusive
from portside_finance.store_trends import TrendStore

__all__ = ["FinanceStore", "ImportState"]


@dataclass(frozen=True, slots=True)
class ImportState:
    """How far the import of one file came."""

    file: str
    rows_done: int
    finished: bool


class FinanceStore:
    """All of the finance monitor's data in one database. Safe to share between threads and processes."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.headlines = HeadlineStore(database)
        self.trends = TrendStore(database)
        self.alerts = AlertStore(database)
        self.feeds = FeedStore(database)

    def companies(self) -> list[Company]:
        """The reference list, by ticker."""
        with self.database.read() as connection:
            rows = connection.execute(select(tables.companies).order_by(tables.companies.c.ticker)).all()
        return [Company(row.ticker, row.name, tuple(row.aliases), row.sector) for row in rows]

    def save_companies(self, companies: Sequence[Company], *, replace: bool) -> None:
        """Add or change companies; ``replace`` also removes those that are not among them, with their links."""
        with exclusive(self.database) as connection:
            known = set(connection.scalars(select(tables.companies.c.ticker)))
            given = {company.ticker: company for company in companies}
            gone = known - set(given) if replace else set()
            if gone:
                connection.execute(delete(tables.links).where(tables.links.c.ticker.in_(gone)))
                connection.execute(delete(tables.companies).where(tables.companies.c.ticker.in_(gone)))
            for company in given.values():
                values = {"name": company.name, "aliases": list(company.aliases), "sector": company.sector}
                table = tables.companies
                if company.ticker in known:
                    connection.execute(update(table).where(table.c.ticker == company.ticker).values(**values))
                else:
                    connection.execute(insert(table).values(ticker=company.ticker, **values))

    def import_state(self, fingerprint: str) -> ImportState | None:
        """How far an import of the file with these bytes came; None when it never began."""
        with self.database.read() as connection:
            row = connection.execute(select(tables.imports).where(tables.imports.c.fingerprint == fingerprint)).first()
        return ImportState(row.file, row.rows_done, row.finished) if row else None

    def mark_import(self, fingerprint: str, file: str, rows_done: int, finished: bool, now: datetime) -> None:
        """Remember how far an import came."""
        with exclusive(self.database) as connection:
            record_import(
                connection, fingerprint=fingerprint, file=file, rows_done=rows_done, finished=finished, now=now
            )

    def totals(self) -> dict[str, int]:
        """Rows stored: ``headlines``, ``texts``, ``unscored`` texts, ``companies``, ``feeds``, ``corrections``."""
        counted = {
            "headlines": select(func.count()).select_from(tables.headlines),
            "texts": select(func.count()).select_from(tables.texts),
            "unscored": select(func.count())
            .select_from(tables.texts)
            .where((tables.texts.c.sentiment_model == "") | (tables.texts.c.topic_model == "")),
            "companies": select(func.count()).select_from(tables.companies),
            "feeds": select(func.count()).select_from(tables.feeds),
            "corrections": select(func.count()).select_from(tables.corrections),
        }
        with self.database.read() as connection:
            return {name: int(connection.scalar(query) or 0) for name, query in counted.items()}

    def span(self) -> tuple[date, date] | None:
        """First and last day with headlines."""
        with self.database.read() as connection:
            row = connection.execute(select(func.min(tables.headlines.c.day), func.max(tables.headlines.c.day))).one()
        return (row[0], row[1]) if row[0] is not None else None

    def refresh_statistics(self) -> None:
        """Let the database's planner see how the tables have grown; worth it after a large import."""
        with self.database.begin() as connection:
            connection.execute(text("ANALYZE"))


def record_import(
    connection: Connection, *, fingerprint: str, file: str, rows_done: int, finished: bool, now: datetime
) -> None:
    """Write an import's progress inside the caller's transaction."""
    table = tables.imports
    values = {"file": file[:400], "rows_done": rows_done, "finished": finished, "updated_at": now}
    changed = connection.execute(update(table).where(table.c.fingerprint == fingerprint).values(**values))
    if changed.rowcount == 0:
        connection.execute(insert(table).values(fingerprint=fingerprint, **values))
