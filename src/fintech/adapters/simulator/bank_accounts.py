"""The test bank accounts: numbers that Stripe publishes for its own sandbox, and a few for what it has no number for.

The number alone says what happens, under whatever BSB (Stripe's examples have 000000). No money ever moves.
"""

from enum import StrEnum
from typing import Final

from attrs import field, frozen

from fintech.domain.payouts.payout import PayoutFailure


class Behaviour(StrEnum):
    """What the simulated bank, and the line to it, do with an order."""

    PAY = "pay"
    REJECT = "reject"
    #: Paid, and sent back by the other bank a little later.
    PAY_AND_RETURN = "pay_and_return"
    #: Paid, but the answer never arrives.
    PAY_AND_LOSE_ANSWER = "pay_and_lose_answer"
    #: The order does not arrive the first time, and nobody answers.
    LOSE_ORDER = "lose_order"
    #: Neither orders nor enquiries are answered.
    SILENT = "silent"
    #: Paid, but not brought back when that is asked for.
    PAY_AND_KEEP = "pay_and_keep"


@frozen(kw_only=True)
class TestAccount:
    """A test account and what it does. ``failure`` is why it rejects or returns."""

    __test__ = False

    name: str
    number: str = field(repr=False)
    behaviour: Behaviour = Behaviour.PAY
    failure: PayoutFailure = PayoutFailure.COULD_NOT_PROCESS


def _rejecting(number: str, failure: PayoutFailure) -> TestAccount:
    return TestAccount(name=failure.value, number=number, behaviour=Behaviour.REJECT, failure=failure)


TEST_ACCOUNTS: Final = (
    TestAccount(name="pays", number="000123456"),
    _rejecting("111111113", PayoutFailure.ACCOUNT_CLOSED),
    _rejecting("111111116", PayoutFailure.NO_ACCOUNT),
    _rejecting("222222227", PayoutFailure.INSUFFICIENT_FUNDS),
    _rejecting("333333335", PayoutFailure.BANK_ACCOUNT_RESTRICTED),
    TestAccount(
        name="returns",
        number="000900011",
        behaviour=Behaviour.PAY_AND_RETURN,
        failure=PayoutFailure.INCORRECT_ACCOUNT_HOLDER_NAME,
    ),
    TestAccount(name="answer_lost", number="000900029", behaviour=Behaviour.PAY_AND_LOSE_ANSWER),
    TestAccount(name="order_lost", number="000900037", behaviour=Behaviour.LOSE_ORDER),
    TestAccount(name="silent", number="000900045", behaviour=Behaviour.SILENT),
    TestAccount(
        name="keeps",
        number="000900052",
        behaviour=Behaviour.PAY_AND_KEEP,
        failure=PayoutFailure.DECLINED,
    ),
)

#: An account that is no test account: the simulated bank has never heard of it.
NOBODYS: Final = TestAccount(
    name="nobodys", number="", behaviour=Behaviour.REJECT, failure=PayoutFailure.NO_ACCOUNT
)
BY_NUMBER: Final = {account.number: account for account in TEST_ACCOUNTS}
BY_NAME: Final = {account.name: account for account in (*TEST_ACCOUNTS, NOBODYS)}
