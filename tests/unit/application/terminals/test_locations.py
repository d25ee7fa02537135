"""Locations: made, changed, removed, once each whatever callers repeat."""

import asyncio

from fintech.application.commits import NotFound, Reply
from fintech.domain.addresses import AddressChanges, AddressFault
from fintech.domain.changeset import KeyReused
from fintech.domain.evolving import evolve
from fintech.domain.ids import LocationId, MerchantId
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.domain.terminals import LocationInUse, LocationRemoved
from fintech.ports.queries import Page
from tests.unit.application.shop import PLAIN
from tests.unit.application.terminals.estate import SHOP, Estate

NOWHERE = LocationId("tml_" + "9" * 24)


async def test_a_location_is_there_once_it_was_made(estate: Estate) -> None:
    made = await estate.place(name="Stall", metadata=(("floor", "2"),))
    assert made == await estate.location(made.id)
    assert (made.version, made.terminals, made.address) == (1, 0, SHOP)
    assert (await estate.core.queries().locations(estate.scope, Page())).items == (made,)
    assert await estate.events() == ["terminal.location.created"]


async def test_what_cannot_be_is_refused(estate: Estate) -> None:
    wrong = evolve(SHOP, postcode="2")
    assert await estate.try_place(address=wrong) == Failure(AddressFault.POSTCODE)
    nobody = MerchantId("acct_" + "n" * 24)
    create = estate.core.create_location()
    refused = await create(PLAIN, Scope(nobody, livemode=False), name="x", address=SHOP)
    assert refused == Failure(NotFound("merchant", nobody))
    update = estate.core.update_location()
    assert await update(PLAIN, estate.scope, NOWHERE) == Failure(NotFound("location", NOWHERE))
    assert await estate.remove(NOWHERE) == Failure(NotFound("location", NOWHERE))
    made = await estate.place()
    changed = await update(PLAIN, estate.scope, made.id, address=AddressChanges(country="NZ"))
    assert changed == Failure(AddressFault.COUNTRY)


async def test_changes_are_kept_and_told(estate: Estate) -> None:
    made = await estate.place()
    update = estate.core.update_location()
    await update(PLAIN, estate.scope, made.id, name="Stall", address=AddressChanges(line1="2 George Street"))
    after = (await update(PLAIN, estate.scope, made.id, metadata=(("a", "b"),))).unwrap().value
    assert after == await estate.location(made.id)
    assert (after.name, after.address.line1, after.metadata) == ("Stall", "2 George Street", (("a", "b"),))
    assert await estate.events() == [
        "terminal.location.created",
        "terminal.location.updated",
        "terminal.location.updated",
    ]


async def test_a_repeat_is_answered_as_the_first_time(estate: Estate) -> None:
    first = (await estate.try_place(estate.keyed("make"))).unwrap()
    assert await estate.try_place(estate.keyed("make")) == Success(Reply(first.value, replayed=True))
    assert await estate.try_place(estate.keyed("make", b"g")) == Failure(KeyReused("op"))
    gone = (await estate.remove(first.value.id, estate.keyed("gone"))).unwrap()
    assert await estate.remove(first.value.id, estate.keyed("gone")) == Success(
        Reply(gone.value, replayed=True)
    )
    assert await estate.remove(first.value.id, estate.keyed("again")) == Failure(LocationRemoved())


async def test_repeats_at_once_make_one(estate: Estate) -> None:
    outcomes = await asyncio.gather(*(estate.try_place(estate.keyed("make")) for _ in range(10)))
    assert {outcome.unwrap().value.id for outcome in outcomes} == {outcomes[0].unwrap().value.id}
    assert sum(not outcome.unwrap().replayed for outcome in outcomes) == 1


async def test_a_removed_location_is_off_the_list_and_stays_as_it_was(estate: Estate) -> None:
    made = await estate.place()
    removed = (await estate.remove(made.id)).unwrap().value
    assert removed == await estate.location(made.id)
    assert removed.removed_at == estate.core.clock().now()
    assert (await estate.core.queries().locations(estate.scope, Page())).items == ()
    assert await estate.try_register(made.id) == Failure(NotFound("location", made.id))
    assert await estate.events() == ["terminal.location.created", "terminal.location.deleted"]


async def test_no_location_is_removed_under_a_terminal(estate: Estate) -> None:
    """Whoever comes first: the terminal that arrives, or the end of the place."""
    for place in range(10):
        made = await estate.place()
        calls = [estate.remove(made.id), estate.try_register(made.id)]
        outcomes = await asyncio.gather(*(calls if place % 2 else calls[::-1]))
        removing, registering = outcomes if place % 2 else outcomes[::-1]
        if isinstance(removing, Success):
            assert registering == Failure(NotFound("location", made.id))
        else:
            assert removing == Failure(LocationInUse(1))
        after = await estate.location(made.id)
        assert after.terminals == await estate.standing_at(made.id) == (after.removed_at is None)


async def test_another_merchant_and_the_other_mode_do_not_see_it(estate: Estate) -> None:
    made = await estate.place()
    for stranger in (await estate.others(), Estate(estate.shop, Scope(estate.scope.merchant, livemode=True))):
        assert await stranger.remove(made.id) == Failure(NotFound("location", made.id))
