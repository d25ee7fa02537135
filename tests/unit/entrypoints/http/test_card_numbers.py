"""Card numbers where none belong: refused by the name of their place, before anything of them is kept."""

from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from tests.leaks import shows_test_card
from tests.unit.entrypoints.http.driving import Api

CARD = "4242 4242 4242 4242"
PAID = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_visa", "confirm": True}


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"description": f"paid with {CARD}"}, "description"),
        ({"metadata": {"note": CARD}}, "metadata[note]"),
        ({"metadata": {CARD: "note"}}, "metadata[…]"),
        ({"metadata": {"cvc": "123"}}, "metadata[cvc]"),
    ],
)
async def test_what_is_kept_of_a_payment(
    api: Api, acquirer: SimulatedAcquirer, form: dict[str, Any], param: str
) -> None:
    made = await api.post("/v1/payment_intents", {"amount": 1000, "currency": "aud"})
    for path, terms in (("/v1/payment_intents", PAID), (f"/v1/payment_intents/{made.body['id']}", {})):
        refused = await api.post(path, terms | form, Idempotency_Key="order 6735")
        assert (refused.status, refused.error["code"]) == (400, "parameter_invalid_value")
        assert refused.error["param"] == param
        assert "looks like a card" in refused.error["message"]
        assert not shows_test_card(refused.text)
    assert acquirer.calls == []
    assert (await api.post("/v1/payment_intents", PAID, Idempotency_Key="order 6735")).status == 200


async def test_what_is_kept_of_refunds_and_methods(api: Api) -> None:
    payment = await api.paid()
    refund = {"payment_intent": payment["id"], "metadata": {"to": CARD}}
    card = {"number": CARD, "exp_month": 12, "exp_year": 2030}
    method = {"type": "card", "card": card, "metadata": {"is": CARD}}
    for path, form, param in (
        ("/v1/refunds", refund, "metadata[to]"),
        ("/v1/payment_methods", method, "metadata[is]"),
        (
            "/v1/payment_intents",
            {"amount": 1000, "currency": "aud", "payment_method_data": method},
            "payment_method_data[metadata][is]",
        ),
    ):
        assert (await api.post(path, form)).error["param"] == param


async def test_an_idempotency_key(api: Api, acquirer: SimulatedAcquirer) -> None:
    for key in (CARD, f"card-{CARD}", CARD.replace(" ", "")):
        refused = await api.post("/v1/payment_intents", PAID, Idempotency_Key=key)
        assert (refused.status, refused.error["param"]) == (400, "Idempotency-Key")
        assert "Idempotency-Key" not in refused.headers
        assert not shows_test_card(refused.text)
    assert acquirer.calls == []
