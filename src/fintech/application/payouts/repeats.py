"""Requests about payouts that were made before."""

from typing import TypeAlias

from fintech.application.commits import Reply
from fintech.application.payouts.asking import PayoutRefusal
from fintech.domain.outcome import Outcome
from fintech.domain.payouts.payout import Payout

PayoutAnswered: TypeAlias = Outcome[Reply[Payout], PayoutRefusal]
