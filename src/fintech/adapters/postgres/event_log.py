"""The log in the order of its commits."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, cast, func, literal, or_, select, tuple_

from fintech.adapters.postgres.documents import decode, decode_aggregate
from fintech.adapters.postgres.paging import created_within, windowed
from fintech.adapters.postgres.selecting import document_text, within
from fintech.adapters.postgres.tables import events
from fintech.domain.events import Event, EventType
from fintech.domain.ids import EventId
from fintech.domain.scope import Actor, Scope
from fintech.ports.queries import Page


def event_page(scope: Scope, page: Page, types: Sequence[str]) -> Select[Any]:
    """The log in the order of commits, up to the oldest transaction that is still open.

    A transaction that began earlier may commit later, and its events then sort before ones that were listed already.
    What it holds back is seen as soon as it ends, so nothing that writes may stay open for long.

    Rows of a restored dump were numbered by another cluster. Where their transactions are still to come here, they
    are final all the same: nothing visible can have been written by a transaction that has not begun.
    """
    snapshot = func.pg_current_snapshot()
    final = or_(
        events.c.xact < func.pg_snapshot_xmin(snapshot), events.c.xact >= func.pg_snapshot_xmax(snapshot)
    )
    statement = select(
        events.c.id,
        events.c.type,
        events.c.at,
        cast(events.c.actor, Text).label("actor"),
        events.c.aggregate_id,
        document_text(events.c.document),
    ).where(within(events, scope), final, *created_within(page, events.c.at))
    if types:
        statement = statement.where(events.c.type.in_(types))

    def place(cursor: str) -> ColumnElement[Any]:
        """Of an event that is not there: nowhere, so that the page is empty."""
        named = events.alias("named")
        xact = select(named.c.xact).where(within(named, scope), named.c.id == cursor).scalar_subquery()
        return tuple_(xact, literal(cursor, Text))

    return windowed(statement, page, events.c.xact, events.c.id, place=place)


def event_of(row: Row[Any]) -> Event:
    """The entry of the log that a row of `event_page` is."""
    return Event(
        id=EventId(row.id),
        type=EventType(row.type),
        at=row.at,
        actor=decode(Actor, row.actor),
        snapshot=decode_aggregate(row.aggregate_id, row.document),
    )
