"""Disputes through the official SDK, with another base address and nothing else changed."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.scenarios.test_stripe_sdk import Sdk, client_of, pay
from tests.unit.entrypoints.http.driving import Served, served_in_thread


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


def disputed(served: Served, sdk: Sdk, card: str = "pm_card_createDispute") -> Any:
    """A dispute of a payment."""
    charge = pay(sdk, payment_method=card).latest_charge
    served.run(served.core.sweep()())
    (dispute,) = sdk.v1.disputes.list({"charge": charge}).data
    return dispute


def test_a_dispute_from_its_evidence_to_the_money_back(served: Served, sdk: Sdk) -> None:
    pay(sdk, 50_000)
    dispute = disputed(served, sdk)
    assert isinstance(dispute, stripe.Dispute)
    assert (dispute.status, dispute.reason, dispute.amount) == ("needs_response", "fraudulent", 10_000)
    (line,) = dispute.balance_transactions
    assert isinstance(line, stripe.BalanceTransaction)
    assert (line.amount, line.fee, line.net, line.type) == (-10_000, 2_750, -12_750, "adjustment")
    staged = sdk.v1.disputes.update(
        dispute.id,
        {"evidence": {"customer_name": "Ada"}, "submit": False, "metadata": {"ticket": "7"}},
    )
    assert (staged.evidence.customer_name, staged.metadata["ticket"]) == ("Ada", "7")
    assert staged.evidence_details.has_evidence
    submitted = sdk.v1.disputes.update(
        dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}, "submit": True}
    )
    assert (submitted.status, submitted.evidence_details.submission_count) == ("under_review", 1)
    served.run(served.core.sweep()())
    won = sdk.v1.disputes.retrieve(dispute.id, {"expand": ["charge", "payment_intent"]})
    assert (won.status, won.charge.disputed, won.payment_intent.object) == ("won", True, "payment_intent")
    assert [each.reporting_category for each in won.balance_transactions] == ["dispute", "dispute_reversal"]
    types = [event.type for event in sdk.v1.events.list({"type": "charge.dispute.*"}).data]
    assert types == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.updated",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.created",
    ]
    (event, *_) = sdk.v1.events.list({"type": "charge.dispute.closed"}).data
    assert event.data.object.balance_transactions[1].amount == 10_000


def test_a_loss_is_accepted_and_what_was_charged_back_is_not_refunded(served: Served, sdk: Sdk) -> None:
    dispute = disputed(served, sdk)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"charge": dispute.charge})
    assert refused.value.code == "charge_disputed"
    assert sdk.v1.disputes.close(dispute.id).status == "lost"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Ada"}})


def test_an_inquiry_is_settled_by_a_refund(served: Served, sdk: Sdk) -> None:
    pay(sdk, 50_000)
    dispute = disputed(served, sdk, "pm_card_createDisputeInquiry")
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    assert dispute.payment_method_details.card.case_type == "inquiry"
    assert sdk.v1.refunds.create({"charge": dispute.charge}).status == "succeeded"
