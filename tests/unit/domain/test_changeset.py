"""A commit as a value: its bounds, and what it says of itself."""

from typing import Any

import pytest
from attrs import evolve

from fintech.domain.changeset import CHANGES_MAX, TRANSFERS_MAX, Change, Changeset
from fintech.domain.events import EventType
from fintech.domain.guards import Backing, Ceiling
from fintech.domain.ids import ChangesetId, EventId, TransferId
from fintech.domain.ledger import Balances, Phase
from tests.unit.domain.desk import ACTOR, NOON, Desk, merchant
from tests.unit.domain.test_ledger import BOOKS, MOVEMENT, transfer

ID = ChangesetId("cs_" + "0" * 24)


def changeset(count: int = 1, **more: Any) -> Changeset:
    desk = Desk()
    changes = tuple(Change(desk.new(), EventType.PAYMENT_UPDATED) for _ in range(count))
    plain: dict[str, Any] = {"id": ID, "at": NOON, "actor": ACTOR, "changes": changes}
    return Changeset(**(plain | more))


@pytest.mark.parametrize("count", [1, CHANGES_MAX])
def test_as_many_changes_as_there_may_be(count: int) -> None:
    assert len(changeset(count).changes) == count


@pytest.mark.parametrize("count", [0, CHANGES_MAX + 1])
def test_too_few_and_too_many_changes(count: int) -> None:
    with pytest.raises(ValueError, match="1 to 16 changes"):
        changeset(count)


def test_too_many_transfers() -> None:
    legs = tuple(transfer() for _ in range(TRANSFERS_MAX + 1))
    assert len(changeset(transfers=legs[:-1]).transfers) == TRANSFERS_MAX
    with pytest.raises(ValueError, match="at most 100 transfers"):
        changeset(transfers=legs)


def test_a_thing_is_saved_once_in_a_changeset() -> None:
    change = Change(merchant(), EventType.ACCOUNT_UPDATED)
    with pytest.raises(ValueError, match="once"):
        changeset(changes=(change, change))


def test_it_knows_what_it_moves_and_its_first_event() -> None:
    changes = changeset(transfers=(transfer(amount_minor=9),))
    assert changes.moves[BOOKS.account("unsettled/2026-11-23")] == Balances(credits_posted=9)
    assert changes.first_event == EventId.of(ID, 0)
    assert evolve(changes, transfers=()).moves == {}


def test_only_what_may_pass_a_limit_is_limited() -> None:
    down = transfer(debit=BOOKS.account("available"), credit=BOOKS.account("client_cash"))
    assert not changeset().limited
    assert not changeset(transfers=(transfer(),)).limited
    assert changeset(transfers=(transfer(), down)).limited
    assert changeset(ceilings=(Ceiling(BOOKS.account("receivable"), 0),)).limited
    up = transfer(debit=BOOKS.account("client_cash"), credit=BOOKS.account("available"))
    assert not changeset(transfers=(up, down)).limited
    void = transfer(
        debit=BOOKS.account("available"),
        credit=BOOKS.account("client_cash"),
        phase=Phase.VOID_PENDING,
        resolves=TransferId.of(MOVEMENT, 1),
    )
    assert not changeset(transfers=(void,)).limited


def test_what_it_is_judged_by_makes_it_limited_and_is_looked_at() -> None:
    accounts = {name: BOOKS.account(name) for name in ("advance", "available", "reserved", "receivable")}
    pledged = BOOKS.account("unsettled/2026-11-22")
    backing = Backing(
        owed=(accounts["advance"],),
        cash=(accounts["available"],),
        pledged=(pledged,),
        reserved=(accounts["reserved"],),
        share_bps=1,
    )
    changes = changeset(
        transfers=(transfer(),), ceilings=(Ceiling(accounts["receivable"], 0),), backing=backing
    )
    assert changeset(backing=backing).limited
    assert changes.judged() == {*changes.moves, *accounts.values(), pledged}
    assert changeset(transfers=(transfer(),)).judged() == set(changes.moves)


@pytest.mark.parametrize(
    ("pledged", "reserved", "room"), [(100, 0, 80), (99, 0, 79), (100, 20, 64), (0, 100, -80), (0, 99, -80)]
)
def test_a_share_is_rounded_against_who_owes(pledged: int, reserved: int, room: int) -> None:
    held = {"unsettled": pledged, "reserved": reserved}
    backing = Backing(
        owed=(BOOKS.account("advance"),),
        pledged=(BOOKS.account("unsettled"),),
        reserved=(BOOKS.account("reserved"),),
        share_bps=8_000,
    )
    assert backing.room_minor(lambda account: Balances(credits_posted=held.get(account.code, 0))) == room
