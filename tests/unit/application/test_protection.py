"""What is sealed is opened for its own merchant and place only; who has no lease is refused before anything is done."""

from collections.abc import Mapping, Sequence

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.application import protection as module
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.ids import MerchantId
from fintech.domain.keys.columns import (
    BILLING_EMAIL,
    BILLING_NAME,
    CARD_NUMBER,
    COLUMNS,
    WEBHOOK_SECRET,
)
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.key_vault import Lease
from fintech.ports.protected_store import SealedValue
from tests.vaults import ScriptedVault

HERE = Scope(MerchantId("acct_" + "m" * 24), livemode=False)
ELSEWHERE = Scope(MerchantId("acct_" + "n" * 24), livemode=False)
INTEGRITY = Failure(CustodyRefused(CustodyReason.INTEGRITY))


@pytest.fixture
def vault() -> ScriptedVault:
    return ScriptedVault()


@pytest.fixture
def values() -> MemoryProtectedStore:
    return MemoryProtectedStore()


@pytest.fixture
def protection(vault: ScriptedVault, values: MemoryProtectedStore) -> Protection:
    touched = ResealTouched(protected=values)
    return Protection(vault=vault, values=values, clock=ManualClock(), touched=touched)


async def lent(protection: Protection, scope: Scope = HERE) -> Lease:
    return (await protection.lease(scope)).unwrap()


async def test_what_was_sealed_is_read_again(protection: Protection) -> None:
    await protection.keep(await lent(protection), "pm_1", {BILLING_NAME: b"Ada", BILLING_EMAIL: b"ada@b.co"})
    places = (BILLING_NAME.at("pm_1"), BILLING_EMAIL.at("pm_1"))
    assert await protection.read(HERE, places) == {
        places[0]: Success(b"Ada"),
        places[1]: Success(b"ada@b.co"),
    }


async def test_a_page_is_one_question_to_the_store(
    protection: Protection, values: MemoryProtectedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease, asked = await lent(protection), list[int]()
    for number in range(3):
        await protection.keep(lease, f"pm_{number}", {BILLING_NAME: b"Ada"})
    get = values.get

    async def counted(scope: Scope, places: Sequence[Place]) -> Mapping[Place, SealedValue]:
        asked.append(len(places))
        return await get(scope, places)

    monkeypatch.setattr(values, "get", counted)
    read = await protection.read(HERE, [BILLING_NAME.at(f"pm_{number}") for number in range(3)])
    assert (asked, set(read.values())) == ([3], {Success(b"Ada")})


async def test_nothing_is_asked_for_where_nothing_is_sealed(
    protection: Protection, vault: ScriptedVault
) -> None:
    vault.refusing[HERE] = CustodyReason.REVOKED
    assert await protection.read(HERE, ()) == {}


@pytest.mark.parametrize("reason", CustodyReason)
async def test_without_a_lease_everything_is_refused_for_its_reason(
    protection: Protection, vault: ScriptedVault, reason: CustodyReason
) -> None:
    vault.refusing[HERE] = reason
    refused = Failure(CustodyRefused(reason))
    assert await protection.lease(HERE) == refused
    assert await protection.read_one(HERE, BILLING_NAME.at("pm_1")) == refused
    assert isinstance(await protection.lease(ELSEWHERE), Success)


async def test_what_was_moved_does_not_open_and_is_looked_at_no_more(
    protection: Protection, values: MemoryProtectedStore
) -> None:
    await protection.keep(await lent(protection), "pm_1", {BILLING_NAME: b"Ada"})
    there, elsewhere = BILLING_NAME.at("pm_1"), BILLING_NAME.at("pm_2")
    sealed = (await values.get(HERE, (there,)))[there]
    moved = SealedValue(place=elsewhere, number=1, message=sealed.message, put_at=sealed.put_at)
    await values.put(HERE, (moved,))
    assert await protection.read_one(HERE, elsewhere) == INTEGRITY
    assert await values.get(HERE, (there, elsewhere)) == {there: sealed}
    assert await protection.read_one(HERE, elsewhere) == INTEGRITY
    await values.put(ELSEWHERE, (sealed,))
    assert await protection.read_one(ELSEWHERE, there) == INTEGRITY
    assert await protection.read_one(HERE, there) == Success(b"Ada")


async def test_a_lease_that_is_older_than_what_was_sealed_is_taken_anew(
    protection: Protection, vault: ScriptedVault
) -> None:
    old = await lent(protection)
    newer = ScriptedVault()
    newer.versions[HERE] = (1, 2)
    sealing = evolve(protection, vault=newer)
    await sealing.keep(await lent(sealing), "pm_1", {BILLING_NAME: b"Ada"})
    vault.versions[HERE] = (1, 2)
    assert old.numbers == (1,)
    assert await protection.read_one(HERE, BILLING_NAME.at("pm_1")) == Success(b"Ada")
    assert (vault.renewals, vault.evictions) == (1, 0)  # nobody else's lease has ended with it


async def test_what_no_version_has_sealed_takes_no_lease_anew(
    protection: Protection, vault: ScriptedVault, values: MemoryProtectedStore
) -> None:
    vault.versions[HERE] = (2, 3)
    await protection.keep(await lent(protection), "pm_1", {BILLING_NAME: b"Ada"})
    there = BILLING_NAME.at("pm_1")
    sealed = (await values.get(HERE, (there,)))[there]
    await values.put(HERE, (evolve(sealed, number=1, message=b"of a version that is gone"),))
    assert await protection.read_one(HERE, there) == INTEGRITY
    assert (vault.renewals, vault.evictions) == (0, 0)


async def test_a_value_is_found_by_every_version_that_opens(
    protection: Protection, vault: ScriptedVault
) -> None:
    await protection.keep(await lent(protection), "pm_1", {CARD_NUMBER: b"4242424242424242"})
    await protection.keep(await lent(protection, ELSEWHERE), "pm_2", {CARD_NUMBER: b"4242424242424242"})
    vault.versions[HERE] = (1, 2)
    await vault.evict(HERE)
    lease = await lent(protection)
    await protection.keep(lease, "pm_3", {CARD_NUMBER: b"4242424242424242"})
    await protection.keep(lease, "pm_4", {CARD_NUMBER: b"5555555555554444"})
    assert await protection.find(lease, CARD_NUMBER, b"4242424242424242") == ["pm_1", "pm_3"]


async def test_who_looks_for_an_address_need_not_spell_it_as_its_owner_does(protection: Protection) -> None:
    lease = await lent(protection)
    await protection.keep(lease, "pm_1", {BILLING_EMAIL: "Ada@Müller.example".encode()})
    assert await protection.find(lease, BILLING_EMAIL, "ada@müller.EXAMPLE ".encode()) == ["pm_1"]
    assert await protection.find(lease, BILLING_EMAIL, b"ad@muller.example") == []


async def test_what_has_no_index_cannot_be_looked_for(protection: Protection) -> None:
    with pytest.raises(ValueError, match="no index"):
        await protection.find(await lent(protection), BILLING_NAME, b"Ada")


async def test_what_is_forgotten_is_gone(protection: Protection, values: MemoryProtectedStore) -> None:
    await protection.keep(await lent(protection), "pm_1", {BILLING_NAME: b"Ada", BILLING_EMAIL: b"a@b.co"})
    await protection.forget(HERE, BILLING_NAME, "pm_1")
    assert await protection.read_one(HERE, BILLING_NAME.at("pm_1")) == INTEGRITY
    assert await values.counts(HERE) == {}


async def test_nothing_readable_is_put_away(protection: Protection, values: MemoryProtectedStore) -> None:
    await protection.keep(await lent(protection), "pm_1", {BILLING_NAME: b"Ada Lovelace"})
    kept = (await values.get(HERE, (BILLING_NAME.at("pm_1"),)))[BILLING_NAME.at("pm_1")]
    assert b"Ada" not in kept.message
    assert "Ada" not in repr(kept)


def test_what_may_never_be_kept_has_no_column() -> None:
    names = {name for _, name in COLUMNS}
    assert not [name for name in names for word in ("cv", "csc", "track", "pin", "code") if word in name]


def test_each_column_is_of_its_table_and_purpose() -> None:
    assert {key: (column.table, column.name) for key, column in COLUMNS.items()} == {
        key: key for key in COLUMNS
    }
    assert WEBHOOK_SECRET.at("we_1.1") == Place("webhook_endpoints", "secret", "we_1.1")
    assert len({column.index_name for column in COLUMNS.values()}) == len(COLUMNS)


async def test_more_places_than_are_looked_at_once_are_all_read(
    protection: Protection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GOT_MAX", 2)
    lease = await lent(protection)
    for number in range(5):
        await protection.keep(lease, f"pm_{number}", {BILLING_NAME: b"Ada"})
    read = await protection.read(HERE, [BILLING_NAME.at(f"pm_{number}") for number in range(5)])
    assert list(read.values()) == [Success(b"Ada")] * 5


async def test_a_value_is_opened_as_what_it_was_sealed_as(
    protection: Protection, values: MemoryProtectedStore
) -> None:
    """Its schema is the one that is kept with it, and nobody can make it another one."""
    lease, asked = await lent(protection), BILLING_NAME.at("pm_1")
    place = evolve(asked, schema=2)
    message = lease.seal(BILLING_NAME.purpose, place, b"Ada")
    sealed = SealedValue(place=place, number=1, message=message, put_at=protection.clock.now())
    await values.put(HERE, (sealed,))
    assert await protection.read_one(HERE, asked) == Success(b"Ada")
    await values.put(HERE, (evolve(sealed, place=evolve(asked, schema=3)),))
    assert await protection.read_one(HERE, asked) == INTEGRITY
