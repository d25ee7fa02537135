"""What may happen, and how often."""

from datetime import timedelta
from typing import Final

from attrs import frozen
from hypothesis import strategies as st

from fintech.adapters.simulator.card_acquirer import Fault
from tests.properties.acquirers import DEATHS
from tests.properties.world import NUMBERS, TERMS

#: Most cards work.
CARDS: Final = (
    *["pm_card_visa"] * 10,
    *["pm_card_amex"] * 2,
    *["pm_card_refundFail"] * 2,
    "pm_card_mastercard",
    "pm_card_chargeDeclined",
    "pm_card_pendingRefund",
    "pm_card_refundDeclined",
    "pm_card_answerLost",
    "pm_card_declineLost",
    "pm_card_questionLost",
    "pm_card_acquirerSilent",
)
#: Cards whose holders dispute what they paid, or have their bank ask.
DISPUTED: Final = (
    "pm_card_createDispute",
    "pm_card_createDispute",
    "pm_card_createDisputeProductNotReceived",
    "pm_card_createDisputeInquiry",
)
#: What is said to a dispute, most of which decides it.
EVIDENCE: Final = (
    "winning_evidence",
    "winning_evidence",
    "losing_evidence",
    "escalate_inquiry_evidence",
    "Delivered",
)
#: Few payments to which much happens are a better story than many to which nothing does.
PAYMENTS_MAX: Final = 10
WHO: Final = st.integers(0, len(TERMS) - 1)
#: Most payouts go to the default account.
DESTINATIONS: Final = st.none() | st.none() | st.sampled_from(NUMBERS)
WHICH: Final = st.integers(0, 9)
AMOUNTS: Final = st.integers(50, 50_000) | st.sampled_from([50, 60, 100, 10_000, 10_000, 10_000, 49, 50_001])
PERCENTS: Final = st.none() | st.integers(1, 99) | st.sampled_from([100, 50, 50, 101, 0, -1])
PAUSES: Final = st.sampled_from(
    [
        timedelta(),
        timedelta(seconds=1),
        timedelta(seconds=5),
        timedelta(seconds=46),
        timedelta(seconds=61),
        timedelta(minutes=20),
        timedelta(hours=13),
        timedelta(days=1),
        timedelta(days=3),
        timedelta(days=7),
    ]
)


@frozen
class How:
    """Whether a request has a key and comes twice, and what the line does to its call."""

    keyed: bool
    line: str | None
    twice: bool = False


HOW: Final = st.builds(
    How,
    keyed=st.booleans(),
    twice=st.booleans(),
    line=st.sampled_from([*[None] * 8, *Fault, *DEATHS, Fault.ANSWER_LOST]),
)
