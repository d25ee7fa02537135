"""What merchants ask of a payout."""

from attrs import frozen

from fintech.application.commits import Request
from fintech.application.payouts.repeats import PayoutAnswered
from fintech.domain.ids import BankAccountId, PayoutId
from fintech.domain.metadata import Metadata
from fintech.domain.payouts.payout import PayoutMethod
from fintech.domain.scope import Scope


@frozen(kw_only=True)
class CreatePayout:
    """Pay a merchant."""

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        amount_minor: int | None,
        method: PayoutMethod,
        destination: BankAccountId | None = None,
        description: str | None = None,
        statement_descriptor: str | None = None,
        metadata: Metadata = (),
        automatic: bool = False,
    ) -> PayoutAnswered:
        """Without an amount, all that there is; without a destination, the default one."""
        raise NotImplementedError


@frozen(kw_only=True)
class UpdatePayout:
    """Change what the merchant has hung on it."""

    async def __call__(
        self, request: Request, scope: Scope, id: PayoutId, *, metadata: Metadata | None = None
    ) -> PayoutAnswered:
        """``metadata`` is merged into what is there by then."""
        raise NotImplementedError


@frozen(kw_only=True)
class CancelPayout:
    """Take back a payout that was not sent yet."""

    async def __call__(self, request: Request, scope: Scope, id: PayoutId) -> PayoutAnswered:
        """Refused unless it is pending."""
        raise NotImplementedError


@frozen(kw_only=True)
class ReversePayout:
    """Ask the bank to bring a paid payout back."""

    async def __call__(
        self, request: Request, scope: Scope, id: PayoutId, *, metadata: Metadata = ()
    ) -> PayoutAnswered:
        """The payout that brings it back; refused unless the other is paid and was never reversed."""
        raise NotImplementedError
