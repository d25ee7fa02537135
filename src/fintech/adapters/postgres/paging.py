"""Keyset pages: never offsets, so that page one thousand costs what page one does."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, tuple_

from fintech.ports.queries import Listed, Page

T = TypeVar("T")


def created_within(page: Page, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    """The conditions that a page's span sets a moment."""
    conditions = []
    if page.created_from is not None:
        conditions.append(column >= page.created_from)
    if page.created_until is not None:
        conditions.append(column < page.created_until)
    return conditions


def windowed(
    statement: Select[Any],
    page: Page,
    *keys: ColumnElement[Any],
    place: Callable[[str], ColumnElement[Any] | str] = str,
) -> Select[Any]:
    """The part of a list that a page shows, and one row more: nearest to its cursor first.

    ``place`` tells where in the order of ``keys`` a cursor stands, when that is not its own text.
    """
    whole = keys[0] if len(keys) == 1 else tuple_(*keys)
    if page.after is not None:
        statement = statement.where(whole < place(page.after))
    if page.before is not None:
        statement = statement.where(whole > place(page.before))
    order = [key.desc() if page.before is None else key.asc() for key in keys]
    return statement.order_by(*order).limit(page.limit + 1)


def listed(rows: Sequence[Any], page: Page, made: Callable[[Any], T]) -> Listed[T]:
    """What `windowed` found, newest first, without the row that tells that there are more."""
    items = [made(row) for row in rows[: page.limit]]
    if page.before is not None:
        items.reverse()
    return Listed(tuple(items), has_more=len(rows) > page.limit)
