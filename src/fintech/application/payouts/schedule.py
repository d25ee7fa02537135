"""Payouts that nobody has to ask for."""

from datetime import datetime

from attrs import frozen

from fintech.application.commits import Commits, Decision, Request, saved
from fintech.application.payouts.creating import CreatePayout
from fintech.domain.balance_settings import BalanceSettings
from fintech.domain.changeset import AccountClosed
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payments.refusals import MerchantMayNot, MerchantReason
from fintech.domain.payouts.payout import Payout, PayoutMethod
from fintech.domain.payouts.refusals import NotDue
from fintech.domain.payouts.schedule import scheduled, unscheduled
from fintech.domain.scope import Actor, Scope
from fintech.ports.store import Store


@frozen(kw_only=True)
class PayOnSchedule:
    """Pay out what is available, when a merchant's schedule says so."""

    store: Store
    commits: Commits
    create: CreatePayout

    async def __call__(self, scope: Scope, actor: Actor) -> Payout | None:
        """The payout that was made; None where there was nothing to be made now, and the schedule goes on.

        No more than the merchant's minimum, a merchant that may not be paid or has no account: next time. Closed books
        have no next time.
        """
        made = await self.create(
            Request(actor=actor), scope, amount_minor=None, method=PayoutMethod.STANDARD, automatic=True
        )
        if isinstance(made, Success):
            return made.unwrap().value
        refused = made.failure()
        if not isinstance(refused, NotDue):
            closed = isinstance(refused, AccountClosed) or refused == MerchantMayNot(MerchantReason.CLOSED)
            await self._go_on(scope, actor, closed=closed)
        return None

    async def _go_on(self, scope: Scope, actor: Actor, *, closed: bool) -> None:
        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[BalanceSettings], NotDue]:
            settings = await self.store.balance_settings(scope)
            if settings is None or settings.due_at is None or settings.due_at > now:
                return Failure(NotDue())
            after = unscheduled(settings) if closed else scheduled(settings, now)
            return Success(
                Decision(value=saved(after), changes=((after, EventType.BALANCE_SETTINGS_UPDATED),))
            )

        await self.commits.land(scope, actor, decide)
