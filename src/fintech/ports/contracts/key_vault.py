"""The promise of `KeyVault` and `Lease`, for every adapter's tests."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import SEALING, KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import LeaseEnded
from fintech.ports.id_source import IdSource
from fintech.ports.key_vault import KeyVault, Lease

Advance = Callable[[timedelta], None]

NAME = Place("customers", "name", "cus_1")
INTEGRITY = Failure(CustodyRefused(CustodyReason.INTEGRITY))
ENDED = Failure(CustodyRefused(CustodyReason.UNREACHABLE))


class KeyVaultContract:
    """Subclass it and provide the fixtures ``vaults`` (two that share what they hang from, as two processes do),
    ``clock`` (theirs), ``ids`` (an `IdSource`) and ``advance`` (moves the clock by a timedelta)."""

    @pytest.fixture
    def vault(self, vaults: tuple[KeyVault, KeyVault]) -> KeyVault:
        return vaults[0]

    @pytest.fixture
    def scope(self, ids: IdSource) -> Scope:
        return Scope(ids.new(MerchantId), livemode=True)

    async def test_what_is_sealed_is_opened(self, vault: KeyVault, scope: Scope) -> None:
        lease = await lent(vault, scope)
        for purpose in SEALING:
            for plaintext in (b"", b"Ada Lovelace", b"\x00" * 10_000):
                message = lease.seal(purpose, NAME, plaintext)
                assert len(message) == len(plaintext) + 104
                assert message != lease.seal(purpose, NAME, plaintext)
                assert lease.open(purpose, NAME, message) == Success(plaintext)

    async def test_a_lease_says_whose_it_is_what_it_opens_and_until_when(
        self, vault: KeyVault, scope: Scope, clock: Clock
    ) -> None:
        lease = await lent(vault, scope)
        assert isinstance(lease, Lease)
        assert lease.scope == scope
        assert (lease.number, lease.numbers) == (1, (1,))
        assert clock.now() < lease.ends_at <= clock.now() + timedelta(minutes=5)

    async def test_every_process_opens_what_another_one_sealed(
        self, vaults: tuple[KeyVault, KeyVault], scope: Scope
    ) -> None:
        first, second = [await lent(vault, scope) for vault in vaults]
        message = first.seal(KeyPurpose.PII, NAME, b"Ada")
        assert second.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")
        assert second.index("name", b"Ada") == first.index("name", b"Ada")

    async def test_processes_that_ask_at_once_for_a_new_merchant_are_lent_the_same_keys(
        self, vaults: tuple[KeyVault, KeyVault], ids: IdSource
    ) -> None:
        for _ in range(5):
            scope = Scope(ids.new(MerchantId), livemode=False)
            leases = await asyncio.gather(*(lent(vaults[number % 2], scope) for number in range(20)))
            assert len({lease.index("name", b"Ada") for lease in leases}) == 1

    @pytest.mark.parametrize(
        "elsewhere",
        [
            Place("customers", "name", "cus_2"),
            Place("customers", "email", "cus_1"),
            Place("owners", "name", "cus_1"),
            Place("customers", "name", "cus_1", schema=2),
        ],
    )
    async def test_what_is_moved_does_not_open(self, vault: KeyVault, scope: Scope, elsewhere: Place) -> None:
        lease = await lent(vault, scope)
        message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
        assert lease.open(KeyPurpose.PII, elsewhere, message) == INTEGRITY
        assert lease.open(KeyPurpose.PAN, NAME, message) == INTEGRITY

    async def test_another_merchants_and_the_other_modes_keys_are_others(
        self, vault: KeyVault, scope: Scope, ids: IdSource
    ) -> None:
        lease = await lent(vault, scope)
        message, index = lease.seal(KeyPurpose.PII, NAME, b"Ada"), lease.index("name", b"Ada")
        for other in (Scope(scope.merchant, livemode=False), Scope(ids.new(MerchantId), livemode=True)):
            theirs = await lent(vault, other)
            assert theirs.open(KeyPurpose.PII, NAME, message) == INTEGRITY
            assert theirs.index("name", b"Ada") != index

    async def test_a_damaged_message_does_not_open(self, vault: KeyVault, scope: Scope) -> None:
        lease = await lent(vault, scope)
        message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
        for damaged in (b"", message[:-1], message + b"\x00", message[:-1] + bytes([message[-1] ^ 1])):
            assert lease.open(KeyPurpose.PII, NAME, damaged) == INTEGRITY

    async def test_an_index_is_of_a_column_and_of_a_version(self, vault: KeyVault, scope: Scope) -> None:
        lease = await lent(vault, scope)
        assert lease.index("name", b"Ada") == lease.index("name", b"Ada", 1)
        assert lease.index("name", b"Ada") != lease.index("email", b"Ada")
        assert lease.index("name", b"Ada") != lease.index("name", b"ada")
        assert len(lease.index("name", b"")) == 32
        with pytest.raises(ValueError, match="version 2"):
            lease.index("name", b"Ada", 2)

    async def test_what_must_not_be_sealed_is_an_error(self, vault: KeyVault, scope: Scope) -> None:
        lease = await lent(vault, scope)
        with pytest.raises(ValueError, match="fingerprint"):
            lease.seal(KeyPurpose.FINGERPRINT, NAME, b"Ada")
        with pytest.raises(ValueError, match="at most"):
            lease.seal(KeyPurpose.PII, NAME, bytes((1 << 20) + 1))

    async def test_a_lease_ends_whether_it_is_used_or_not(
        self, vault: KeyVault, scope: Scope, ids: IdSource, clock: Clock, advance: Advance
    ) -> None:
        lease = await lent(vault, scope)
        message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
        tenth = (lease.ends_at - clock.now()) / 10
        for _ in range(9):
            advance(tenth)
            await lent(vault, Scope(ids.new(MerchantId), livemode=True))  # it is in touch with the bank
            assert lease.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")
        advance(lease.ends_at - clock.now())
        refuses(lease, message)
        assert (await lent(vault, scope)).open(KeyPurpose.PII, NAME, message) == Success(b"Ada")

    async def test_what_is_evicted_is_of_no_use_to_anybody_and_lent_anew(
        self, vault: KeyVault, ids: IdSource
    ) -> None:
        scopes = [Scope(ids.new(MerchantId), livemode=True) for _ in range(3)]
        leases = [await lent(vault, scope) for scope in scopes]
        messages = [lease.seal(KeyPurpose.PII, NAME, b"Ada") for lease in leases]
        await vault.evict(scopes[0])
        refuses(leases[0], messages[0])
        assert leases[1].open(KeyPurpose.PII, NAME, messages[1]) == Success(b"Ada")
        await vault.evict()
        for scope, lease, message in zip(scopes, leases, messages, strict=True):
            refuses(lease, message)
            assert (await lent(vault, scope)).open(KeyPurpose.PII, NAME, message) == Success(b"Ada")

    async def test_many_who_ask_at_once_are_one_load_and_then_hits(
        self, vault: KeyVault, scope: Scope
    ) -> None:
        await asyncio.gather(*(lent(vault, scope) for _ in range(200)))
        assert (vault.figures.loads, vault.figures.hits) == (1, 0)
        await lent(vault, scope)
        assert (vault.figures.loads, vault.figures.hits) == (1, 1)

    async def test_a_vault_that_lends_says_that_it_is_well(self, vault: KeyVault, scope: Scope) -> None:
        await lent(vault, scope)
        health = vault.health()
        assert (health.reason, health.leases) == (None, 1)
        assert health.look_age_s is not None
        assert [age for age in health.heartbeats_s.values() if age < 30]


async def lent(vault: KeyVault, scope: Scope) -> Lease:
    """A lease that there is."""
    return (await vault.lease(scope)).unwrap()


def refuses(lease: Lease, message: bytes) -> None:
    """A lease that has ended says so, whatever it is asked."""
    assert lease.refused() == ENDED.failure()
    assert lease.open(KeyPurpose.PII, NAME, message) == ENDED
    with pytest.raises(LeaseEnded) as sealing:
        lease.seal(KeyPurpose.PII, NAME, b"Ada")
    assert sealing.value.refused == ENDED.failure()
    with pytest.raises(LeaseEnded):
        lease.index("name", b"Ada")
    with pytest.raises(LeaseEnded):
        _ = lease.numbers
