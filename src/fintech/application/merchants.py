"""Merchants: onboarding and standing."""

from datetime import datetime, time

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import Commits, Decision, NotFound, saved
from fintech.domain.abn import Abn
from fintech.domain.audit import AuditAction
from fintech.domain.business_days import MIDNIGHT
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.ids import ChangesetId, MerchantId
from fintech.domain.merchants import (
    DEFAULT_FEES,
    DEFAULT_LIMITS,
    FeePlan,
    Limits,
    Merchant,
    Standing,
    StandingRefused,
)
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.store import Store


@frozen
class MerchantExists:
    """The merchant is there already in this mode."""

    id: MerchantId


@frozen(kw_only=True)
class OnboardMerchant:
    """Open a merchant's books in one mode."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        actor: Actor,
        id: MerchantId,
        *,
        livemode: bool,
        name: str,
        currency: Currency = Currency.AUD,
        fees: FeePlan = DEFAULT_FEES,
        limits: Limits = DEFAULT_LIMITS,
        cut_off: time = MIDNIGHT,
        abn: Abn | None = None,
    ) -> Outcome[Merchant, MerchantExists | CommitRefused]:
        """Refused as `MerchantExists` when it is there already."""

        scope = Scope(id, livemode)

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[Merchant], MerchantExists]:
            if await self.store.merchant(scope) is not None:
                return Failure(MerchantExists(id))
            merchant = Merchant(
                id=id,
                version=0,
                name=name,
                standing=Standing.ACTIVE,
                currency=currency,
                fees=fees,
                limits=limits,
                created_at=now,
                cut_off=cut_off,
                abn=abn,
            )
            return Success(Decision(value=saved(merchant), changes=((merchant, EventType.ACCOUNT_CREATED),)))

        return await self.commits.land(scope, actor, decide)


@frozen(kw_only=True)
class PlaceMerchant:
    """Suspend, reactivate or close a merchant. Rights are given only where that can be written down, and taken away also
    where it cannot."""

    store: Store
    commits: Commits
    audited: Audited

    async def __call__(
        self, actor: Actor, scope: Scope, standing: Standing
    ) -> Outcome[Merchant, NotFound | StandingRefused | CommitRefused]:
        """Refused as `Merchant.placed` refuses."""

        async def decide(
            _changeset: ChangesetId, _now: datetime
        ) -> Outcome[Decision[Merchant], NotFound | StandingRefused]:
            merchant = await self.store.merchant(scope)
            if merchant is None:
                return Failure(NotFound("merchant", scope.merchant))
            placed = merchant.placed(standing)
            if isinstance(placed, Failure):
                return placed
            after = placed.unwrap()
            return Success(Decision(value=saved(after), changes=((after, EventType.ACCOUNT_UPDATED),)))

        deed = Deed(
            actor=actor,
            action=AuditAction.STANDING_CHANGED,
            subject=scope.merchant,
            scope=scope,
            details={"standing": standing.value},
            anyway=standing is not Standing.ACTIVE,
        )
        async with self.audited.deed(deed) as ending:
            outcome = await self.commits.land(scope, actor, decide)
            ending.came_to(outcome)
        return outcome
