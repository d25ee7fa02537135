"""Pieces of the statements that look: whose rows, and the documents that rows point to."""

from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, Table, Text, and_, cast, false, func, not_, select

from fintech.adapters.postgres.tables import events, terminals
from fintech.domain.scope import Scope
from fintech.domain.terminals import ONLINE_FOR, TerminalStatus
from fintech.ports.queries import Page, Wanted


def within(table: FromClause, scope: Scope) -> ColumnElement[bool]:
    """The rows of a scope."""
    return and_(table.c.merchant_id == scope.merchant, table.c.livemode.is_(scope.livemode))


def kept(table: Table, scope: Scope) -> ColumnElement[bool]:
    """The rows of a scope that have not been removed."""
    return and_(within(table, scope), table.c.removed_at.is_(None))


def wanted_terminals(wanted: Wanted) -> list[ColumnElement[bool]]:
    """The conditions that terminals are looked for by."""
    columns, presence = terminals.c, wanted.presence
    conditions: list[ColumnElement[bool]] = []
    if wanted.location is not None:
        conditions.append(columns.location_id == wanted.location)
    if wanted.serial is not None:
        conditions.append(columns.serial == wanted.serial)
    if wanted.statuses:
        conditions.append(columns.status.in_(wanted.statuses))
    if presence is not None:
        reported = func.coalesce(columns.signed_on_at > presence.at - ONLINE_FOR, false())
        online = and_(columns.status == TerminalStatus.ACTIVE, reported)
        conditions.append(online if presence.online else not_(online))
    return conditions


def pointer(table: Table) -> tuple[ColumnElement[Any], ...]:
    """What names the entry of the log whose document an aggregate is."""
    return table.c.merchant_id, table.c.livemode, table.c.event_id


def documented(found: FromClause) -> Select[Any]:
    """The documents that rows with a `pointer` point to."""
    here = and_(
        events.c.merchant_id == found.c.merchant_id,
        events.c.livemode == found.c.livemode,
        events.c.id == found.c.event_id,
    )
    return select(document_text(events.c.document)).select_from(found.join(events, here))


def documented_in_order(found: Select[Any], page: Page) -> Select[Any]:
    """The same of rows that have been cut to a page by their `place`: only then are documents looked up."""
    rows = found.subquery("page")
    return documented(rows).order_by(rows.c.place.desc() if page.before is None else rows.c.place.asc())


def document_text(column: ColumnElement[Any]) -> ColumnElement[str]:
    """A document as it is stored, not parsed on the way."""
    return cast(column, Text).label("document")
