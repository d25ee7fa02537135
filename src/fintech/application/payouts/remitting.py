"""What a payout pays for: the one call that the making of a payout makes."""

from datetime import datetime

from attrs import frozen

from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.ids import ChangesetId
from fintech.domain.payouts.payout import Payout
from fintech.domain.remittances import Remittance
from fintech.domain.scope import Scope


@frozen
class Remitting:
    """The settings with how far payouts have come by now, and the pages of what the payout pays for."""

    settings: BalanceSettings
    pages: tuple[Remittance, ...] = ()


@frozen(kw_only=True)
class RemitLines:
    """Says which lines a payout that is being made pays for."""

    async def __call__(
        self,
        scope: Scope,
        settings: BalanceSettings,
        payout: Payout,
        total_minor: int,
        changeset: ChangesetId,
        now: datetime,
    ) -> Remitting:
        """``total_minor`` is what the payout takes from the balance: its amount, its fee and the tax on it.

        Called inside the decision, whose commit saves the settings under the version that they were read with.
        """
        del scope, payout, total_minor, changeset, now
        return Remitting(settings)
