import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.application.merchants import PlaceMerchant
from fintech.domain.cards import Advice, Decline, DeclineCode
from fintech.domain.merchants import Limits, Standing
from tests.unit.entrypoints.http.driving import OFFICER, Api, open_shop

INTENTS = "/v1/payment_intents"
CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"}


async def test_a_payment_is_created_and_paid_in_one_request(api: Api) -> None:
    form = {
        "amount": 1000,
        "currency": "aud",
        "payment_method": "pm_card_visa",
        "confirm": True,
        "description": "two flat whites",
        "metadata": {"order": "7"},
    }
    reply = await api.post(INTENTS, form)
    assert reply.status == 200
    assert (
        reply.body
        | {
            "object": "payment_intent",
            "amount": 1000,
            "amount_capturable": 0,
            "amount_received": 1000,
            "capture_method": "automatic",
            "currency": "aud",
            "description": "two flat whites",
            "last_payment_error": None,
            "livemode": False,
            "metadata": {"order": "7"},
            "next_action": None,
            "payment_method": "pm_card_visa",
            "payment_method_types": ["card"],
            "status": "succeeded",
        }
        == reply.body
    )
    assert reply.body["latest_charge"].startswith("ch_")
    assert (await api.get(f"{INTENTS}/{reply.body['id']}")).body == reply.body


async def test_a_payment_goes_its_way_step_by_step(api: Api) -> None:
    made = (await api.post(INTENTS, {"amount": 1000, "currency": "aud"})).body
    assert made["status"] == "requires_payment_method"
    one = f"{INTENTS}/{made['id']}"
    chosen = (await api.post(one, {"payment_method": "pm_card_visa", "amount": 2000})).body
    assert (chosen["status"], chosen["amount"]) == ("requires_confirmation", 2000)
    assert chosen["payment_method"] == "pm_card_visa"
    paid = (await api.post(f"{one}/confirm")).body
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 2000)


async def test_a_card_that_is_typed_in_becomes_a_payment_method(api: Api) -> None:
    form = {
        "amount": 1000,
        "currency": "aud",
        "confirm": True,
        "payment_method_data": {"type": "card", "card": CARD},
    }
    paid = (await api.post(INTENTS, form)).body
    method = (await api.get(f"/v1/payment_methods/{paid['payment_method']}")).body
    assert (method["card"]["last4"], method["card"]["exp_year"]) == ("4242", 2030)


async def test_what_is_held_may_be_captured_in_parts(api: Api) -> None:
    held = await api.authorised(1000)
    assert (held["status"], held["amount_capturable"]) == ("requires_capture", 1000)
    capture = f"{INTENTS}/{held['id']}/capture"
    some = (await api.post(capture, {"amount_to_capture": 300, "final_capture": False})).body
    assert (some["amount_received"], some["amount_capturable"], some["status"]) == (
        300,
        700,
        "requires_capture",
    )
    rest = (await api.post(capture, {"amount_to_capture": 500})).body
    assert (rest["amount_received"], rest["amount_capturable"], rest["status"]) == (800, 0, "succeeded")


async def test_more_may_be_authorised(api: Api) -> None:
    held = await api.authorised(1000)
    more = (await api.post(f"{INTENTS}/{held['id']}/increment_authorization", {"amount": 1500})).body
    assert (more["amount"], more["amount_capturable"]) == (1500, 1500)


@pytest.mark.parametrize(
    ("decline", "code", "told", "message"),
    [
        (
            Decline(code=DeclineCode.INSUFFICIENT_FUNDS, scheme_code="51", advice=Advice.TRY_AGAIN_LATER),
            "card_declined",
            {
                "decline_code": "insufficient_funds",
                "network_decline_code": "51",
                "advice_code": "try_again_later",
            },
            "Your card has insufficient funds. The authorization stands as it was.",
        ),
        (
            Decline(code=DeclineCode.EXPIRED_CARD, scheme_code="54"),
            "expired_card",
            {"decline_code": "expired_card", "network_decline_code": "54"},
            "Your card has expired. The authorization stands as it was.",
        ),
        (
            Decline(code=DeclineCode.LOST_CARD, scheme_code="41", advice=Advice.DO_NOT_TRY_AGAIN),
            "card_declined",
            {"decline_code": "lost_card", "network_decline_code": "41", "advice_code": "do_not_try_again"},
            "Your card was declined. The authorization stands as it was.",
        ),
    ],
    ids=lambda each: each.code.value if isinstance(each, Decline) else "",
)
async def test_an_increment_that_is_declined_leaves_what_was_held(
    api: Api,
    acquirer: SimulatedAcquirer,
    monkeypatch: pytest.MonkeyPatch,
    decline: Decline,
    code: str,
    told: dict[str, str],
    message: str,
) -> None:
    held = await api.authorised(1000)

    async def declines(*_: object) -> Decline:
        return decline

    monkeypatch.setattr(acquirer, "increment", declines)
    path = f"{INTENTS}/{held['id']}/increment_authorization"
    refused = await api.post(path, {"amount": 1500}, Idempotency_Key="more")
    assert (refused.status, refused.error["type"], refused.error["code"]) == (402, "card_error", code)
    codes = ("decline_code", "network_decline_code", "advice_code")
    assert {name: refused.error[name] for name in codes if name in refused.error} == told
    assert refused.error["message"] == message
    assert refused.error["charge"] == held["latest_charge"]
    assert refused.error["payment_intent"]["amount_capturable"] == 1000
    assert refused.error["payment_intent"]["last_payment_error"] is None
    again = await api.post(path, {"amount": 1500}, Idempotency_Key="more")
    assert (again.status, again.body) == (402, refused.body)


async def test_an_increment_that_nobody_answers_is_processing(api: Api, acquirer: SimulatedAcquirer) -> None:
    held = await api.authorised(1000)
    acquirer.script.append(Fault.ANSWER_LOST)
    path = f"{INTENTS}/{held['id']}"
    asked = (await api.post(f"{path}/increment_authorization", {"amount": 1500})).body
    assert (asked["status"], asked["amount"]) == ("processing", 1000)
    refused = await api.post(f"{path}/capture")
    assert (refused.status, refused.error["code"]) == (400, "payment_intent_unexpected_state")


async def test_a_payment_may_be_given_up(api: Api, clock: ManualClock) -> None:
    held = await api.authorised(1000)
    form = {"cancellation_reason": "requested_by_customer"}
    gone = (await api.post(f"{INTENTS}/{held['id']}/cancel", form)).body
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "requested_by_customer")
    assert gone["canceled_at"] == int(clock.now().timestamp())
    charge = (await api.get(f"/v1/charges/{gone['latest_charge']}")).body
    assert (charge["refunded"], charge["amount_refunded"], charge["captured"]) == (True, 1000, False)


@pytest.mark.parametrize(
    ("method", "code", "decline_code", "network", "advice"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline", "05", "try_again_later"),
        (
            "pm_card_chargeDeclinedInsufficientFunds",
            "card_declined",
            "insufficient_funds",
            "51",
            "try_again_later",
        ),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "54", "confirm_card_data"),
        ("pm_card_chargeDeclinedStolenCard", "card_declined", "stolen_card", "43", "do_not_try_again"),
    ],
)
async def test_a_decline_is_a_card_error_with_the_payment_inside(
    api: Api, method: str, code: str, decline_code: str, network: str, advice: str
) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method": method, "confirm": True}
    reply = await api.post(INTENTS, form)
    error = reply.error
    assert (reply.status, error["type"], error["code"]) == (402, "card_error", code)
    assert (error["decline_code"], error["network_decline_code"], error["advice_code"]) == (
        decline_code,
        network,
        advice,
    )
    assert error["doc_url"] == f"https://docs.fintech.example/errors#{code}"
    payment = error["payment_intent"]
    assert (payment["status"], payment["payment_method"]) == ("requires_payment_method", None)
    assert payment["last_payment_error"]["charge"] == error["charge"] == payment["latest_charge"]
    assert payment["last_payment_error"]["decline_code"] == decline_code


async def test_a_declined_payment_lives_on_with_another_card(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    payment = (await api.post(INTENTS, form)).error["payment_intent"]
    one = f"{INTENTS}/{payment['id']}"
    noted = await api.post(one, {"description": "again"})
    assert (noted.status, noted.body["status"]) == (200, "requires_payment_method")
    assert noted.body["last_payment_error"]["code"] == "card_declined"
    paid = (await api.post(f"{one}/confirm", {"payment_method": "pm_card_visa"})).body
    assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)


async def test_an_outcome_that_nobody_knows_is_processing(api: Api) -> None:
    payment = await api.paid(payment_method="pm_card_answerLost")
    assert (payment["status"], payment["amount_received"]) == ("processing", 0)
    charge = (await api.get(f"/v1/charges/{payment['latest_charge']}")).body
    assert (charge["status"], charge["paid"], charge["outcome"]) == ("pending", False, None)


async def test_what_nobody_will_ever_know_is_an_error_of_processing(api: Api, clock: ManualClock) -> None:
    payment = await api.paid(payment_method="pm_card_questionLost")
    for _ in range(30):
        clock.advance(timedelta(hours=1))
        await api.core.sweep()()
    after = (await api.get(f"{INTENTS}/{payment['id']}")).body
    assert (after["status"], after["last_payment_error"]["code"]) == (
        "requires_payment_method",
        "processing_error",
    )
    charge = (await api.get(f"/v1/charges/{after['latest_charge']}")).body
    assert (charge["status"], charge["outcome"]["network_status"]) == ("failed", "not_sent_to_network")


async def test_metadata_is_merged_and_empty_values_remove(api: Api) -> None:
    made = (
        await api.post(
            INTENTS, {"amount": 1000, "currency": "aud", "metadata": {"a": "1", "b": "2", "x": ""}}
        )
    ).body
    assert made["metadata"] == {"a": "1", "b": "2"}
    one = f"{INTENTS}/{made['id']}"
    assert (await api.post(one, {"metadata": {"b": "", "c": "3"}})).body["metadata"] == {"a": "1", "c": "3"}
    assert (await api.post(one, {"description": "x"})).body["metadata"] == {"a": "1", "c": "3"}
    assert (await api.post(one, {"metadata": ""})).body["metadata"] == {}


async def test_metadata_that_two_add_to_at_once_has_both(api: Api) -> None:
    made = (await api.post(INTENTS, {"amount": 1000, "currency": "aud"})).body
    one = f"{INTENTS}/{made['id']}"
    await asyncio.gather(*(api.post(one, {"metadata": {f"key{n}": str(n)}}) for n in range(8)))
    assert len((await api.get(one)).body["metadata"]) == 8


async def test_metadata_has_at_most_fifty_keys_after_a_merge_too(api: Api) -> None:
    keys = {f"key{number}": "x" for number in range(50)}
    made = (await api.post(INTENTS, {"amount": 1000, "currency": "aud", "metadata": keys})).body
    refused = await api.post(f"{INTENTS}/{made['id']}", {"metadata": {"one": "more"}})
    assert (refused.status, refused.error["code"]) == (400, "limit_reached")


async def test_a_description_is_cleared_by_an_empty_one(api: Api) -> None:
    made = (await api.post(INTENTS, {"amount": 1000, "currency": "aud", "description": "x"})).body
    cleared = (await api.post(f"{INTENTS}/{made['id']}", {"description": ""})).body
    assert cleared["description"] is None


@pytest.mark.parametrize(
    ("verb", "form", "status", "code", "param"),
    [
        ("", {"amount": 500}, 400, "payment_intent_unexpected_state", None),
        ("/confirm", {}, 400, "payment_intent_unexpected_state", None),
        ("/capture", {}, 400, "payment_intent_unexpected_state", None),
        ("/cancel", {}, 400, "payment_intent_unexpected_state", None),
        ("/increment_authorization", {"amount": 5000}, 400, "payment_intent_unexpected_state", None),
    ],
)
async def test_what_the_status_forbids_is_refused_with_the_payment(
    api: Api, verb: str, form: dict[str, Any], status: int, code: str, param: str | None
) -> None:
    paid = await api.paid(1000)
    refused = await api.post(f"{INTENTS}/{paid['id']}{verb}", form)
    assert (refused.status, refused.error["code"], refused.error.get("param")) == (status, code, param)
    assert refused.error["payment_intent"] == paid


async def test_a_payment_without_a_method_cannot_be_confirmed(api: Api) -> None:
    made = (await api.post(INTENTS, {"amount": 1000, "currency": "aud"})).body
    refused = await api.post(f"{INTENTS}/{made['id']}/confirm")
    assert (refused.status, refused.error["param"]) == (400, "payment_method")
    at_once = await api.post(INTENTS, {"amount": 1000, "currency": "aud", "confirm": True})
    assert at_once.error["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"currency": "aud"}, "parameter_missing", "amount"),
        ({"amount": 1000}, "parameter_missing", "currency"),
        ({"amount": 49, "currency": "aud"}, "amount_too_small", "amount"),
        ({"amount": 100_000_000, "currency": "aud"}, "amount_too_large", "amount"),
        ({"amount": "10.50", "currency": "aud"}, "parameter_invalid_integer", "amount"),
        ({"amount": -5, "currency": "aud"}, "parameter_invalid_integer", "amount"),
        ({"amount": "٣", "currency": "aud"}, "parameter_invalid_integer", "amount"),
        ({"amount": 10**16, "currency": "aud"}, "parameter_invalid_integer", "amount"),
        ({"amount": "", "currency": "aud"}, "parameter_invalid_empty", "amount"),
        ({"amount": 1000, "currency": "xyz"}, "parameter_invalid_value", "currency"),
        ({"amount": 1000, "currency": "usd"}, "currency_not_supported", "currency"),
        ({"amount": 1000, "currency": "aud", "confirm": "yes"}, "parameter_invalid_boolean", "confirm"),
        ({"amount": 1000, "currency": "aud", "tip": 3}, "parameter_unknown", "tip"),
        (
            {"amount": 1000, "currency": "aud", "payment_method_data": {"type": "card", "card": CARD | {"pin": 1}}},
            "parameter_unknown",
            "payment_method_data[card][pin]",
        ),
        (
            {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa", "payment_method_data": {"type": "card", "card": CARD}},
            "parameters_exclusive",
            "payment_method_data",
        ),
        ({"amount": 1000, "currency": "aud", "metadata": {"k" * 41: "v"}}, "parameter_invalid_string_too_long", "metadata[" + "k" * 41 + "]"),
        ({"amount": 1000, "currency": "aud", "metadata": {"k": "v" * 501}}, "parameter_invalid_string_too_long", "metadata[k]"),
        ({"amount": 1000, "currency": "aud", "metadata": {f"k{n}": "v" for n in range(51)}}, "parameter_invalid_value", "metadata"),
        ({"amount": 1000, "currency": "aud", "metadata": "text"}, "parameter_invalid_value", "metadata"),
        ({"amount": 1000, "currency": "aud", "payment_method_types": ["klarna"]}, "parameter_invalid_value", "payment_method_types[0]"),
    ],
)  # fmt: skip
async def test_parameters_that_cannot_be_are_refused_by_name(
    api: Api, form: dict[str, Any], code: str, param: str
) -> None:
    refused = await api.post(INTENTS, form)
    assert (refused.status, refused.error["type"]) == (400, "invalid_request_error")
    assert (refused.error["code"], refused.error["param"]) == (code, param)
    assert not (await api.get(INTENTS)).body["data"]


async def test_what_changes_nothing_is_accepted_as_sdks_send_it(api: Api) -> None:
    paid = await api.paid(
        automatic_payment_methods={"enabled": True, "allow_redirects": "never"},
        capture_method="automatic_async",
        confirmation_method="automatic",
        error_on_requires_action=True,
        off_session=True,
        payment_method_types=["card"],
        payment_method_options={"card": {"request_multicapture": "if_available"}},
        return_url="https://shop.example/done",
        use_stripe_sdk=False,
    )
    assert (paid["status"], paid["capture_method"]) == ("succeeded", "automatic")


async def test_capture_is_refused_by_amount_and_by_time(api: Api, clock: ManualClock) -> None:
    held = await api.authorised(1000)
    capture = f"{INTENTS}/{held['id']}/capture"
    too_much = await api.post(capture, {"amount_to_capture": 1001})
    assert (too_much.error["code"], too_much.error["param"]) == ("amount_too_large", "amount_to_capture")
    clock.advance(timedelta(days=7))
    late = await api.post(capture)
    assert (late.status, late.error["code"]) == (400, "charge_expired_for_capture")


async def test_an_increment_must_be_higher(api: Api) -> None:
    held = await api.authorised(1000)
    refused = await api.post(f"{INTENTS}/{held['id']}/increment_authorization", {"amount": 1000})
    assert (refused.error["code"], refused.error["param"]) == ("amount_too_small", "amount")


async def test_currency_and_capture_method_are_what_they_were(api: Api) -> None:
    made = (
        await api.post(INTENTS, {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa"})
    ).body
    one = f"{INTENTS}/{made['id']}"
    assert (await api.post(one, {"currency": "aud"})).status == 200
    assert (await api.post(one, {"currency": "nzd"})).error["param"] == "currency"
    assert (await api.post(f"{one}/confirm", {"capture_method": "manual"})).error["param"] == "capture_method"
    assert (await api.post(f"{one}/confirm", {"capture_method": "automatic"})).status == 200


async def test_a_method_that_there_is_not_is_missing(api: Api) -> None:
    refused = await api.post(INTENTS, {"amount": 1000, "currency": "aud", "payment_method": "pm_card_nobody"})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        404,
        "resource_missing",
        "payment_method",
    )


@pytest.mark.parametrize("verb", ["", "/confirm", "/capture", "/cancel", "/increment_authorization"])
@pytest.mark.parametrize(
    "id", ["pi_000000000000000000000zzz", "pi_1", "ch_000000000000000000000zzz", "%F0%9F%92%B8"]
)
async def test_a_payment_that_there_is_not_is_missing(api: Api, verb: str, id: str) -> None:
    form = {"amount": 5000} if "increment" in verb else {}
    refused = await api.post(f"{INTENTS}/{id}{verb}", form)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        404,
        "resource_missing",
        "intent",
    )
    if not verb:
        assert (await api.get(f"{INTENTS}/{id}")).status == 404


@pytest.mark.parametrize("verb", ["", "/confirm"])
async def test_no_card_is_kept_for_a_payment_that_there_is_not(api: Api, verb: str) -> None:
    form = {"payment_method_data": {"type": "card", "card": CARD}}
    assert (await api.post(f"{INTENTS}/pi_000000000000000000000zzz{verb}", form)).status == 404
    assert (await api.get("/v1/payment_methods")).body["data"] == []


async def test_others_and_the_other_mode_see_nothing(api: Api) -> None:
    paid = await api.paid(1000)
    other = api.of(await open_shop(api.core, 2))
    live = api.of(await open_shop(api.core, 1, livemode=True))
    for stranger in (other, live):
        for reply in (
            await stranger.get(f"{INTENTS}/{paid['id']}"),
            await stranger.post(f"{INTENTS}/{paid['id']}", {"description": "mine now"}),
            await stranger.post(f"{INTENTS}/{paid['id']}/cancel"),
            await stranger.get(f"/v1/charges/{paid['latest_charge']}"),
            await stranger.get("/v1/refunds", {"payment_intent": paid["id"]}),
            await stranger.post("/v1/refunds", {"charge": paid["latest_charge"]}),
        ):
            assert (reply.status, reply.error["code"]) == (404, "resource_missing")
        assert (await stranger.get(INTENTS)).body["data"] == []
    assert (await other.post("/v1/refunds", {"payment_intent": paid["id"]})).error[
        "code"
    ] == "resource_missing"


async def test_test_cards_are_refused_in_live_mode(api: Api) -> None:
    live = api.of(await open_shop(api.core, 1, livemode=True))
    named = await live.post(INTENTS, {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa"})
    assert named.error["code"] == "resource_missing"
    form = {"amount": 1000, "currency": "aud", "payment_method_data": {"type": "card", "card": CARD}}
    typed = await live.post(INTENTS, form)
    assert (typed.status, typed.error["code"]) == (400, "testmode_charges_only")
    assert (await live.post(INTENTS, {"amount": 1000, "currency": "aud"})).body["livemode"] is True


@pytest.mark.parametrize(
    ("standing", "code"), [(Standing.SUSPENDED, "account_suspended"), (Standing.CLOSED, "account_closed")]
)
async def test_an_account_that_may_not_is_forbidden(api: Api, standing: Standing, code: str) -> None:
    place: PlaceMerchant = api.core.place_merchant()
    (await place(OFFICER, api.shop.scope, standing)).unwrap()
    refused = await api.post(INTENTS, {"amount": 1000, "currency": "aud"})
    assert (refused.status, refused.error["code"]) == (403, code)


async def test_payments_are_listed_newest_first_with_cursors_both_ways(api: Api, clock: ManualClock) -> None:
    ids = []
    for amount in range(100, 105):
        ids.append((await api.post(INTENTS, {"amount": amount, "currency": "aud"})).body["id"])
        clock.advance(timedelta(seconds=10))
    newest = ids[::-1]

    async def page(**query: Any) -> tuple[list[str], bool]:
        body = (await api.get(INTENTS, query)).body
        assert (body["object"], body["url"]) == ("list", INTENTS)
        return [each["id"] for each in body["data"]], body["has_more"]

    assert await page() == (newest, False)
    assert await page(limit=2) == (newest[:2], True)
    assert await page(limit=2, starting_after=newest[1]) == (newest[2:4], True)
    assert await page(limit=2, starting_after=newest[3]) == (newest[4:], False)
    assert await page(limit=2, ending_before=newest[4]) == (newest[2:4], True)
    assert await page(limit=2, ending_before=newest[2]) == (newest[:2], False)
    start = int(clock.now().timestamp()) - 50
    assert (await page(created={"gte": start + 10, "lt": start + 30}))[0] == [ids[2], ids[1]]
    assert (await page(created={"gt": start + 10, "lte": start + 30}))[0] == [ids[3], ids[2]]
    assert (await page(created=start))[0] == [ids[0]]


async def test_a_small_shop_has_its_own_limits(api: Api) -> None:
    small = api.of(await open_shop(api.core, 3, limits=Limits(payment_max_minor=2000)))
    refused = await small.post(INTENTS, {"amount": 2001, "currency": "aud"})
    assert (refused.error["code"], refused.error["message"]) == (
        "amount_too_large",
        "amount must be no more than 2000.",
    )
