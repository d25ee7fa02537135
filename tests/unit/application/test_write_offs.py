"""Write-offs: two people, one decision, and no more than is owed, however many decide at once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from fintech.application.commits import NotFound
from fintech.domain.changeset import LimitReached
from fintech.domain.events import EventType
from fintech.domain.ids import WriteOffId
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Actor, Face
from fintech.domain.write_offs import MoreThanOwed, SamePerson, WriteOff, WriteOffOver, WriteOffStatus
from fintech.entrypoints.profiles import testing
from fintech.ports.queries import Page
from tests.cores import OpenCore, on_postgres
from tests.unit.application.shop import Shop, open_shop, value
from tests.unit.application.test_races import at_once

ANN, BEN = Actor("ann", Face.CLI, "it is gone"), Actor("ben", Face.CLI, "so it is")
OWED = 2_943


@pytest.fixture(params=["memory", pytest.param("postgres", marks=pytest.mark.postgres)])
def opens(request: pytest.FixtureRequest) -> OpenCore:
    """Where it is owed."""
    if request.param == "memory":
        return testing
    return on_postgres(request.getfixturevalue("postgres_server"))


@pytest.fixture
async def shop(opens: OpenCore) -> AsyncIterator[Shop]:
    """A merchant that owes us for a chargeback."""
    async with open_shop(opens=opens) as shop:
        await shop.pay(10_000, "pm_card_createDispute")
        await shop.settle()
        await shop.sweep()
        assert -await shop.net("receivable") == OWED
        yield shop


async def propose(shop: Shop, amount_minor: int = OWED, actor: Actor = ANN) -> Any:
    """Propose."""
    return await shop.core.propose_write_off()(actor, shop.scope, amount_minor, "it is gone")


async def decide(shop: Shop, write_off: WriteOff, actor: Actor = BEN, *, approve: bool = True) -> Any:
    """Approve, if nothing else is said."""
    return await shop.core.decide_write_off()(actor, shop.scope, write_off.id, approve=approve)


async def test_two_people_give_up_a_debt(shop: Shop) -> None:
    proposed = value(await propose(shop))
    cash = [await shop.net(code) for code in ("client_cash", "own_cash")]
    approved = value(await decide(shop, proposed))
    assert (approved.status, approved.decided_by) == (WriteOffStatus.APPROVED, "ben")
    assert (await shop.net("receivable"), await shop.net("losses")) == (0, -OWED)
    assert [await shop.net(code) for code in ("client_cash", "own_cash")] == cash
    line = await shop.core.queries().movement(shop.scope, approved.movement)
    assert line is not None
    assert line.legs[0].source == approved.id
    events = (await shop.core.queries().events(shop.scope, Page(limit=2))).items
    assert [(event.type, event.actor.name) for event in events] == [
        (EventType.WRITE_OFF_UPDATED, "ben"),
        (EventType.WRITE_OFF_CREATED, "ann"),
    ]
    assert (await shop.core.queries().write_offs(shop.scope, Page())).items == (approved,)
    await shop.assert_proofs_hold()


async def test_one_person_is_not_two(shop: Shop) -> None:
    proposed = value(await propose(shop))
    assert await decide(shop, proposed, ANN) == Failure(SamePerson("ann"))


async def test_a_rejected_one_books_nothing_and_is_final(shop: Shop) -> None:
    proposed = value(await propose(shop))
    rejected = value(await decide(shop, proposed, approve=False))
    assert (rejected.status, rejected.movement) == (WriteOffStatus.REJECTED, None)
    assert await decide(shop, proposed) == Failure(WriteOffOver(WriteOffStatus.REJECTED))
    assert -await shop.net("receivable") == OWED
    await shop.assert_proofs_hold()


async def test_more_than_is_owed_is_refused(shop: Shop) -> None:
    assert await propose(shop, OWED + 1) == Failure(MoreThanOwed(OWED))
    assert await propose(shop, 0) == Failure(MoreThanOwed(OWED))
    nothing = WriteOffId("wo_" + "z" * 24)
    refused = await shop.core.decide_write_off()(BEN, shop.scope, nothing, approve=True)
    assert refused == Failure(NotFound("write-off", nothing))


async def test_of_many_decisions_one_counts(shop: Shop) -> None:
    proposed = value(await propose(shop))

    async def deed(number: int) -> Any:
        outcome = await decide(shop, proposed, Actor(f"p{number}", Face.CLI, "so"), approve=number % 3 > 0)
        return Success(_Done(outcome.unwrap())) if isinstance(outcome, Success) else outcome

    done, refused = await at_once(deed, 20)
    assert len(done) == 1
    assert {type(why) for why in refused} == {WriteOffOver}
    await shop.assert_proofs_hold()


async def test_racing_approvals_never_give_up_more_than_is_owed(shop: Shop) -> None:
    """Each was proposed while all of it was owed; the account decides."""
    proposals = [value(await propose(shop, 1_000)) for _ in range(8)]

    async def deed(number: int) -> Any:
        outcome = await decide(shop, proposals[number])
        return Success(_Done(outcome.unwrap())) if isinstance(outcome, Success) else outcome

    done, refused = await at_once(deed, len(proposals))
    assert len(done) == 2
    assert {type(why) for why in refused} <= {MoreThanOwed, LimitReached}
    assert -await shop.net("receivable") == OWED - 2_000
    await shop.assert_proofs_hold()


class _Done:
    """What `at_once` takes for a reply."""

    def __init__(self, value: WriteOff) -> None:
        self.value = value
