"""Tickets as stored: who waits, who has whom. Exactly one agent can hold a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, select, update

from portside.clock import Clock, utc_now
from portside.errors import UsageError
from portside.storage.engine import Database
from portside_support.records import Ticket, TicketStatus
from portside_support.store import say, touch
from portside_support.tables import conversations, tickets

__all__ = ["TicketStore"]


class TicketStore:
    """The agents' queue. Safe to share between threads and processes."""

    def __init__(self, database: Database, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    def tickets(self, statuses: Sequence[TicketStatus] = ("open", "taken"), limit: int = 200) -> list[Ticket]:
        """Tickets of these statuses, the longest waiting first."""
        with self._database.read() as connection:
            rows = connection.execute(
                _tickets()
                .where(tickets.c.status.in_(statuses))
                .order_by(tickets.c.opened_at, tickets.c.id)
                .limit(limit)
            ).all()
        return [_ticket(row) for row in rows]

    def ticket(self, ticket_id: int) -> Ticket:
        """One ticket.

        Raises:
            UsageError: there is no such ticket.
        """
        with self._database.read() as connection:
            return _find_ticket(connection, ticket_id)

    def take(self, ticket_id: int, agent: str) -> Ticket:
        """Give an open ticket to an agent. Of several who try at once, one gets it. Taking one's own again is fine.

        Raises:
            UsageError: it is closed, or another agent has it; says who.
        """
        now = self._clock()
        with self._database.begin() as connection:
            won = connection.execute(
                update(tickets)
                .where(tickets.c.id == ticket_id, tickets.c.status == "open")
                .values(status="taken", agent=agent, taken_at=now)
            )
            ticket = _find_ticket(connection, ticket_id)
            if won.rowcount != 1:
                _check_holder(ticket, agent)
                return ticket
            connection.execute(
                update(conversations)
                .where(conversations.c.id == ticket.conversation_id)
                .values(status="agent", updated_at=now, turn=conversations.c.turn + 1)
            )
        return ticket

    def agent_replies(self, ticket_id: int, agent: str, text: str) -> int:
        """Keep what the agent who has the ticket says; returns the message's id.

        Raises:
            UsageError: the ticket is not this agent's, or closed.
        """
        now = self._clock()
        with self._database.begin() as connection:
            ticket = self._held(connection, ticket_id, agent)
            touch(connection, ticket.conversation_id, now)
            return say(connection, ticket.conversation_id, "agent", text, now, author=agent)

    def close(self, ticket_id: int, agent: str) -> Ticket:
        """Close a ticket and its conversation; the customer's next message begins with the bot again.

        Raises:
            UsageError: the ticket is not this agent's, or closed.
        """
        now = self._clock()
        with self._database.begin() as connection:
            ticket = self._held(connection, ticket_id, agent)
            connection.execute(update(tickets).where(tickets.c.id == ticket_id).values(status="closed", closed_at=now))
            connection.execute(
                update(conversations)
                .where(conversations.c.id == ticket.conversation_id)
                .values(status="closed", updated_at=now, turn=conversations.c.turn + 1)
            )
            return _find_ticket(connection, ticket_id)

    def _held(self, connection: Connection, ticket_id: int, agent: str) -> Ticket:
        # The write lock on the row keeps another process from closing it between the check and what follows.
        connection.execute(
            update(tickets)
            .where(tickets.c.id == ticket_id, tickets.c.status == "taken", tickets.c.agent == agent)
            .values(agent=agent)
        )
        ticket = _find_ticket(connection, ticket_id)
        _check_holder(ticket, agent)
        return ticket


def _tickets() -> Any:
    joined = tickets.join(conversations, tickets.c.conversation_id == conversations.c.id)
    return select(tickets, conversations.c.channel).select_from(joined)


def _ticket(row: Row[Any]) -> Ticket:
    return Ticket(
        row.id,
        row.conversation_id,
        row.channel,
        row.status,
        row.code,
        dict(row.facts),
        row.question,
        row.opened_at,
        row.agent,
        row.taken_at,
        row.closed_at,
    )


def _find_ticket(connection: Connection, ticket_id: int) -> Ticket:
    row = connection.execute(_tickets().where(tickets.c.id == ticket_id)).first()
    if row is None:
        raise UsageError(
            "No ticket of that number", seen=str(ticket_id), remedy="List them with: portside support queue"
        )
    return _ticket(row)


def _check_holder(ticket: Ticket, agent: str) -> None:
    if ticket.status == "closed":
        raise UsageError("The ticket must not be closed", seen=f"ticket {ticket.id}", remedy="Choose another ticket")
    if ticket.status == "open":
        raise UsageError("The ticket must be taken first", seen=f"ticket {ticket.id}", remedy="Take it, then go on")
    if ticket.agent != agent:
        seen = f"{ticket.agent} has ticket {ticket.id}"
        raise UsageError("A ticket belongs to the agent who took it first", seen=seen, remedy="Choose another ticket")
