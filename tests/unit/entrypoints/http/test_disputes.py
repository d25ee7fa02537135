from typing import Any

import pytest

from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.domain.disputes.evidence import EVIDENCE_NAMES
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.scope import Actor, Face
from fintech.entrypoints import profiles
from tests.unit.entrypoints.http.driving import Api, driving, open_shop
from tests.vaults import ScriptedVault

DISPUTES = "/v1/disputes"
FRAUD, INQUIRY = "pm_card_createDispute", "pm_card_createDisputeInquiry"
NOTHING = "dp_000000000000000000000zzz"


async def disputed(api: Api, card: str = FRAUD, amount: int = 10_000) -> Any:
    """A dispute of a payment."""
    await api.paid(amount, payment_method=card)
    await api.core.sweep()()
    return (await api.get(DISPUTES)).body["data"][0]


async def types(api: Api, limit: int = 10) -> list[str]:
    """What happened, oldest first."""
    return [each["type"] for each in (await api.get("/v1/events", {"limit": limit})).body["data"]][::-1]


async def test_a_chargeback_looks_as_merchants_know_it(api: Api) -> None:
    await api.paid(50_000)
    dispute = await disputed(api)
    (line,) = dispute["balance_transactions"]
    assert (
        dispute
        | {
            "object": "dispute",
            "amount": 10_000,
            "currency": "aud",
            "status": "needs_response",
            "reason": "fraudulent",
            "network_reason_code": "10.4",
            "is_charge_refundable": False,
            "livemode": False,
            "metadata": {},
        }
        == dispute
    )
    assert dispute["payment_method_details"]["card"] == {
        "brand": "visa",
        "case_type": "chargeback",
        "network": "visa",
        "network_reason_code": "10.4",
    }
    assert (
        line
        | {
            "amount": -10_000,
            "fee": 2_750,
            "net": -12_750,
            "type": "adjustment",
            "reporting_category": "dispute",
            "source": dispute["id"],
        }
        == line
    )
    assert [(each["description"], each["amount"], each["type"]) for each in line["fee_details"]] == [
        ("Dispute fee", 2_500, "stripe_fee"),
        ("GST", 250, "tax"),
    ]
    details = dispute["evidence_details"]
    assert details["due_by"] == dispute["created"] + 14 * 86_400
    assert (details["has_evidence"], details["past_due"], details["submission_count"]) == (False, False, 0)
    assert not any(dispute["evidence"].values())
    assert (await api.get(f"{DISPUTES}/{dispute['id']}")).body == dispute
    assert (await api.get(f"/v1/balance_transactions/{line['id']}")).body == line
    assert (await types(api, 3)) == [
        "charge.dispute.created",
        "charge.updated",
        "charge.dispute.funds_withdrawn",
    ]
    event = (await api.get("/v1/events", {"limit": 1})).body["data"][0]
    assert event["data"]["object"] == dispute


async def test_a_charge_tells_of_its_dispute_and_cannot_be_given_back(api: Api) -> None:
    await api.paid(50_000)
    dispute = await disputed(api)
    charge = (await api.get(f"/v1/charges/{dispute['charge']}")).body
    assert (charge["disputed"], charge["dispute"]) == (True, dispute["id"])
    refused = await api.post("/v1/refunds", {"charge": dispute["charge"]})
    assert (refused.status, refused.error["code"]) == (400, "charge_disputed")
    other = (await api.paid(1_000))["latest_charge"]
    charge = (await api.get(f"/v1/charges/{other}")).body
    assert (charge["disputed"], charge["dispute"]) == (False, None)


async def test_what_is_about_what_can_be_expanded(api: Api) -> None:
    await api.paid(50_000)
    dispute = await disputed(api)
    both = (
        await api.get(f"{DISPUTES}/{dispute['id']}", {"expand": ["charge.dispute", "payment_intent"]})
    ).body
    assert both["payment_intent"]["id"] == dispute["payment_intent"]
    assert both["charge"]["dispute"] == dispute
    line = dispute["balance_transactions"][0]["id"]
    found = (await api.get(f"/v1/balance_transactions/{line}", {"expand": ["source.charge"]})).body
    assert found["source"]["charge"]["id"] == dispute["charge"]


async def test_evidence_is_staged_changed_and_submitted_once(api: Api) -> None:
    await api.paid(50_000)
    one = f"{DISPUTES}/{(await disputed(api))['id']}"
    evidence = {"customer_name": "Ada", "uncategorized_text": "line 1\nline 2"}
    staged = (await api.post(one, {"evidence": evidence, "submit": False, "metadata": {"a": "1"}})).body
    assert (staged["status"], staged["metadata"]) == ("needs_response", {"a": "1"})
    assert staged["evidence_details"]["has_evidence"]
    assert {name: text for name, text in staged["evidence"].items() if text} == evidence
    changed = (await api.post(one, {"evidence": {"customer_name": ""}, "submit": False})).body
    assert changed["evidence"]["customer_name"] is None
    assert (await api.post(one, {"metadata": {"a": ""}})).body["evidence_details"]["submission_count"] == 0
    submitted = (await api.post(one, {"submit": True})).body
    assert (submitted["status"], submitted["evidence_details"]["submission_count"]) == ("under_review", 1)
    assert submitted["evidence_details"]["submission_method"] == "manual"
    for form in ({"evidence": {"customer_name": "Eve"}}, {"submit": True}):
        refused = await api.post(one, form)
        assert (refused.status, refused.error["code"]) == (400, "dispute_unexpected_state")
    assert (await api.post(one, {"metadata": {"b": "2"}})).body["metadata"] == {"b": "2"}


async def test_winning_evidence_gives_the_money_back(api: Api) -> None:
    await api.paid(50_000)
    dispute = await disputed(api)
    one = f"{DISPUTES}/{dispute['id']}"
    await api.post(one, {"evidence": {"uncategorized_text": "winning_evidence"}})
    await api.core.sweep()()
    won = (await api.get(one)).body
    assert (won["status"], won["is_charge_refundable"]) == ("won", True)
    taken, back = won["balance_transactions"]
    assert (back["amount"], back["fee"], back["net"]) == (10_000, -2_750, 12_750)
    assert (back["reporting_category"], back["type"], back["source"]) == (
        "dispute_reversal",
        "adjustment",
        won["id"],
    )
    assert (await types(api, 3)) == [
        "charge.dispute.funds_reinstated",
        "charge.dispute.closed",
        "charge.updated",
    ]
    query = {"type": "adjustment", "limit": 5}
    listed = (await api.get("/v1/balance_transactions", query)).body["data"]
    assert listed == [back, taken]
    of_it = (await api.get("/v1/balance_transactions", {"source": won["id"]})).body["data"]
    assert of_it == [back, taken]
    assert (await api.get("/v1/balance_transactions", {"source": NOTHING})).status == 404


async def test_a_loss_is_accepted_once(api: Api) -> None:
    dispute = await disputed(api)
    path = f"{DISPUTES}/{dispute['id']}/close"
    lost = await api.post(path, Idempotency_Key="once")
    assert (lost.body["status"], lost.body["is_charge_refundable"]) == ("lost", False)
    again = await api.post(path, Idempotency_Key="once")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (lost.body, "true")
    refused = await api.post(path)
    assert (refused.status, refused.error["code"]) == (400, "dispute_unexpected_state")


async def test_an_inquiry_takes_no_money_and_is_settled_by_a_refund(api: Api) -> None:
    await api.paid(50_000)
    dispute = await disputed(api, INQUIRY)
    assert (dispute["status"], dispute["balance_transactions"]) == ("warning_needs_response", [])
    assert dispute["payment_method_details"]["card"]["case_type"] == "inquiry"
    assert dispute["is_charge_refundable"]
    refused = await api.post(f"{DISPUTES}/{dispute['id']}/close")
    assert (refused.status, refused.error["code"]) == (400, "dispute_unexpected_state")
    assert (await api.post("/v1/refunds", {"charge": dispute["charge"]})).body["status"] == "succeeded"


async def test_a_response_that_is_not_confirmed_says_so(api: Api, acquirer: SimulatedAcquirer) -> None:
    one = f"{DISPUTES}/{(await disputed(api))['id']}"
    acquirer.script.append(Fault.QUESTION_LOST)
    waiting = (await api.post(one, {"evidence": {"uncategorized_text": "x"}})).body
    assert (waiting["status"], waiting["evidence_details"]["submission_count"]) == ("needs_response", 0)
    refused = await api.post(one + "/close")
    assert (refused.status, refused.error["code"]) == (409, "dispute_response_pending")


async def test_disputes_are_listed_by_charge_and_payment(api: Api) -> None:
    await api.paid(50_000)
    first, second = [await disputed(api, amount=amount) for amount in (1_000, 2_000)]
    other = await api.paid(1_000)

    async def ids(**query: Any) -> list[str]:
        return [each["id"] for each in (await api.get(DISPUTES, query)).body["data"]]

    assert await ids() == [second["id"], first["id"]]
    assert await ids(charge=first["charge"]) == [first["id"]]
    assert await ids(payment_intent=second["payment_intent"]) == [second["id"]]
    assert await ids(payment_intent=other["id"]) == []
    assert await ids(payment_intent=other["id"], charge=first["charge"]) == []
    assert await ids(limit=1, starting_after=second["id"]) == [first["id"]]
    assert await ids(created={"gt": first["created"]}) == []
    for query in (
        {"charge": "ch_000000000000000000000zzz00"},
        {"payment_intent": "pi_000000000000000000000zzz"},
    ):
        assert (await api.get(DISPUTES, query)).status == 404


@pytest.mark.parametrize("id", [NOTHING, "dp_1", "pi_000000000000000000000zzz"])
async def test_what_there_is_not_is_not_found(api: Api, id: str) -> None:
    for reply in (
        await api.get(f"{DISPUTES}/{id}"),
        await api.post(f"{DISPUTES}/{id}", {"metadata": {"a": "1"}}),
        await api.post(f"{DISPUTES}/{id}/close"),
    ):
        assert (reply.status, reply.error["code"], reply.error["param"]) == (
            404,
            "resource_missing",
            "dispute",
        )


async def test_another_merchants_dispute_is_not_there(api: Api) -> None:
    dispute = await disputed(api)
    other = api.of(await open_shop(api.core, 2))
    assert (await other.get(f"{DISPUTES}/{dispute['id']}")).status == 404
    assert (await other.get(DISPUTES)).body["data"] == []


@pytest.mark.parametrize(
    ("form", "code", "param"),
    [
        ({"evidence": {"receipt": "file_1"}}, "parameter_unknown", "evidence[receipt]"),
        ({"evidence": "x"}, "parameter_invalid_value", "evidence"),
        (
            {"evidence": {"customer_name": "x" * 20_001}},
            "parameter_invalid_string_too_long",
            "evidence[customer_name]",
        ),
        (
            {"evidence": {"uncategorized_text": "it was 4242 4242 4242 4242"}},
            "parameter_invalid_value",
            "evidence[uncategorized_text]",
        ),
        ({"submit": "maybe"}, "parameter_invalid_boolean", "submit"),
        ({"submit": True}, "dispute_evidence_missing", "evidence"),
        (
            {"intended_submission_method": "smart_disputes"},
            "parameter_invalid_value",
            "intended_submission_method",
        ),
    ],
)
async def test_what_is_wrong_is_named(api: Api, form: dict[str, Any], code: str, param: str) -> None:
    dispute = await disputed(api)
    refused = await api.post(f"{DISPUTES}/{dispute['id']}", form)
    assert (refused.status, refused.error["code"], refused.error["param"]) == (400, code, param)


async def test_evidence_is_bounded_in_all(api: Api) -> None:
    one = f"{DISPUTES}/{(await disputed(api))['id']}"
    for name in EVIDENCE_NAMES[:7]:
        assert (await api.post(one, {"evidence": {name: "x" * 20_000}, "submit": False})).status == 200
    refused = await api.post(one, {"evidence": {"uncategorized_text": "x" * 10_001}, "submit": False})
    assert (refused.error["code"], refused.error["param"]) == (
        "parameter_invalid_string_too_long",
        "evidence",
    )


async def test_a_write_off_is_a_line_of_no_source(api: Api) -> None:
    await disputed(api)
    scope = api.shop.scope
    made = await api.core.propose_write_off()(Actor("ann", Face.CLI, "x"), scope, 1_000, "gone")
    done = await api.core.decide_write_off()(
        Actor("ben", Face.CLI, "x"), scope, made.unwrap().id, approve=True
    )
    line = (await api.get(f"/v1/balance_transactions/{done.unwrap().movement}")).body
    assert (line["amount"], line["net"], line["type"]) == (1_000, 1_000, "adjustment")
    assert (line["reporting_category"], line["source"]) == ("other_adjustment", None)
    event = (await api.get("/v1/events", {"limit": 1})).body["data"][0]
    assert event["type"] == "write_off.updated"
    assert event["data"]["object"]["status"] == "approved"
    assert "ann" not in str(event["data"])


async def test_without_the_keys_a_dispute_is_told_without_its_evidence() -> None:
    vault = ScriptedVault()
    async with profiles.testing(key_vault=vault) as core, driving(core) as api:
        await api.paid(50_000)
        path = f"{DISPUTES}/{(await disputed(api))['id']}"
        named = {"evidence": {"customer_name": "Ada Lovelace"}, "submit": False}
        staged = (await api.post(path, named)).body
        assert (staged["evidence"]["customer_name"], "protection" in staged) == ("Ada Lovelace", False)
        event = (await api.get("/v1/events", {"limit": 1})).body["data"][0]["data"]["object"]
        nothing = staged["evidence"] | {"customer_name": None}
        assert event == staged | {"evidence": nothing, "protection": "withheld"}
        vault.refusing[api.shop.scope] = CustodyReason.REVOKED
        held = staged | {"evidence": nothing, "protection": "revoked"}
        assert (await api.get(path)).body == held
        assert (await api.get(DISPUTES)).body["data"] == [held]
        refused = await api.post(path, named)
        assert (refused.status, refused.error["code"]) == (403, "merchant_key_revoked")
        assert (await api.post(f"{path}/close")).body["status"] == "lost"
