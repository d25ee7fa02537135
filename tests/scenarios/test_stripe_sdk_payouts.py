"""The official SDK, paid out: bank accounts, schedules, payouts and what they pay for."""

from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import stripe

from fintech.adapters.memory.clock import ManualClock
from fintech.entrypoints import profiles
from tests.scenarios.test_stripe_sdk import Sdk, client_of, pay
from tests.unit.entrypoints.http.driving import OFFICER, Served, driving, served_in_thread

DETAILS: Any = {
    "object": "bank_account",
    "country": "AU",
    "currency": "aud",
    "account_holder_name": "Kiosk Pty Ltd",
    "routing_number": "110000",
    "account_number": "000123456",
}


@pytest.fixture
def served() -> Iterator[Served]:
    """A server in a thread, since this SDK blocks."""
    with served_in_thread() as served:
        yield served


@pytest.fixture
def sdk(served: Served) -> Iterator[Sdk]:
    """The SDK of a shop in test mode."""
    http = stripe.RequestsClient()
    yield client_of(served.url, served.shop.secret, http_client=http)
    http.close()


@pytest.fixture
def account(served: Served, sdk: Sdk) -> Any:
    """A bank account of the shop."""
    return add(served, sdk)


def add(served: Served, sdk: Sdk, number: str = "000123456", **terms: Any) -> Any:
    """A bank account whose number says what becomes of payouts."""
    form: Any = {"external_account": {**DETAILS, "account_number": number}, **terms}
    return sdk.v1.accounts.external_accounts.create(served.shop.scope.merchant, form)


def settle(served: Served) -> None:
    """The bank has paid for everything."""
    served.run(served.core.settle_merchant()(OFFICER, served.shop.scope, date(2030, 1, 1))).unwrap()


def let_pass(served: Served, span: timedelta) -> None:
    """The server's clock is moved by hand."""
    clock = served.core.clock()
    assert isinstance(clock, ManualClock)
    clock.advance(span)


def wait(served: Served) -> None:
    """Time passes, and the sweeper looks after what is due."""
    for _ in range(3):
        let_pass(served, timedelta(seconds=5))
        served.run(served.core.sweep()())


def test_a_payout_from_its_making_to_its_arrival(served: Served, sdk: Sdk, account: Any) -> None:
    pay(sdk, 100_000)
    settle(served)
    payout = sdk.v1.payouts.create(
        {"amount": 60_000, "currency": "aud", "metadata": {"week": "47"}, "expand": ["destination"]}
    )
    assert (payout.status, payout.destination.last4, payout.automatic) == ("pending", "3456", False)
    assert sdk.v1.balance.retrieve().available[0].amount == 38_075
    wait(served)
    paid = sdk.v1.payouts.retrieve(payout.id, {"expand": ["balance_transaction"]})
    assert (paid.status, paid.balance_transaction.net) == ("paid", -60_000)
    assert paid.trace_id.status == "supported"
    assert sdk.v1.payouts.update(payout.id, {"metadata": {"week": ""}}).metadata.to_dict() == {}
    told = [(each.type, each.data.object.status) for each in sdk.v1.events.list({"type": "payout.*"})]
    assert told == [
        ("payout.updated", "paid"),
        ("payout.paid", "paid"),
        ("payout.updated", "in_transit"),
        ("payout.updated", "in_transit"),
        ("payout.created", "pending"),
    ]


def test_every_cent_of_a_payout_is_explained(served: Served, sdk: Sdk, account: Any) -> None:
    sales = [pay(sdk, amount) for amount in (10_000, 20_000, 30_000)]
    sdk.v1.refunds.create({"payment_intent": sales[0].id, "amount": 2_500})
    settle(served)
    first = sdk.v1.payouts.create({"amount": 25_000, "currency": "aud"})
    rest = sdk.v1.balance.retrieve().available[0].amount
    second = sdk.v1.payouts.create({"amount": rest, "currency": "aud"})
    for payout in (first, second):
        lines = list(sdk.v1.balance_transactions.list({"payout": payout.id, "limit": 2}).auto_paging_iter())
        assert lines[0].id == payout.balance_transaction
        assert (lines[0].source, lines[0].payout_amount) == (payout.id, -payout.amount)
        assert sum(line.payout_amount for line in lines) == 0
    every = [
        line
        for payout in (first, second)
        for line in sdk.v1.balance_transactions.list({"payout": payout.id, "limit": 100})
        if line.type != "payout"
    ]
    by_line: dict[str, int] = {}
    for line in every:
        by_line[line.id] = by_line.get(line.id, 0) + line.payout_amount
    assert by_line == {
        line.id: line.net for line in sdk.v1.balance_transactions.list() if line.type != "payout"
    }


def test_money_before_the_bank_has_settled_it(served: Served, sdk: Sdk, account: Any) -> None:
    pay(sdk, 100_000)
    [instant] = sdk.v1.balance.retrieve().instant_available
    [net] = instant.net_available
    assert (instant.amount, net.amount, net.destination) == (78_460, 77_186, account.id)
    payout = sdk.v1.payouts.create(
        {"amount": 50_000, "currency": "aud", "method": "instant", "expand": ["balance_transaction"]}
    )
    assert (payout.status, payout.method) == ("paid", "instant")
    line = payout.balance_transaction
    assert (line.fee, [(each.type, each.amount) for each in line.fee_details]) == (
        825,
        [("stripe_fee", 750), ("tax", 75)],
    )
    lines = sdk.v1.balance_transactions.list({"payout": payout.id}).data
    assert [(each.type, each.payout_amount) for each in lines] == [("payout", -50_825), ("charge", 50_825)]
    settle(served)
    balance = sdk.v1.balance.retrieve()
    assert balance.available[0].amount + balance.pending[0].amount == 98_075 - 50_825


def test_one_that_comes_back_says_why(served: Served, sdk: Sdk) -> None:
    add(served, sdk, "000900011")
    pay(sdk, 100_000)
    settle(served)
    payout = sdk.v1.payouts.create({"amount": 60_000, "currency": "aud"})
    wait(served)
    wait(served)
    failed = sdk.v1.payouts.retrieve(payout.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_code) == ("failed", "incorrect_account_holder_name")
    assert failed.failure_message
    back = failed.failure_balance_transaction
    assert (back.type, back.net, back.source) == ("payout_failure", 60_000, payout.id)
    assert [each.type for each in sdk.v1.events.list({"type": "payout.failed"})] == ["payout.failed"]
    again = sdk.v1.payouts.create({"amount": 98_075, "currency": "aud"})
    paid_for = sdk.v1.balance_transactions.list({"payout": again.id}).data
    assert [(each.type, each.payout_amount) for each in paid_for] == [
        ("payout", -98_075),
        ("payout_failure", 60_000),
        ("charge", 38_075),
    ]


def test_cancel_and_reverse(served: Served, sdk: Sdk, account: Any) -> None:
    pay(sdk, 100_000)
    settle(served)
    canceled = sdk.v1.payouts.cancel(sdk.v1.payouts.create({"amount": 1_000, "currency": "aud"}).id)
    assert (canceled.status, canceled.object) == ("canceled", "payout")
    paid = sdk.v1.payouts.create({"amount": 2_000, "currency": "aud"})
    wait(served)
    reversal = sdk.v1.payouts.reverse(paid.id, {"metadata": {"why": "typo"}, "expand": ["original_payout"]})
    assert (reversal.amount, reversal.original_payout.reversed_by) == (-2_000, reversal.id)
    with pytest.raises(stripe.InvalidRequestError) as raised:
        sdk.v1.payouts.cancel(paid.id)
    assert raised.value.code == "payout_unexpected_state"


def test_bank_accounts_are_kept_chosen_and_removed(served: Served, sdk: Sdk, account: Any) -> None:
    accounts, me = sdk.v1.accounts.external_accounts, served.shop.scope.merchant
    other = add(served, sdk, "000900011", metadata={"who": "Ada"})
    assert [(each.id, each.default_for_currency) for each in accounts.list(me, {"limit": 5})] == [
        (other.id, False),
        (account.id, True),
    ]
    changed = accounts.update(me, other.id, {"default_for_currency": True, "metadata": {"who": ""}})
    assert (changed.default_for_currency, changed.metadata.to_dict()) == (True, {})
    gone = accounts.delete(me, account.id)
    assert (gone.id, gone.deleted) == (account.id, True)
    with pytest.raises(stripe.InvalidRequestError, match="No such external account"):
        accounts.retrieve(me, account.id)
    assert accounts.retrieve(me, other.id).last4 == "0011"
    with pytest.raises(stripe.InvalidRequestError) as wrong:
        accounts.create(me, {"external_account": {**DETAILS, "routing_number": "11"}})
    assert (wrong.value.code, wrong.value.param) == (
        "routing_number_invalid",
        "external_account[routing_number]",
    )


def test_payouts_by_the_calendar(served: Served, sdk: Sdk, account: Any) -> None:
    settings = sdk.v1.balance_settings
    assert settings.retrieve().payments.payouts.schedule.interval == "manual"
    schedule: Any = {"interval": "weekly", "weekly_payout_days": ["friday"]}
    changed = settings.update({"payments": {"payouts": {"schedule": schedule}}})
    assert changed.payments.payouts.schedule.weekly_payout_days == ["friday"]
    assert (changed.object, changed.payments.payouts.status) == ("balance_settings", "enabled")
    pay(sdk, 100_000)
    settle(served)
    let_pass(served, timedelta(days=7))
    served.run(served.core.sweep()())
    [payout] = sdk.v1.payouts.list().data
    assert (payout.automatic, payout.amount) == (True, 98_075)
    assert len(sdk.v1.balance_transactions.list({"payout": payout.id}).data) == 2


def test_what_is_refused_is_the_exception_that_it_was(served: Served, sdk: Sdk, account: Any) -> None:
    with pytest.raises(stripe.InvalidRequestError) as raised:
        sdk.v1.payouts.create({"amount": 60_000, "currency": "aud"})
    assert (raised.value.code, raised.value.param) == ("balance_insufficient", "amount")
    with pytest.raises(stripe.InvalidRequestError) as raised:
        sdk.v1.payouts.retrieve("po_nobody")
    assert raised.value.http_status == 404


@pytest.fixture
async def aio() -> AsyncIterator[tuple[Sdk, Any]]:
    """The SDK in this loop, against a server in this loop."""
    async with profiles.testing() as core, driving(core) as api:
        http = stripe.AIOHTTPClient(session=api.session)
        yield client_of(api.url, api.shop.secret, http_client=http), api


async def test_every_verb_asynchronously(aio: tuple[Sdk, Any]) -> None:
    sdk, api = aio
    me = api.shop.scope.merchant
    accounts, payouts = sdk.v1.accounts.external_accounts, sdk.v1.payouts
    account = await accounts.create_async(me, {"external_account": DETAILS})
    await accounts.update_async(me, account.id, {"metadata": {"a": "b"}})
    assert (await accounts.retrieve_async(me, account.id)).metadata["a"] == "b"
    other = await accounts.create_async(me, {"external_account": DETAILS})
    assert (await accounts.delete_async(me, other.id)).deleted is True
    assert len((await accounts.list_async(me)).data) == 1
    await api.settled(100_000)
    payout = await payouts.create_async({"amount": 1_000, "currency": "aud"})
    await payouts.update_async(payout.id, {"metadata": {"a": "b"}})
    assert (await payouts.cancel_async(payout.id)).status == "canceled"
    paid = await payouts.create_async({"amount": 1_000, "currency": "aud", "method": "instant"})
    assert (await payouts.reverse_async(paid.id)).original_payout == paid.id
    assert len((await payouts.list_async({"limit": 100})).data) == 3
    daily: Any = {"payments": {"payouts": {"schedule": {"interval": "daily"}}}}
    assert (await sdk.v1.balance_settings.update_async(daily)).payments.payouts.schedule.interval == "daily"
    assert (await sdk.v1.balance_settings.retrieve_async()).object == "balance_settings"
