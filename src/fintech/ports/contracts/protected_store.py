"""The promise of `ProtectedStore`, for every adapter's tests."""

import asyncio
from datetime import timedelta

import pytest
from attrs import evolve

from fintech.domain.ids import MerchantId
from fintech.domain.keys.places import Place
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.id_source import IdSource
from fintech.ports.protected_store import (
    GOT_MAX,
    INDEXES_MAX,
    LISTED_MAX,
    PUT_MAX,
    ProtectedStore,
    SealedValue,
)

CARD = Place("payment_methods", "pan", "pm_1")
OWNER = Place("payment_methods", "owner", "pm_1")
INDEX, OTHER_INDEX = b"i" * 32, b"o" * 32


class ProtectedStoreContract:
    """Subclass it and provide the fixtures ``protected_stores`` (two on the same empty store, as two processes have them),
    ``clock`` and ``ids`` (an `IdSource`)."""

    @pytest.fixture
    def store(self, protected_stores: tuple[ProtectedStore, ProtectedStore]) -> ProtectedStore:
        return protected_stores[0]

    @pytest.fixture
    def other(self, protected_stores: tuple[ProtectedStore, ProtectedStore]) -> ProtectedStore:
        return protected_stores[1]

    @pytest.fixture
    def scope(self, ids: IdSource) -> Scope:
        return Scope(ids.new(MerchantId), livemode=False)

    async def test_a_value_is_got_as_it_was_put(
        self, store: ProtectedStore, other: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        card, owner = sealed(CARD, clock, index=INDEX), sealed(OWNER, clock, message=bytes(range(256)))
        await store.put(scope, [])
        assert await store.get(scope, [CARD, OWNER]) == {}
        await store.put(scope, [owner, card])
        assert await other.get(scope, [CARD, OWNER, Place("bank_accounts", "number", "pm_1")]) == {
            CARD: card,
            OWNER: owner,
        }
        assert await other.get(scope, [OWNER]) == {OWNER: owner}
        assert await other.get(scope, []) == {}

    async def test_no_other_merchant_and_no_other_mode_has_it(
        self, store: ProtectedStore, scope: Scope, ids: IdSource, clock: Clock
    ) -> None:
        card = sealed(CARD, clock, index=INDEX)
        await store.put(scope, [card])
        strangers = [Scope(scope.merchant, livemode=True), Scope(ids.new(MerchantId), livemode=False)]
        for stranger in strangers:
            assert await store.get(stranger, [CARD]) == {}
            assert await store.find(stranger, CARD.table, CARD.column, [INDEX], 10) == []
            assert await store.older(stranger, 9, 10) == []
            assert await store.counts(stranger) == {}
            assert not await store.replace(stranger, card, card)
            assert not await store.quarantine(stranger, card, clock.now())
            assert await store.remove(stranger, CARD.table, CARD.record) == 0
        assert await store.get(scope, [CARD]) == {CARD: card}

    async def test_all_of_it_is_listed_by_field_and_from_one_on(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        """Whatever is there can be found to be removed, also what is set apart; what came later is left alone."""
        fields = [("a", "z", "1"), ("b", "x", "1"), ("b", "y", "1"), ("b", "a", "2")]
        places = [Place(table, column, record) for table, column, record in fields]
        values = [sealed(place, clock, number=at + 1) for at, place in enumerate(places)]
        await store.put(scope, list(reversed(values)))
        later = evolve(sealed(Place("c", "x", "1"), clock), put_at=clock.now() + timedelta(seconds=1))
        await store.put(scope, [later])
        assert await store.quarantine(scope, values[1], clock.now())
        soon = clock.now() + timedelta(seconds=1)
        assert await store.listed(scope, soon, None, 10) == values
        assert await store.listed(scope, soon, None, 3) == values[:3]
        assert await store.listed(scope, soon, places[1], 10) == values[2:]
        assert await store.listed(scope, clock.now(), None, 10) == []
        assert await store.listed(scope, soon, places[-1], 10) == []
        assert await store.listed(Scope(scope.merchant, livemode=True), soon, None, 10) == []

    async def test_what_was_listed_is_discarded_unless_it_is_another_by_now(
        self, store: ProtectedStore, other: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        values = [sealed(Place("a", "x", record), clock) for record in ("1", "2", "3")]
        await store.put(scope, values)
        assert await store.quarantine(scope, values[0], clock.now())
        anew = sealed(values[1].place, clock, message=b"anew")
        await store.put(scope, [anew])
        assert await other.discard(Scope(scope.merchant, livemode=True), values) == 0
        assert await other.discard(scope, []) == 0
        assert await other.discard(scope, values) == 2
        assert await store.listed(scope, clock.now() + timedelta(days=1), None, 10) == [anew]
        assert await store.discard(scope, values) == 0

    async def test_what_is_put_in_its_place_replaces_it(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        await store.put(scope, [sealed(CARD, clock, index=INDEX), sealed(OWNER, clock)])
        anew = sealed(CARD, clock, message=b"anew", number=2, index=OTHER_INDEX)
        await store.put(scope, [anew])
        assert await store.get(scope, [CARD, OWNER]) == {CARD: anew, OWNER: sealed(OWNER, clock)}
        assert await store.find(scope, CARD.table, CARD.column, [INDEX], 10) == []
        assert await store.find(scope, CARD.table, CARD.column, [OTHER_INDEX], 10) == [CARD.record]

    async def test_a_field_has_one_value_whatever_schema_it_is_of(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        await store.put(scope, [sealed(CARD, clock)])
        later = evolve(CARD, schema=2)
        assert await store.get(scope, [later]) == {later: sealed(CARD, clock)}
        anew = sealed(later, clock, message=b"anew")
        assert await store.replace(scope, sealed(CARD, clock), anew)
        assert await store.get(scope, [CARD]) == {CARD: anew}
        await store.put(scope, [sealed(CARD, clock)])
        assert await store.get(scope, [later]) == {later: sealed(CARD, clock)}
        with pytest.raises(ValueError, match="same field"):
            await store.put(scope, [sealed(CARD, clock), anew])

    async def test_values_are_put_all_or_none(
        self, protected_stores: tuple[ProtectedStore, ProtectedStore], scope: Scope, clock: Clock
    ) -> None:
        places = [Place("payment_methods", column, "pm_1") for column in ("email", "name", "pan", "phone")]
        puts = [
            protected_stores[turn % 2].put(
                scope, [sealed(place, clock, message=b"%d" % turn) for place in places[:: 1 - turn % 2 * 2]]
            )
            for turn in range(12)
        ]
        await asyncio.gather(*puts)
        found = await protected_stores[0].get(scope, places)
        assert len(found) == 4
        assert len({value.message for value in found.values()}) == 1

    async def test_records_are_found_by_any_of_several_indexes(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        for record, index in (("pm_3", INDEX), ("pm_1", INDEX), ("pm_2", OTHER_INDEX), ("pm_4", b"x" * 32)):
            await store.put(scope, [sealed(evolve(CARD, record=record), clock, index=index)])
        await store.put(
            scope, [sealed(OWNER, clock, index=INDEX), sealed(evolve(CARD, record="pm_5"), clock)]
        )
        found = await store.find(scope, CARD.table, CARD.column, [INDEX, OTHER_INDEX], 10)
        assert found == ["pm_1", "pm_2", "pm_3"]
        assert await store.find(scope, CARD.table, CARD.column, [INDEX, OTHER_INDEX], 2) == ["pm_1", "pm_2"]
        assert await store.find(scope, CARD.table, CARD.column, [INDEX, INDEX], 10) == ["pm_1", "pm_3"]
        assert await store.find(scope, CARD.table, CARD.column, [], 10) == []
        assert await store.find(scope, "other", CARD.column, [INDEX], 10) == []
        assert await store.find(scope, CARD.table, OWNER.column, [INDEX], 10) == [OWNER.record]

    async def test_a_record_is_removed_with_all_its_fields(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        elsewhere = Place("bank_accounts", "number", CARD.record)
        another = evolve(CARD, record="pm_2")
        values = [sealed(place, clock, index=INDEX) for place in (CARD, OWNER, elsewhere, another)]
        await store.put(scope, values)
        await store.quarantine(scope, values[1], clock.now())
        assert await store.remove(scope, CARD.table, CARD.record) == 2
        assert await store.remove(scope, CARD.table, CARD.record) == 0
        assert (await store.get(scope, [CARD, OWNER, elsewhere, another])).keys() == {elsewhere, another}
        assert await store.find(scope, CARD.table, CARD.column, [INDEX], 10) == ["pm_2"]

    async def test_what_is_of_older_versions_is_listed_oldest_version_first(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        numbers = {"pm_1": 2, "pm_2": 1, "pm_3": 3, "pm_4": 1}
        values = [sealed(evolve(CARD, record=record), clock, number=n) for record, n in numbers.items()]
        await store.put(scope, values)
        assert await store.counts(scope) == {1: 2, 2: 1, 3: 1}
        assert await store.older(scope, 3, 10) == [values[1], values[3], values[0]]
        assert await store.older(scope, 3, 2) == [values[1], values[3]]
        assert await store.older(scope, 1, 10) == []

    async def test_one_is_replaced_only_as_it_was_read(
        self, store: ProtectedStore, other: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        before = sealed(CARD, clock, index=INDEX)
        anew = sealed(CARD, clock, message=b"anew", number=2, index=OTHER_INDEX)
        assert not await store.replace(scope, before, anew)
        await store.put(scope, [before])
        assert await store.replace(scope, before, anew)
        assert await other.get(scope, [CARD]) == {CARD: anew}
        assert not await other.replace(scope, before, anew)
        assert await other.counts(scope) == {2: 1}
        assert await store.find(scope, CARD.table, CARD.column, [INDEX], 10) == []
        with pytest.raises(ValueError, match="same field"):
            await store.replace(scope, anew, evolve(anew, place=OWNER))

    async def test_of_many_who_replace_one_value_one_does(
        self, protected_stores: tuple[ProtectedStore, ProtectedStore], scope: Scope, clock: Clock
    ) -> None:
        before = sealed(CARD, clock)
        await protected_stores[0].put(scope, [before])
        wishes = [sealed(CARD, clock, message=b"%d" % turn, number=2) for turn in range(10)]
        replaces = [
            protected_stores[turn % 2].replace(scope, before, wish) for turn, wish in enumerate(wishes)
        ]
        done = await asyncio.gather(*replaces)
        assert done.count(True) == 1
        assert await protected_stores[0].get(scope, [CARD]) == {CARD: wishes[done.index(True)]}

    async def test_what_is_set_apart_is_left_out_until_something_else_is_put_there(
        self, store: ProtectedStore, other: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        forged, owner = sealed(CARD, clock, index=INDEX), sealed(OWNER, clock)
        await store.put(scope, [forged, owner])
        assert await store.quarantine(scope, forged, clock.now())
        assert not await other.quarantine(scope, forged, clock.now() + timedelta(days=1))
        assert await other.get(scope, [CARD, OWNER]) == {OWNER: owner}
        assert await other.find(scope, CARD.table, CARD.column, [INDEX], 10) == []
        assert await other.older(scope, 9, 10) == [owner]
        assert await other.counts(scope) == {1: 1}
        anew = sealed(CARD, clock, message=b"anew", index=INDEX)
        assert not await other.replace(scope, forged, anew)
        await store.put(scope, [anew])
        assert await other.get(scope, [CARD]) == {CARD: anew}
        assert await other.find(scope, CARD.table, CARD.column, [INDEX], 10) == [CARD.record]

    async def test_what_is_set_apart_is_listed_and_released_as_it_was(
        self, store: ProtectedStore, other: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        records = ("pm_2", "pm_1", "pm_3")
        values = [sealed(evolve(CARD, record=record), clock, index=INDEX) for record in records]
        await store.put(scope, values)
        assert not await store.release(scope, values[0])
        for value in values:
            assert await store.quarantine(scope, value, clock.now())
        ordered = [values[1], values[0], values[2]]
        assert await other.quarantined(scope, None, 10) == ordered
        assert await other.quarantined(scope, None, 2) == ordered[:2]
        assert await other.quarantined(scope, ordered[0].place, 10) == ordered[1:]
        assert await other.quarantined(Scope(scope.merchant, livemode=True), None, 10) == []
        assert await other.release(scope, values[0])
        assert not await store.release(scope, values[0])
        assert not await store.release(scope, sealed(values[1].place, clock, message=b"another"))
        assert await store.get(scope, [each.place for each in values]) == {values[0].place: values[0]}
        assert await store.find(scope, CARD.table, CARD.column, [INDEX], 10) == ["pm_2"]
        assert await store.quarantined(scope, None, 10) == [values[1], values[2]]

    async def test_what_was_sealed_anew_meanwhile_is_not_set_apart(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        before, anew = sealed(CARD, clock), sealed(CARD, clock, message=b"anew", number=2)
        await store.put(scope, [before])
        await store.replace(scope, before, anew)
        assert not await store.quarantine(scope, before, clock.now())
        assert await store.get(scope, [CARD]) == {CARD: anew}

    async def test_what_is_asked_for_has_a_limit(
        self, store: ProtectedStore, scope: Scope, clock: Clock
    ) -> None:
        many = [evolve(CARD, record=f"pm_{number}") for number in range(GOT_MAX + 1)]
        with pytest.raises(ValueError, match="put at once"):
            await store.put(scope, [sealed(place, clock) for place in many[: PUT_MAX + 1]])
        with pytest.raises(ValueError, match="looked at at once"):
            await store.get(scope, many)
        with pytest.raises(ValueError, match="looked for at once"):
            await store.find(scope, CARD.table, CARD.column, [bytes(32)] * (INDEXES_MAX + 1), 1)
        for limit in (-1, LISTED_MAX + 1):
            with pytest.raises(ValueError, match="found at once"):
                await store.find(scope, CARD.table, CARD.column, [], limit)
            with pytest.raises(ValueError, match="listed at once"):
                await store.older(scope, 9, limit)
        await store.put(scope, [sealed(place, clock) for place in many[:PUT_MAX]])
        assert len(await store.get(scope, many[:GOT_MAX])) == PUT_MAX


def sealed(
    place: Place, clock: Clock, *, message: bytes = b"sealed", number: int = 1, index: bytes | None = None
) -> SealedValue:
    """A value in its place. The store does not know what a sealed message is."""
    return SealedValue(place=place, number=number, message=message, index=index, put_at=clock.now())
