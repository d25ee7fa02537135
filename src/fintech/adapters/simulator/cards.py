"""The test cards: numbers and names that Stripe publishes for its own sandbox, and a few for what it has no card for.

No number here can be charged by anyone.
"""

from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.adapters.simulator.disputes import DisputeBehaviour
from fintech.domain.cards import Advice, Decline, DeclineCode, Funding, Scheme


class Behaviour(StrEnum):
    """What the simulated issuer and the line to it do."""

    APPROVE = "approve"
    DECLINE = "decline"
    #: Approved, but the answer never arrives.
    APPROVE_AND_LOSE_ANSWER = "approve_and_lose_answer"
    #: Declined, but the answer never arrives.
    DECLINE_AND_LOSE_ANSWER = "decline_and_lose_answer"
    #: The question never arrives; nobody will ever know of it.
    LOSE_QUESTION = "lose_question"
    #: Neither questions nor enquiries are answered.
    SILENT = "silent"


class RefundBehaviour(StrEnum):
    """What becomes of refunds to the card."""

    APPROVE = "approve"
    DECLINE = "decline"
    APPROVE_AND_RETURN = "approve_and_return"  #: succeeds, and comes back later
    LOSE_ANSWER = "lose_answer"  #: succeeds, but the answer never arrives


@frozen(kw_only=True)
class TestCard:
    """A test card and what it does."""

    __test__ = False

    name: str
    number: str = field(repr=False)
    scheme: Scheme = Scheme.VISA
    funding: Funding = Funding.CREDIT
    country: str = "US"
    behaviour: Behaviour = Behaviour.APPROVE
    decline: Decline | None = None
    refunds: RefundBehaviour = RefundBehaviour.APPROVE
    disputes: DisputeBehaviour | None = None


def _declining(name: str, number: str, code: DeclineCode, scheme_code: str, advice: Advice) -> TestCard:
    decline = Decline(code=code, scheme_code=scheme_code, advice=advice)
    return TestCard(name=name, number=number, behaviour=Behaviour.DECLINE, decline=decline)


_DO_NOT_HONOUR: Final = Decline(
    code=DeclineCode.GENERIC_DECLINE, scheme_code="05", advice=Advice.TRY_AGAIN_LATER
)

TEST_CARDS: Final = (
    TestCard(name="pm_card_visa", number="4242424242424242"),
    TestCard(name="pm_card_visa_debit", number="4000056655665556", funding=Funding.DEBIT),
    TestCard(name="pm_card_mastercard", number="5555555555554444", scheme=Scheme.MASTERCARD),
    TestCard(
        name="pm_card_mastercard_debit",
        number="5200828282828210",
        scheme=Scheme.MASTERCARD,
        funding=Funding.DEBIT,
    ),
    TestCard(
        name="pm_card_mastercard_prepaid",
        number="5105105105105100",
        scheme=Scheme.MASTERCARD,
        funding=Funding.PREPAID,
    ),
    TestCard(name="pm_card_amex", number="378282246310005", scheme=Scheme.AMEX),
    TestCard(name="pm_card_discover", number="6011111111111117", scheme=Scheme.DISCOVER),
    TestCard(name="pm_card_diners", number="3056930009020004", scheme=Scheme.DINERS),
    TestCard(name="pm_card_jcb", number="3566002020360505", scheme=Scheme.JCB, country="JP"),
    TestCard(name="pm_card_unionpay", number="6200000000000005", scheme=Scheme.UNIONPAY, country="CN"),
    TestCard(name="pm_card_au", number="4000000360000006", country="AU"),
    _declining(
        "pm_card_chargeDeclined",
        "4000000000000002",
        DeclineCode.GENERIC_DECLINE,
        "05",
        Advice.TRY_AGAIN_LATER,
    ),
    _declining(
        "pm_card_chargeDeclinedInsufficientFunds",
        "4000000000009995",
        DeclineCode.INSUFFICIENT_FUNDS,
        "51",
        Advice.TRY_AGAIN_LATER,
    ),
    _declining(
        "pm_card_chargeDeclinedLostCard",
        "4000000000009987",
        DeclineCode.LOST_CARD,
        "41",
        Advice.DO_NOT_TRY_AGAIN,
    ),
    _declining(
        "pm_card_chargeDeclinedStolenCard",
        "4000000000009979",
        DeclineCode.STOLEN_CARD,
        "43",
        Advice.DO_NOT_TRY_AGAIN,
    ),
    _declining(
        "pm_card_chargeDeclinedExpiredCard",
        "4000000000000069",
        DeclineCode.EXPIRED_CARD,
        "54",
        Advice.CONFIRM_CARD_DATA,
    ),
    _declining(
        "pm_card_chargeDeclinedIncorrectCvc",
        "4000000000000127",
        DeclineCode.INCORRECT_CVC,
        "N7",
        Advice.CONFIRM_CARD_DATA,
    ),
    _declining(
        "pm_card_chargeDeclinedProcessingError",
        "4000000000000119",
        DeclineCode.PROCESSING_ERROR,
        "96",
        Advice.TRY_AGAIN_LATER,
    ),
    _declining(
        "pm_card_chargeDeclinedVelocityLimitExceeded",
        "4000000000006975",
        DeclineCode.VELOCITY_EXCEEDED,
        "65",
        Advice.TRY_AGAIN_LATER,
    ),
    _declining(
        "pm_card_chargeDeclinedFraudulent",
        "4100000000000019",
        DeclineCode.FRAUDULENT,
        "59",
        Advice.DO_NOT_TRY_AGAIN,
    ),
    TestCard(
        name="pm_card_refundFail",
        number="4000000000005126",
        refunds=RefundBehaviour.APPROVE_AND_RETURN,
    ),
    TestCard(name="pm_card_pendingRefund", number="4000000000007726", refunds=RefundBehaviour.LOSE_ANSWER),
    TestCard(name="pm_card_refundDeclined", number="4000000000090011", refunds=RefundBehaviour.DECLINE),
    TestCard(
        name="pm_card_createDispute",
        number="4000000000000259",
        disputes=DisputeBehaviour.FRAUDULENT,
    ),
    TestCard(
        name="pm_card_createDisputeProductNotReceived",
        number="4000000000002685",
        disputes=DisputeBehaviour.PRODUCT_NOT_RECEIVED,
    ),
    TestCard(
        name="pm_card_createDisputeInquiry",
        number="4000000000001976",
        disputes=DisputeBehaviour.INQUIRY,
    ),
    TestCard(
        name="pm_card_answerLost",
        number="4000000000090029",
        behaviour=Behaviour.APPROVE_AND_LOSE_ANSWER,
    ),
    TestCard(
        name="pm_card_declineLost",
        number="4000000000090037",
        behaviour=Behaviour.DECLINE_AND_LOSE_ANSWER,
        decline=_DO_NOT_HONOUR,
    ),
    TestCard(name="pm_card_questionLost", number="4000000000090045", behaviour=Behaviour.LOSE_QUESTION),
    TestCard(name="pm_card_acquirerSilent", number="4000000000090052", behaviour=Behaviour.SILENT),
)

BY_NAME: Final = {card.name: card for card in TEST_CARDS}
BY_NUMBER: Final = {card.number: card for card in TEST_CARDS}
