"""Asking the bank for a payout whose intent is committed, and committing what came of it."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import NotFound
from fintech.domain.changeset import CommitRefused
from fintech.domain.metadata import TooManyKeys
from fintech.domain.payouts.refusals import PayoutRuleRefusal


@frozen
class BankMissing:
    """No bank serves this mode: simulators never serve live mode."""

    livemode: bool


#: Why a request about a payout is not done.
PayoutRefusal: TypeAlias = PayoutRuleRefusal | TooManyKeys | CommitRefused | NotFound | BankMissing
