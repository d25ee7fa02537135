"""What terminals are told, message by message, over a real socket."""

from typing import Any

import pytest

from fintech.domain.merchants import Standing
from fintech.domain.payments.payment import PaymentStatus
from fintech.domain.refunds.refund import RefundStatus
from fintech.domain.scope import Face
from fintech.domain.terminals import Placing
from fintech.iso8583.elements import Message
from fintech.ports.errors import StoreUnavailable
from tests.unit.application.shop import ACTOR, PLAIN
from tests.unit.application.terminals.till import (
    ANSWER_LOST,
    NO_FUNDS,
    NUMBER,
    PENDING_REFUND,
    REFUND_DECLINED,
    VISA,
)
from tests.unit.entrypoints.terminals.driving import (
    NOW,
    Counter,
    Hand,
    code,
    financial,
    network,
    reversal,
)

REFERENCE = "632701000001"


async def place(at_counter: Counter, placing: Placing) -> None:
    till = at_counter.till
    await till.core.place_terminal()(PLAIN, till.shop.scope, till.terminal.id, placing)
    till.shop.advance(seconds=2)


async def only_payment(at_counter: Counter) -> Any:
    (payment,) = await at_counter.till.shop.payments()
    return payment


# -- network management


async def test_a_sign_on_activates_the_terminal(at_counter: Counter) -> None:
    async with at_counter.line(signed_on=False) as hand:
        reply = await hand.ask(network("001"))
    assert reply == Message("0810", {7: NOW, 11: "900000", 39: "00", 41: NUMBER, 70: "001"})
    terminal = await at_counter.till.core.store().terminal(
        at_counter.till.shop.scope, at_counter.till.terminal.id
    )
    assert terminal is not None
    assert terminal.status == "active"


async def test_an_unknown_terminal_does_not_sign_on(at_counter: Counter) -> None:
    async with at_counter.line(signed_on=False) as hand:
        assert await hand.sign_on("NOBODY00") == "03"


async def test_who_is_not_let_in_is_counted_for_the_audit_trail_and_nobody_else(at_counter: Counter) -> None:
    """PCI DSS 10.2.1.4."""
    async with at_counter.line() as hand:
        assert code(await hand.ask(financial(e4="000000000000"))) != "00"
        assert at_counter.strangers.taken() == {}
        for stan in (1, 2):
            assert code(await hand.ask(reversal(stan, 500 + stan, e41="NOBODY00"))) == "03"
        assert code(await hand.ask(financial(e41="NOBODY00"))) == "58"
        await hand.sign_on("NOBODY00")
        await place(at_counter, Placing.SUSPEND)
        assert code(await hand.ask(financial(stan=7))) == "58"
        assert await hand.sign_on() == "58"
    here, door = "127.0.0.1", Face.TERMINAL
    assert at_counter.strangers.taken() == {
        ("terminal_unknown", here, door): 3,
        ("terminal_not_signed_on", here, door): 1,
        ("terminal_not_allowed", here, door): 2,
    }


@pytest.mark.parametrize("placing", [Placing.SUSPEND, Placing.RETIRE])
async def test_a_terminal_that_may_not_be_used_does_not_sign_on(
    at_counter: Counter, placing: Placing
) -> None:
    await place(at_counter, placing)
    async with at_counter.line(signed_on=False) as hand:
        assert await hand.sign_on() == "58"


async def test_other_network_management_is_not_served(hand: Hand) -> None:
    assert code(await hand.ask(network("161"))) == "12"


# -- purchases


async def test_a_purchase_is_approved_with_what_a_receipt_needs(at_counter: Counter, hand: Hand) -> None:
    reply = await hand.ask(financial(e12="120000", e13="1123"))
    assert reply is not None
    assert reply.mti == "0210"
    echoed = {3: "000000", 4: "000000010000", 7: NOW, 11: "000001", 12: "120000", 13: "1123", 41: NUMBER}
    payment = await only_payment(at_counter)
    assert reply.elements == {
        **echoed,
        49: "036",
        37: REFERENCE,
        38: payment.attempts[0].auth_code,
        39: "00",
    }
    assert payment.presented.reference == REFERENCE
    assert payment.presented.entry_mode == "051"


async def test_the_second_track_will_do(at_counter: Counter, hand: Hand) -> None:
    track = f"{VISA}D34122010000000000000"
    assert code(await hand.ask(financial(e2=None, e14=None, e35=track))) == "00"
    payment = await only_payment(at_counter)
    assert (payment.attempts[0].method.card.exp_month, payment.attempts[0].method.card.exp_year) == (12, 2034)


@pytest.mark.parametrize(
    ("number", "told"), [(NO_FUNDS, "51"), ("4000000000009987", "41"), ("4000000000000127", "05")]
)
async def test_an_issuers_no_is_told_by_its_code(hand: Hand, number: str, told: str) -> None:
    assert code(await hand.ask(financial(e2=number))) == told


async def test_without_an_answer_it_is_told_no_and_given_up(at_counter: Counter, hand: Hand) -> None:
    assert code(await hand.ask(financial(e2=ANSWER_LOST))) == "91"
    assert (await only_payment(at_counter)).status is PaymentStatus.CANCELED


async def test_a_repeat_is_told_the_same(at_counter: Counter, hand: Hand) -> None:
    first = await hand.ask(financial())
    assert first is not None
    assert await hand.ask(financial("0201")) == first
    await only_payment(at_counter)


@pytest.mark.parametrize(
    "change",
    [{"amount_minor": 10_001}, {"e7": "1123010001"}, {"e3": "200000", "e37": REFERENCE}],
)
async def test_a_repeat_that_says_something_else_is_a_duplicate(hand: Hand, change: dict[str, Any]) -> None:
    await hand.ask(financial())
    assert code(await hand.ask(financial("0201", **change))) == "94"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"e2": "4242424242424241"}, "14"),
        ({"e2": "4111111111111111"}, "14"),
        ({"e14": "2001"}, "54"),
        ({"e14": "3413"}, "54"),
        ({"e14": None}, "30"),
        ({"e2": None}, "30"),
        ({"e35": "5555555555554444D3412"}, "30"),
        ({"e35": "4242424242424242"}, "30"),
        ({"e35": "4242424242424242D34D2"}, "30"),
        ({"e3": "090000"}, "12"),
        ({"e3": None}, "30"),
        ({"e4": "0" * 12}, "13"),
        ({"e4": "000000000001"}, "13"),
        ({"e4": "9" * 12}, "61"),
        ({"e7": "1332000000"}, "30"),
        ({"e22": None}, "30"),
        ({"e49": "999"}, "12"),
        ({"e49": "840"}, "12"),
        ({"e49": None}, "30"),
    ],
)
async def test_what_cannot_be_done_is_said_and_leaves_no_trace(
    at_counter: Counter, hand: Hand, change: dict[str, Any], told: str
) -> None:
    reply = await hand.ask(financial(**change))
    assert code(reply) == told
    assert await at_counter.left_no_trace()


async def test_before_a_sign_on_nothing_is_sold(at_counter: Counter) -> None:
    async with at_counter.line(signed_on=False) as hand:
        assert code(await hand.ask(financial())) == "58"
    assert await at_counter.left_no_trace()


async def test_a_repeat_is_answered_on_a_line_without_a_sign_on_but_begins_nothing(
    at_counter: Counter,
) -> None:
    async with at_counter.line() as hand:
        first = await hand.ask(financial())
    async with at_counter.line(signed_on=False) as hand:
        assert await hand.ask(financial("0201")) == first
        assert code(await hand.ask(financial("0201", 2))) == "58"
    assert len(await at_counter.till.shop.payments()) == 1


@pytest.mark.parametrize("placing", [Placing.SUSPEND, Placing.RETIRE])
async def test_what_was_sold_before_a_terminal_was_stopped_is_still_answered(
    at_counter: Counter, hand: Hand, placing: Placing
) -> None:
    first = await hand.ask(financial())
    await place(at_counter, placing)
    assert await hand.ask(financial("0201")) == first


@pytest.mark.parametrize("placing", [Placing.SUSPEND, Placing.RETIRE])
async def test_a_terminal_that_may_not_sell_any_more_is_told_so(
    at_counter: Counter, hand: Hand, placing: Placing
) -> None:
    await place(at_counter, placing)
    assert code(await hand.ask(financial())) == "58"
    assert await at_counter.left_no_trace()


async def test_a_suspended_merchant_sells_nothing(at_counter: Counter, hand: Hand) -> None:
    till = at_counter.till
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.SUSPENDED)
    assert code(await hand.ask(financial())) == "03"


async def test_when_nobody_can_say_what_became_of_it_the_terminal_hears_nothing(
    at_counter: Counter, hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(*_: object) -> object:
        raise StoreUnavailable("down")

    monkeypatch.setattr(at_counter.till.core.store(), "commit", unavailable)
    await hand.send(financial())
    assert code(await hand.ask(network("301"))) == "00", "the echo overtakes: there is no other answer"
    monkeypatch.undo()
    assert code(await hand.ask(financial("0201"))) == "00"


# -- refunds


async def test_a_refund_names_its_purchase_by_the_receipt(at_counter: Counter, hand: Hand) -> None:
    await hand.ask(financial())
    refund = financial(stan=2, amount_minor=4_000, e3="200000", e37=REFERENCE, e2=None, e14=None)
    reply = await hand.ask(refund)
    assert reply is not None
    assert (code(reply), reply.text(37)) == ("00", "632701000002")
    assert (await only_payment(at_counter)).refunded_minor == 4_000
    assert await hand.ask(Message("0201", refund.elements)) == reply
    (stored,) = await at_counter.till.shop.refunds()
    assert stored.status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"e37": "632701999999"}, "25"),
        ({"e37": None}, "25"),
        ({"e37": "GARBAGE     "}, "25"),
        ({"amount_minor": 10_001}, "61"),
    ],
)
async def test_what_cannot_be_given_back_is_said(
    at_counter: Counter, hand: Hand, change: dict[str, Any], told: str
) -> None:
    await hand.ask(financial())
    refund: dict[str, Any] = {"stan": 2, "amount_minor": 100, "e3": "200000", "e37": REFERENCE}
    assert code(await hand.ask(financial(**(refund | change)))) == told
    assert await at_counter.till.shop.refunds() == ()


@pytest.mark.parametrize(("card", "told"), [(REFUND_DECLINED, "05"), (PENDING_REFUND, "00")])
async def test_a_refunds_outcome_is_told(hand: Hand, card: str, told: str) -> None:
    await hand.ask(financial(e2=card))
    assert code(await hand.ask(financial(stan=2, amount_minor=100, e3="200000", e37=REFERENCE))) == told


# -- advices


@pytest.mark.parametrize("card", [VISA, NO_FUNDS, ANSWER_LOST, "4242424242424241"])
async def test_an_advice_is_always_taken(at_counter: Counter, hand: Hand, card: str) -> None:
    reply = await hand.ask(financial("0220", e2=card))
    assert reply is not None
    assert (reply.mti, code(reply), reply.text(37)) == ("0230", "00", REFERENCE)
    assert await hand.ask(financial("0221", e2=card)) == reply
    assert (await only_payment(at_counter)).presented.offline


@pytest.mark.parametrize("placing", [Placing.SUSPEND, Placing.RETIRE])
async def test_what_a_terminal_has_sold_is_taken_whatever_became_of_it(
    at_counter: Counter, placing: Placing
) -> None:
    await place(at_counter, placing)
    async with at_counter.line(signed_on=False) as hand:
        assert code(await hand.ask(financial("0220"))) == "00"
        assert code(await hand.ask(reversal(e90="0220000001" + NOW + "0" * 22))) == "00"
    payment = await only_payment(at_counter)
    assert payment.captured_minor == payment.refunded_minor


@pytest.mark.parametrize(("change", "told"), [({"e3": "200000"}, "12"), ({"e14": None}, "30")])
async def test_what_is_no_advice_is_not_taken(
    at_counter: Counter, hand: Hand, change: dict[str, Any], told: str
) -> None:
    assert code(await hand.ask(financial("0220", **change))) == told
    assert await at_counter.left_no_trace()


# -- reversals


async def test_a_reversal_is_acknowledged_and_done_once(at_counter: Counter, hand: Hand) -> None:
    await hand.ask(financial())
    reply = await hand.ask(reversal())
    assert reply is not None
    assert (reply.mti, code(reply), reply.text(37)) == ("0430", "00", REFERENCE)
    assert await hand.ask(reversal(mti="0421")) == reply
    assert (await only_payment(at_counter)).refunded_minor == 10_000
    assert code(await hand.ask(financial("0201"))) == "21", "nobody is told any more that it was approved"
    await at_counter.till.shop.sweep_until_quiet()
    await at_counter.till.shop.assert_proofs_hold()


async def test_a_reversal_may_name_its_original_by_the_reference(at_counter: Counter, hand: Hand) -> None:
    await hand.ask(financial())
    assert code(await hand.ask(reversal(e90=None, e37=REFERENCE))) == "00"
    assert (await only_payment(at_counter)).refunded_minor == 10_000


@pytest.mark.parametrize("named", [{}, {"e90": None, "e37": REFERENCE}])
async def test_an_original_that_comes_after_its_reversal_is_not_done(
    at_counter: Counter, hand: Hand, named: dict[str, Any]
) -> None:
    assert code(await hand.ask(reversal(**named))) == "00"
    assert code(await hand.ask(financial())) in ("21", "94")
    assert (await only_payment(at_counter)).status is PaymentStatus.CANCELED


async def test_a_refund_is_not_called_back_and_acknowledged_all_the_same(
    at_counter: Counter, hand: Hand
) -> None:
    await hand.ask(financial())
    await hand.ask(financial(stan=2, amount_minor=4_000, e3="200000", e37=REFERENCE))
    assert code(await hand.ask(reversal(2, e3="200000", e4="000000004000"))) == "00"
    (refund,) = await at_counter.till.shop.refunds()
    assert refund.status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"e4": "000000009999"}, "64"),
        ({"e90": None}, "30"),
        ({"e90": "0200000001" + "1332000000" + "0" * 22}, "30"),
        ({"e95": "000000005000" + "0" * 30}, "12"),
        ({"e41": "NOBODY00"}, "03"),
        ({"e4": None}, "30"),
    ],
)
async def test_a_reversal_that_makes_no_sense_changes_nothing(
    at_counter: Counter, hand: Hand, change: dict[str, Any], told: str
) -> None:
    await hand.ask(financial())
    assert code(await hand.ask(reversal(**change))) == told
    assert (await only_payment(at_counter)).refunded_minor == 0


async def test_a_closed_merchants_reversal_is_not_acknowledged_as_done(
    at_counter: Counter, hand: Hand
) -> None:
    await hand.ask(financial())
    till = at_counter.till
    await till.core.place_merchant()(ACTOR, till.shop.scope, Standing.CLOSED)
    assert code(await hand.ask(reversal())) == "03"
