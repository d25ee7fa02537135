from tests.unit.entrypoints.http.driving import Api

CHARGES = "/v1/charges"


async def test_every_attempt_is_a_charge(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    payment = (await api.post("/v1/payment_intents", form)).error["payment_intent"]
    await api.post(f"/v1/payment_intents/{payment['id']}/confirm", {"payment_method": "pm_card_visa"})
    await api.paid(2000)
    charges = (await api.get(CHARGES, {"payment_intent": payment["id"]})).body["data"]
    assert [charge["status"] for charge in charges] == ["succeeded", "failed"]
    assert [charge["id"][-2:] for charge in charges] == ["01", "00"]
    assert all(charge["payment_intent"] == payment["id"] for charge in charges)
    declined = charges[1]
    assert (declined["failure_code"], declined["paid"], declined["balance_transaction"]) == (
        "card_declined",
        False,
        None,
    )
    assert declined["outcome"] == {
        "advice_code": "try_again_later",
        "network_advice_code": None,
        "network_decline_code": "05",
        "network_status": "declined_by_network",
        "reason": "generic_decline",
        "risk_level": "not_assessed",
        "seller_message": "Your card was declined.",
        "type": "issuer_declined",
    }
    assert len((await api.get(CHARGES)).body["data"]) == 3
    assert (await api.get(f"{CHARGES}/{declined['id']}")).body == declined


async def test_a_charge_says_what_was_held_captured_and_given_back(api: Api) -> None:
    await api.paid(50_000)
    held = await api.authorised(1000)
    charge = (await api.get(f"{CHARGES}/{held['latest_charge']}")).body
    card = charge["payment_method_details"]["card"]
    assert (charge["amount"], charge["captured"], charge["status"]) == (1000, False, "succeeded")
    assert (card["amount_authorized"], card["multicapture"]["status"]) == (1000, "available")
    assert card["capture_before"] == charge["created"] + 7 * 86_400
    await api.post(f"/v1/payment_intents/{held['id']}/capture", {"amount_to_capture": 600})
    await api.post("/v1/refunds", {"charge": charge["id"], "amount": 100})
    after = (await api.get(f"{CHARGES}/{charge['id']}")).body
    assert (after["amount"], after["amount_captured"], after["amount_refunded"]) == (1000, 600, 100)
    assert (after["captured"], after["refunded"]) == (True, False)
    await api.post("/v1/refunds", {"charge": charge["id"]})
    assert (await api.get(f"{CHARGES}/{charge['id']}")).body["refunded"] is True


async def test_cursors_go_through_charges_of_one_payment(api: Api) -> None:
    form = {"amount": 1000, "currency": "aud", "payment_method": "pm_card_chargeDeclined", "confirm": True}
    payment = (await api.post("/v1/payment_intents", form)).error["payment_intent"]
    for _ in range(3):
        await api.post(
            f"/v1/payment_intents/{payment['id']}/confirm", {"payment_method": "pm_card_chargeDeclined"}
        )
    first = (await api.get(CHARGES, {"limit": 3})).body
    rest = (await api.get(CHARGES, {"limit": 3, "starting_after": first["data"][-1]["id"]})).body
    assert (first["has_more"], rest["has_more"], len(rest["data"])) == (True, False, 1)
    back = (await api.get(CHARGES, {"limit": 3, "ending_before": rest["data"][0]["id"]})).body
    assert back["data"] == first["data"]


async def test_a_charge_that_there_is_not_is_missing(api: Api) -> None:
    paid = await api.paid()
    for id in (paid["latest_charge"][:-2] + "07", "ch_000000000000000000000zzz00", "ch_1", paid["id"]):
        assert (await api.get(f"{CHARGES}/{id}")).status == 404
    missing = await api.get(CHARGES, {"payment_intent": "pi_000000000000000000000zzz"})
    assert (missing.status, missing.error["param"]) == (404, "payment_intent")
