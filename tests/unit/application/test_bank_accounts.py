"""Bank accounts: well formed, one of them the default, and no way around the cool-off."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fintech.application.commits import NotFound
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.bank_accounts import (
    BANK_ACCOUNTS_MAX,
    AccountDetails,
    BankAccount,
    BankAccountFault,
    DefaultAccount,
)
from fintech.domain.events import EventType
from fintech.domain.ids import BankAccountId, MerchantId
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.metadata import METADATA_KEYS_MAX, TooManyKeys
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import CurrencyNotSupported, TooMany
from fintech.domain.scope import Scope
from fintech.ports.queries import Page
from tests.unit.application.shop import PLAIN, Shop, value

GOOD = {"holder": "Kiosk Pty Ltd", "bsb": "062-000", "number": "000123456", "currency": Currency.AUD}
NOWHERE = BankAccountId("ba_" + "z" * 24)


async def try_add(shop: Shop, **more: Any) -> Any:
    request = more.pop("request", PLAIN)
    return await shop.core.add_bank_account()(request, shop.scope, **{**GOOD, **more})


async def add(shop: Shop, **more: Any) -> BankAccount:
    account: BankAccount = value(await try_add(shop, **more))
    return account


async def settings(shop: Shop) -> BalanceSettings:
    found = await shop.core.store().balance_settings(shop.scope)
    assert found is not None
    return found


async def accounts(shop: Shop) -> list[BankAccountId]:
    listed = await shop.core.queries().bank_accounts(shop.scope, Page(limit=100))
    return [account.id for account in listed.items]


async def test_the_first_account_is_the_default_whatever_is_said(shop: Shop) -> None:
    first = await add(shop, default=False, metadata=(("a", "1"),))
    assert (first.bsb, first.last4, first.metadata) == ("062000", "3456", (("a", "1"),))
    assert await shop.core.store().bank_account(shop.scope, first.id) == first
    found = await settings(shop)
    assert (found.destination, found.destination_since) == (first.id, None)
    second = await add(shop)
    assert (await settings(shop)).destination == first.id
    third = await add(shop, default=True)
    found = await settings(shop)
    assert (found.destination, found.destination_since) == (third.id, shop.clock.now())
    assert await accounts(shop) == [third.id, second.id, first.id]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("holder", ""),
        ("holder", "   "),
        ("holder", "a\nb"),
        ("holder", "x" * 141),
        ("bsb", "91234"),
        ("bsb", "0620000"),
        ("bsb", "06-2000"),
        ("bsb", "06200a"),
        ("bsb", "٠٦٢٠٠٠"),
        ("number", ""),
        ("number", "1234567890"),
        ("number", "12 34"),
        ("number", "١٢٣"),
    ],
)
async def test_details_that_are_not_well_formed_are_refused_by_name_and_not_repeated(
    shop: Shop, field: str, text: str
) -> None:
    refused = await try_add(shop, **{field: text})
    assert isinstance(refused, Failure)
    fault = refused.failure()
    assert isinstance(fault, BankAccountFault)
    assert fault.field == field
    assert not text.strip() or text not in repr(fault)
    assert await accounts(shop) == []


async def test_nobodys_details_are_in_a_repr(shop: Shop) -> None:
    shown = repr(await add(shop))
    assert "Kiosk" not in shown
    assert "123456" not in shown


async def test_an_account_is_in_the_currency_of_the_books(shop: Shop) -> None:
    assert await try_add(shop, currency=Currency.NZD) == Failure(CurrencyNotSupported("AUD"))


async def test_there_are_so_many_accounts_and_no_more(shop: Shop) -> None:
    for _ in range(BANK_ACCOUNTS_MAX):
        await add(shop)
    assert await try_add(shop) == Failure(TooMany("bank_accounts", BANK_ACCOUNTS_MAX))
    last, *_ = await accounts(shop)
    await shop.core.remove_bank_account()(PLAIN, shop.scope, last)
    await add(shop)


async def test_of_accounts_added_at_once_one_is_the_default(shop: Shop) -> None:
    added = await asyncio.gather(*(try_add(shop) for _ in range(5)))
    found = await settings(shop)
    assert found.destination in {value(outcome).id for outcome in added}
    assert found.destination_since is None


async def test_the_default_is_handed_on(shop: Shop) -> None:
    first, second = await add(shop), await add(shop)
    update = shop.core.update_bank_account()
    assert await update(PLAIN, shop.scope, first.id, default=False) == Failure(DefaultAccount())
    shop.advance(hours=1)
    value(await update(PLAIN, shop.scope, second.id, default=True))
    found = await settings(shop)
    assert (found.destination, found.destination_since) == (second.id, shop.clock.now())
    shop.advance(hours=1)
    value(await update(PLAIN, shop.scope, second.id, default=True))
    assert (await settings(shop)).destination_since == shop.clock.now() - timedelta(hours=1)
    value(await update(PLAIN, shop.scope, first.id, default=False))


async def test_the_default_is_never_removed(shop: Shop) -> None:
    first = await add(shop)
    remove = shop.core.remove_bank_account()
    assert await remove(PLAIN, shop.scope, first.id) == Failure(DefaultAccount())
    await add(shop, default=True)
    removed = value(await remove(PLAIN, shop.scope, first.id))
    assert removed.removed_at == shop.clock.now()
    gone = Failure(NotFound("bank_account", first.id))
    assert await remove(PLAIN, shop.scope, first.id) == gone
    assert await shop.core.update_bank_account()(PLAIN, shop.scope, first.id, default=True) == gone
    assert first.id not in await accounts(shop)
    assert await shop.core.store().bank_account(shop.scope, first.id) == removed


async def test_an_account_that_is_removed_while_it_becomes_the_default_is_one_or_the_other(
    shop: Shop,
) -> None:
    await add(shop)
    for _ in range(5):
        other = await add(shop)
        await asyncio.gather(
            shop.core.remove_bank_account()(PLAIN, shop.scope, other.id),
            shop.core.update_bank_account()(PLAIN, shop.scope, other.id, default=True),
        )
        default = (await settings(shop)).destination
        assert default is not None
        found = await shop.core.store().bank_account(shop.scope, default)
        assert found is not None
        assert found.removed_at is None


async def test_metadata_is_merged(shop: Shop) -> None:
    account = await add(shop, metadata=(("a", "1"),))
    update = shop.core.update_bank_account()
    after = value(await update(PLAIN, shop.scope, account.id, metadata=(("a", ""), ("b", "2"))))
    assert after.metadata == (("b", "2"),)
    many = tuple((f"k{n}", "v") for n in range(METADATA_KEYS_MAX + 1))
    refused = Failure(TooManyKeys(METADATA_KEYS_MAX))
    assert await update(PLAIN, shop.scope, account.id, metadata=many) == refused
    assert await try_add(shop, metadata=many) == refused


async def test_the_same_request_again_is_answered_and_not_done(shop: Shop) -> None:
    request = shop.keyed("once")
    first = (await try_add(shop, request=request)).unwrap()
    again = (await try_add(shop, request=request)).unwrap()
    assert (first.replayed, again.replayed, again.value) == (False, True, first.value)
    await add(shop, default=True)
    remove, request = shop.core.remove_bank_account(), shop.keyed("twice")
    removed = (await remove(request, shop.scope, first.value.id)).unwrap()
    assert (await remove(request, shop.scope, first.value.id)).unwrap().value == removed.value


async def test_what_happened_is_told(shop: Shop) -> None:
    first = await add(shop)
    await add(shop, default=True)
    await shop.core.remove_bank_account()(PLAIN, shop.scope, first.id)
    events = (await shop.core.queries().events(shop.scope, Page(limit=10))).items
    assert [event.type for event in reversed(events)][1:] == [
        EventType.BANK_ACCOUNT_CREATED,
        EventType.BALANCE_SETTINGS_UPDATED,
        EventType.BANK_ACCOUNT_CREATED,
        EventType.BALANCE_SETTINGS_UPDATED,
        EventType.BANK_ACCOUNT_DELETED,
    ]


async def test_there_is_no_such_merchant_and_no_such_account(shop: Shop) -> None:
    nobody = Scope(MerchantId("acct_" + "z" * 24), livemode=False)
    refused = await shop.core.add_bank_account()(PLAIN, nobody, **GOOD)  # type: ignore[arg-type] # a table of keywords
    assert refused == Failure(NotFound("merchant", nobody.merchant))
    for use_case in (shop.core.update_bank_account(), shop.core.remove_bank_account()):
        assert await use_case(PLAIN, shop.scope, NOWHERE) == Failure(NotFound("bank_account", NOWHERE))


async def test_holder_and_number_are_sealed_and_nowhere_else(shop: Shop) -> None:
    account = await add(shop)
    opened = await shop.core.open_account()(shop.scope, account.id)
    assert opened == Success(AccountDetails(holder="Kiosk Pty Ltd", bsb="062000", number="000123456"))
    assert "123456" not in repr(opened)
    assert "Pty" not in repr(shop.store.memory)
    assert "123456" not in repr(shop.store.memory)
    assert await shop.core.read_holders()(shop.scope, (account,)) == {account.id: Success("Kiosk Pty Ltd")}


@pytest.mark.parametrize(
    ("number", "shown"),
    [("000123456", "3456"), ("12345678", "5678"), ("12345", "45"), ("12", "2"), ("7", "")],
)
async def test_of_a_short_number_not_more_than_half_is_shown(shop: Shop, number: str, shown: str) -> None:
    assert (await add(shop, number=number)).last4 == shown


async def test_the_same_account_has_the_same_fingerprint_for_good(shop: Shop) -> None:
    first, same = await add(shop), await add(shop, holder="K.")
    other = await add(shop, bsb="062-001")
    assert first.fingerprint == same.fingerprint != other.fingerprint
    await shop.vault.rotate(shop.scope, 1, 2)
    assert (await add(shop)).fingerprint == first.fingerprint


async def test_without_the_keys_none_is_added_and_the_others_can_be_dealt_with(shop: Shop) -> None:
    first, second = await add(shop, request=shop.keyed("k")), await add(shop)
    shop.vault.refusing[shop.scope] = CustodyReason.REVOKED
    refused = Failure(CustodyRefused(CustodyReason.REVOKED))
    assert await try_add(shop) == refused
    assert (await try_add(shop, request=shop.keyed("k"))).unwrap().replayed
    assert await shop.core.read_holders()(shop.scope, (first,)) == {first.id: refused}
    value(await shop.core.update_bank_account()(PLAIN, shop.scope, second.id, default=True))
    value(await shop.core.remove_bank_account()(PLAIN, shop.scope, first.id))


async def test_nothing_stays_sealed_of_an_account_that_was_not_added(shop: Shop) -> None:
    assert isinstance(await try_add(shop, currency=Currency.NZD), Failure)
    assert await shop.core.protected().counts(shop.scope) == {}
