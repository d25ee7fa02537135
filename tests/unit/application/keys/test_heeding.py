"""What the bank orders, the vault heeds: from the signed order to a merchant's keys in memory."""

from datetime import timedelta

import pytest

from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkStatus
from fintech.domain.keys.orders import OrderAction, Subject
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Success
from fintech.domain.scope import Scope
from fintech.ports.key_table import RootKey
from fintech.ports.key_vault import Lease
from tests.unit.application.keys.bank import Bank, other_shop
from tests.unit.domain.keys.samples import CMK, HOUR, SHOP

NAME = Place("customers", "name", "cus_1")
SUSPEND, RESTORE, REVOKE, SHRED = OrderAction
#: When every process has looked at the key table again.
LOOKED = timedelta(seconds=2)


@pytest.fixture
async def bank() -> Bank:
    """One whose merchant has books, and keys from its first use on."""
    bank = Bank()
    await bank.opens(keys=False)
    await bank.table.save_root_key(
        RootKey(cmk=CMK, status=CmkStatus.ENABLED, custody_open=True, authorised_at=None)
    )
    return bank


async def lent(bank: Bank, scope: Scope = SHOP) -> Lease:
    return (await bank.vault.lease(scope)).unwrap()


async def refused(bank: Bank, scope: Scope = SHOP) -> CustodyReason:
    outcome = await bank.vault.lease(scope)
    assert isinstance(outcome, Failure)
    return outcome.failure().reason


async def test_an_order_takes_back_what_is_lent(bank: Bank) -> None:
    lease = await lent(bank)
    message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    await bank.orders(1, SUSPEND)
    bank.clock.advance(LOOKED)
    assert await refused(bank) is CustodyReason.REVOKED
    assert lease.open(KeyPurpose.PII, NAME, message) == Failure(CustodyRefused(CustodyReason.REVOKED))
    await bank.orders(2, RESTORE)
    bank.clock.advance(LOOKED)
    assert (await lent(bank)).open(KeyPurpose.PII, NAME, message) == Success(b"Ada")


async def test_another_merchant_notices_nothing(bank: Bank) -> None:
    other = other_shop("n")
    await bank.opens(other, keys=False)
    lease = await lent(bank, other)
    message = lease.seal(KeyPurpose.PII, NAME, b"Ada")
    await bank.orders(1, REVOKE)
    bank.clock.advance(LOOKED)
    assert await refused(bank) is CustodyReason.REVOKED
    assert lease.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")


@pytest.mark.parametrize(
    ("subject", "reason"), [(SHOP, CustodyReason.REVOKED), (CMK, CustodyReason.SUSPENDED)]
)
async def test_what_was_suspended_before_it_had_keys_has_its_first_when_it_is_restored(
    bank: Bank, subject: Subject, reason: CustodyReason
) -> None:
    await bank.orders(1, SUSPEND, subject)
    assert await refused(bank) is reason
    assert bank.root.calls["create"] == 0
    await bank.orders(2, RESTORE, subject)
    bank.clock.advance(LOOKED)
    assert (await lent(bank)).number == 1
    assert bank.root.calls["create"] == 1


async def test_broken_glass_opens_what_was_revoked_and_shuts_it_again(bank: Bank) -> None:
    message = (await lent(bank)).seal(KeyPurpose.PII, NAME, b"Ada")
    await bank.orders(1, REVOKE)
    bank.clock.advance(LOOKED)
    assert await refused(bank) is CustodyReason.REVOKED
    until = (await bank.breaks(2, within=HOUR / 60)).unwrap().value.request.until
    bank.clock.advance(LOOKED)
    lease = await lent(bank)
    assert lease.open(KeyPurpose.PII, NAME, message) == Success(b"Ada")
    assert lease.ends_at == until
    bank.clock.advance(until - bank.clock.now())
    assert isinstance(lease.open(KeyPurpose.PII, NAME, message), Failure)
    assert await refused(bank) is CustodyReason.REVOKED


async def test_glass_that_is_broken_where_there_was_never_a_key_opens_nothing(bank: Bank) -> None:
    await bank.orders(1, SUSPEND)
    await bank.breaks(2)
    assert await refused(bank) is CustodyReason.REVOKED


async def test_what_is_shredded_is_gone(bank: Bank) -> None:
    message = (await lent(bank)).seal(KeyPurpose.PII, NAME, b"Ada")
    await bank.orders(1, SHRED)
    assert await refused(bank) is CustodyReason.DESTROYED
    bank.clock.advance(LOOKED)
    assert await refused(bank) is CustodyReason.DESTROYED
    assert not any(key.wrapped for key in (await bank.ring()).keys)
    assert message


async def test_a_suspended_root_key_stops_all_that_hang_from_it(bank: Bank) -> None:
    shops = [Scope(MerchantId("acct_" + letter * 24), livemode=True) for letter in "abc"]
    for shop in shops:
        await bank.opens(shop, keys=False)
        await lent(bank, shop)
    await bank.orders(1, SUSPEND, CMK)
    bank.clock.advance(LOOKED)
    assert {await refused(bank, shop) for shop in shops} == {CustodyReason.SUSPENDED}
    await bank.orders(2, RESTORE, CMK)
    bank.clock.advance(LOOKED)
    for shop in shops:
        await lent(bank, shop)
