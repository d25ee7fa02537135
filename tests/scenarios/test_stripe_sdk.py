"""The official SDK with another base address, and nothing else changed: its users are our conformance test."""

from collections.abc import AsyncIterator, Iterator
from datetime import date
from typing import Any, TypeAlias

import pytest
import stripe

from fintech.domain.cards import Advice, Decline, DeclineCode
from fintech.entrypoints import profiles
from fintech.entrypoints.http.settings import HttpSettings
from fintech.ports.errors import StoreUnavailable
from tests.unit.entrypoints.http.driving import OFFICER, Served, Shop, driving, open_shop, served_in_thread

VISA = "pm_card_visa"

#: A `StripeClient`. Its types say "or None" of nearly everything, which here would be an error that the test shows.
Sdk: TypeAlias = Any


def client_of(url: str, secret: str, **options: Any) -> Sdk:
    """The SDK as its users make it."""
    return stripe.StripeClient(secret, base_addresses={"api": url}, **options)


@pytest.fixture
def http() -> Iterator[stripe.HTTPClient]:
    """The SDK's own transport, closed when the test is over."""
    http = stripe.RequestsClient()
    yield http
    http.close()


@pytest.fixture
def served() -> Iterator[Served]:
    """A server in a thread, since this SDK blocks."""
    with served_in_thread() as served:
        yield served


@pytest.fixture
def sdk(served: Served, http: stripe.HTTPClient) -> Sdk:
    """The SDK of a shop in test mode."""
    return client_of(served.url, served.shop.secret, http_client=http)


def pay(sdk: Sdk, amount: int = 10_000, **terms: Any) -> Any:
    """A payment in one request."""
    form: Any = {"amount": amount, "currency": "aud", "payment_method": VISA, "confirm": True, **terms}
    return sdk.v1.payment_intents.create(form)


def test_a_payment_from_its_creation_to_its_refund(sdk: Sdk) -> None:
    intents = sdk.v1.payment_intents
    made = intents.create(
        {"amount": 2_500, "currency": "aud", "metadata": {"order": "7"}, "description": "two hats"}
    )
    assert (made.status, made.metadata["order"], made.object) == (
        "requires_payment_method",
        "7",
        "payment_intent",
    )
    updated = intents.update(made.id, {"metadata": {"order": "", "table": "9"}, "payment_method": VISA})
    assert (updated.status, updated.metadata.to_dict()) == ("requires_confirmation", {"table": "9"})
    paid = intents.confirm(made.id)
    assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", 2_500, None)
    assert intents.retrieve(made.id).to_dict() == paid.to_dict()
    assert isinstance(paid.latest_charge, str)
    charge = sdk.v1.charges.retrieve(paid.latest_charge)
    assert (charge.paid, charge.captured, charge.payment_intent) == (True, True, paid.id)
    assert charge.payment_method_details.card.last4 == "4242"
    assert charge.outcome.type == "authorized"
    refund = sdk.v1.refunds.create(
        {"payment_intent": paid.id, "amount": 500, "reason": "requested_by_customer"}
    )
    assert (refund.status, refund.charge, refund.currency) == ("succeeded", charge.id, "aud")
    assert sdk.v1.refunds.retrieve(refund.id).amount == 500
    noted = sdk.v1.refunds.update(refund.id, {"metadata": {"ticket": "7", "till": "2"}})
    assert noted.metadata.to_dict() == {"ticket": "7", "till": "2"}
    assert sdk.v1.refunds.update(refund.id, {"metadata": {"till": ""}}).metadata.to_dict() == {"ticket": "7"}
    assert sdk.v1.refunds.update(refund.id, {"metadata": ""}).metadata.to_dict() == {}
    assert [each.id for each in sdk.v1.refunds.list({"payment_intent": paid.id})] == [refund.id]


def test_a_hold_raised_captured_in_parts_or_given_up(sdk: Sdk) -> None:
    intents = sdk.v1.payment_intents
    held = pay(sdk, 10_000, capture_method="manual")
    assert (held.status, held.amount_capturable) == ("requires_capture", 10_000)
    assert intents.increment_authorization(held.id, {"amount": 12_000}).amount_capturable == 12_000
    some = intents.capture(held.id, {"amount_to_capture": 4_000, "final_capture": False})
    assert (some.status, some.amount_received, some.amount_capturable) == ("requires_capture", 4_000, 8_000)
    rest = intents.capture(held.id, {"amount_to_capture": 3_000})
    assert (rest.status, rest.amount_received, rest.amount_capturable) == ("succeeded", 7_000, 0)
    gone = intents.cancel(pay(sdk, capture_method="manual").id, {"cancellation_reason": "abandoned"})
    assert (gone.status, gone.cancellation_reason) == ("canceled", "abandoned")


def test_a_card_is_kept_and_paid_with(sdk: Sdk) -> None:
    card: Any = {"number": "5555555555554444", "exp_month": 11, "exp_year": 2031, "cvc": "314"}
    kept = sdk.v1.payment_methods.create({"type": "card", "card": card, "metadata": {"who": "Ada"}})
    assert (kept.card.brand, kept.card.last4, kept.card.funding) == ("mastercard", "4444", "credit")
    assert pay(sdk, payment_method=kept.id).payment_method == kept.id
    assert [each.id for each in sdk.v1.payment_methods.list({"type": "card"})] == [kept.id]
    assert sdk.v1.payment_methods.retrieve(kept.id).metadata["who"] == "Ada"
    typed = sdk.v1.payment_intents.create(
        {"amount": 1_000, "currency": "aud", "payment_method_data": {"type": "card", "card": card}}
    )
    confirmed = sdk.v1.payment_intents.confirm(
        typed.id,
        {"payment_method_data": {"type": "card", "card": card}},
    )
    assert (confirmed.status, confirmed.payment_method != typed.payment_method) == ("succeeded", True)


def test_money_is_seen_from_pending_to_available(served: Served, sdk: Sdk) -> None:
    paid = pay(sdk, 100_000, expand=["latest_charge.balance_transaction"])
    line = paid.latest_charge.balance_transaction
    assert (line.amount, line.fee, line.net, line.status) == (100_000, 1_925, 98_075, "pending")
    assert [detail.type for detail in line.fee_details] == ["stripe_fee", "tax"]
    refund = sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 10_000})
    balance = sdk.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (88_075, 0)
    served.run(served.core.settle_merchant()(OFFICER, served.shop.scope, date(2026, 11, 30))).unwrap()
    balance = sdk.v1.balance.retrieve()
    assert (balance.pending[0].amount, balance.available[0].amount) == (0, 88_075)
    lines = sdk.v1.balance_transactions.list()
    assert [(each.type, each.net, each.status) for each in lines] == [
        ("refund", -10_000, "available"),
        ("charge", 98_075, "available"),
    ]
    [of_refund] = sdk.v1.balance_transactions.list({"source": refund.id}).data
    assert sdk.v1.balance_transactions.retrieve(
        of_refund.id, {"expand": ["source.charge"]}
    ).source.charge.id == (refund.charge)
    assert [each.type for each in sdk.v1.balance_transactions.list({"type": "charge"})] == ["charge"]


def test_a_decline_is_the_exception_that_it_was(sdk: Sdk) -> None:
    with pytest.raises(stripe.CardError) as raised:
        pay(sdk, payment_method="pm_card_chargeDeclinedInsufficientFunds")
    error: Any = raised.value
    assert (error.http_status, error.code, error.error.decline_code) == (
        402,
        "card_declined",
        "insufficient_funds",
    )
    assert error.request_id.startswith("req_")
    intent = error.error.payment_intent
    assert (intent.status, intent.last_payment_error.decline_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )
    assert (error.error.advice_code, error.error.network_decline_code) == ("try_again_later", "51")
    assert sdk.v1.charges.retrieve(error.error.charge).failure_code == "card_declined"
    again = sdk.v1.payment_intents.confirm(intent.id, {"payment_method": VISA})
    assert again.status == "succeeded"
    assert [charge.status for charge in sdk.v1.charges.list({"payment_intent": intent.id})] == [
        "succeeded",
        "failed",
    ]


def test_a_higher_amount_that_is_declined_says_why(
    served: Served, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def declines(*_: object) -> Decline:
        return Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51", advice=Advice.TRY_AGAIN_LATER)

    monkeypatch.setattr(served.core.acquirer(), "increment", declines)
    held = pay(sdk, 10_000, capture_method="manual")
    with pytest.raises(stripe.CardError) as raised:
        sdk.v1.payment_intents.increment_authorization(held.id, {"amount": 12_000})
    error: Any = raised.value.error
    assert (error.code, error.decline_code) == ("card_declined", "insufficient_funds")
    assert (error.network_decline_code, error.advice_code) == ("51", "try_again_later")
    assert error.payment_intent.amount_capturable == 10_000


def test_what_is_wrong_is_the_exception_that_it_was(served: Served, sdk: Sdk) -> None:
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        sdk.v1.payment_intents.create({"amount": 1, "currency": "aud", "colour": "red"})
    assert (unknown.value.http_status, unknown.value.code, unknown.value.param) == (
        400,
        "parameter_unknown",
        "colour",
    )
    with pytest.raises(stripe.InvalidRequestError) as missing:
        sdk.v1.payment_intents.retrieve("pi_nobody")
    assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError) as state:
        sdk.v1.payment_intents.capture(pay(sdk).id)
    intent: Any = state.value.error and state.value.error.payment_intent
    assert intent.status == "succeeded"
    with pytest.raises(stripe.AuthenticationError):
        client_of(served.url, "sk_test_nobody").v1.balance.retrieve()
    with pytest.raises(stripe.PermissionError):
        sdk.v1.balance.retrieve(options={"stripe_account": "acct_another"})


def test_a_repeat_is_done_once(sdk: Sdk) -> None:
    form: Any = {"amount": 1_000, "currency": "aud", "payment_method": VISA, "confirm": True}
    first = sdk.v1.payment_intents.create(form, {"idempotency_key": "order 7"})
    again = sdk.v1.payment_intents.create(form, {"idempotency_key": "order 7"})
    assert again.to_dict() == first.to_dict()
    assert first.last_response.idempotency_key == "order 7"
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.payment_intents.create(form | {"amount": 2_000}, {"idempotency_key": "order 7"})
    assert len(sdk.v1.payment_intents.list().data) == 1


def test_a_retry_of_the_sdk_meets_its_own_request(
    served: Served, http: stripe.HTTPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is lost as 503; the SDK asks again under the same key, and it is done once."""
    sdk = client_of(served.url, served.shop.secret, http_client=http, max_network_retries=2)
    store = served.core.store()
    find, failures = store.payment, iter([True, True])

    async def flaky(*asked: Any) -> Any:
        if next(failures, False):
            raise StoreUnavailable("no")
        return await find(*asked)

    paid = pay(sdk)
    monkeypatch.setattr(store, "payment", flaky)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)
    refund = sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 10})
    assert next(failures, False) is False
    assert refund.last_response.headers["Idempotency-Key"]
    assert len(sdk.v1.refunds.list().data) == 1


def test_pages_turn_themselves_both_ways(sdk: Sdk) -> None:
    intents = sdk.v1.payment_intents
    made = [intents.create({"amount": 100 + n, "currency": "aud"}).id for n in range(7)]
    newest = made[::-1]
    forward = intents.list({"limit": 3, "created": {"gt": 1}, "expand": ["data.payment_method"]})
    assert [each.id for each in forward.auto_paging_iter()] == newest
    backward = intents.list({"limit": 2, "ending_before": newest[-1]})
    assert [each.id for each in backward.auto_paging_iter()] == newest[:-1][::-1]
    assert [each.id for each in sdk.v1.events.list({"limit": 2}).auto_paging_iter()] == [
        each.id for each in sdk.v1.events.list({"limit": 100}).data
    ]


def test_what_happened_can_be_read(sdk: Sdk) -> None:
    paid = pay(sdk)
    [succeeded] = sdk.v1.events.list({"types": ["payment_intent.succeeded"]}).data
    assert succeeded.data.object["id"] == paid.id
    assert succeeded.request.id == paid.last_response.request_id
    assert succeeded.request.idempotency_key == paid.last_response.idempotency_key
    assert sdk.v1.events.retrieve(succeeded.id).type == "payment_intent.succeeded"
    assert len(sdk.v1.events.list({"type": "payment_intent.*"}).data) == 2


def test_an_event_has_the_object_that_its_type_promises(served: Served, sdk: Sdk) -> None:
    pay(sdk, 50_000)
    for method in (VISA, "pm_card_refundDeclined", "pm_card_refundFail"):
        paid = pay(sdk, 1_000, payment_method=method)
        refund = sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 100})
        sdk.v1.refunds.update(refund.id, {"metadata": {"ticket": "7"}})
    with pytest.raises(stripe.CardError):
        pay(sdk, payment_method="pm_card_chargeDeclined")
    sdk.v1.payment_intents.cancel(pay(sdk, capture_method="manual").id)
    served.run(served.core.sweep()())
    promised: dict[str, Any] = {
        "charge": stripe.Charge,
        "payment_intent": stripe.PaymentIntent,
        "refund": stripe.Refund,
        "account": stripe.Account,
    }
    events = list(sdk.v1.events.list({"limit": 100}).auto_paging_iter())
    told = {(each.type, type(each.data.object)) for each in events}
    assert {kind for kind, _ in told} >= {
        "charge.refunded",
        "charge.updated",
        "refund.failed",
        "refund.updated",
    }
    for kind, made in told:
        noun = kind.partition(".")[0]
        assert noun not in promised or made is promised[noun], kind
    failed = sdk.v1.events.list({"type": "refund.failed"}).data
    assert {each.data.object.failure_reason for each in failed} == {"declined", "expired_or_canceled_card"}
    for event in sdk.v1.events.list({"type": "charge.updated"}):
        assert (event.data.object.amount_refunded, event.data.object.refunded) == (0, False)


def test_everything_is_expanded_where_it_is_asked_for(sdk: Sdk) -> None:
    paid = pay(sdk, expand=["latest_charge.payment_intent.latest_charge", "payment_method"])
    assert paid.latest_charge.payment_intent.latest_charge.id == paid.latest_charge.id
    assert paid.payment_method.card.brand == "visa"
    refund = sdk.v1.refunds.create(
        {"payment_intent": paid.id, "amount": 10, "expand": ["charge", "payment_intent"]}
    )
    assert refund.charge.amount_refunded == 10
    [charge] = sdk.v1.charges.list({"expand": ["data.refunds", "data.balance_transaction"]}).data
    assert [each.id for each in charge.refunds.auto_paging_iter()] == [refund.id]
    with pytest.raises(stripe.InvalidRequestError):
        pay(sdk, expand=["customer"])


def test_shops_and_modes_are_worlds_apart(served: Served, sdk: Sdk, http: stripe.HTTPClient) -> None:
    paid = pay(sdk)
    other: Shop = served.run(open_shop(served.core, 2))
    live: Shop = served.run(open_shop(served.core, 1, livemode=True))
    for shop in (other, live):
        stranger = client_of(served.url, shop.secret, http_client=http)
        assert stranger.v1.payment_intents.list().data == []
        for ask in (stranger.v1.payment_intents.retrieve, stranger.v1.payment_intents.cancel):
            with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent"):
                ask(paid.id)
    assert client_of(served.url, live.secret, http_client=http).v1.balance.retrieve().livemode is True
    assert sdk.v1.accounts.retrieve_current().id == served.shop.scope.merchant


def test_the_old_style_works_too(
    served: Served, http: stripe.HTTPClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe, "api_base", served.url)
    monkeypatch.setattr(stripe, "api_key", served.shop.secret)
    monkeypatch.setattr(stripe, "default_http_client", http)
    intent = stripe.PaymentIntent.create(amount=1_000, currency="aud", payment_method=VISA, confirm=True)
    assert intent.status == "succeeded"
    assert stripe.Refund.create(payment_intent=intent.id, amount=100).status == "succeeded"
    assert len(list(stripe.Charge.list(limit=1).auto_paging_iter())) == 1


def test_too_many_requests_are_the_exception_that_they_were(http: stripe.HTTPClient) -> None:
    with served_in_thread(HttpSettings(requests_per_s=0.01, requests_burst=2)) as served:
        sdk = client_of(served.url, served.shop.secret, http_client=http)
        sdk.v1.balance.retrieve()
        sdk.v1.balance.retrieve()
        with pytest.raises(stripe.RateLimitError) as raised:
            sdk.v1.balance.retrieve()
    assert raised.value.http_status == 429


@pytest.fixture
async def aio() -> AsyncIterator[Sdk]:
    """The SDK in this loop, against a server in this loop."""
    async with profiles.testing() as core, driving(core) as api:
        http = stripe.AIOHTTPClient(session=api.session)
        yield client_of(api.url, api.shop.secret, http_client=http)


async def test_every_verb_asynchronously(aio: Sdk) -> None:
    intents = aio.v1.payment_intents
    made = await intents.create_async({"amount": 5_000, "currency": "aud", "capture_method": "manual"})
    await intents.update_async(made.id, {"description": "x", "payment_method": VISA})
    await intents.confirm_async(made.id)
    await intents.increment_authorization_async(made.id, {"amount": 6_000})
    captured = await intents.capture_async(made.id, {"amount_to_capture": 5_500})
    assert (captured.status, captured.amount_received) == ("succeeded", 5_500)
    other = await intents.create_async({"amount": 5_000, "currency": "aud"})
    assert (await intents.cancel_async(other.id)).status == "canceled"
    assert (await intents.retrieve_async(made.id)).id == made.id
    refund = await aio.v1.refunds.create_async({"payment_intent": made.id, "amount": 1})
    await aio.v1.refunds.update_async(refund.id, {"metadata": {"ticket": "7"}})
    assert (await aio.v1.refunds.retrieve_async(refund.id)).metadata["ticket"] == "7"
    assert (await aio.v1.balance.retrieve_async()).pending[0].amount > 0
    assert len((await aio.v1.balance_transactions.list_async()).data) == 2
    assert len((await aio.v1.charges.list_async({"payment_intent": made.id})).data) == 1
    assert [each.id async for each in (await intents.list_async({"limit": 1})).auto_paging_iter()] == [
        other.id,
        made.id,
    ]
    backward = await intents.list_async({"limit": 1, "ending_before": made.id})
    assert [each.id async for each in backward.auto_paging_iter()] == [other.id]
    with pytest.raises(stripe.CardError):
        await intents.create_async(
            {"amount": 5_000, "currency": "aud", "payment_method": "pm_card_chargeDeclined", "confirm": True}
        )
