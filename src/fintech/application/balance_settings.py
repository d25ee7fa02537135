"""How a merchant is paid out: its own wishes, and the back office's terms of instant payouts."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import Commits, Decision, NotFound, Reply, Request, saved
from fintech.application.repeats import replied
from fintech.domain.balance_settings import (
    BalanceSettings,
    InstantPolicy,
    Schedule,
    SettingsFault,
    default_settings,
    policy_fault,
)
from fintech.domain.changeset import CommitRefused
from fintech.domain.events import EventType
from fintech.domain.evolving import evolve
from fintech.domain.ids import ChangesetId
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.payouts.schedule import changed
from fintech.domain.scope import Actor, Scope
from fintech.ports.store import Store

#: Why a request about balance settings is not done.
BalanceSettingsRefusal: TypeAlias = SettingsFault | NotFound | CommitRefused


async def load_settings(store: Store, scope: Scope, at: datetime) -> BalanceSettings:
    """A merchant's settings, or the default ones where nothing was said yet (version 0)."""
    return await store.balance_settings(scope) or default_settings(scope.merchant, at)


@frozen(kw_only=True)
class ChangeBalanceSettings:
    """What the merchant itself may say: when it is paid without asking, and what is too little for that."""

    store: Store
    commits: Commits

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        schedule: Schedule | None = None,
        minimum_minor: int | None = None,
    ) -> Outcome[Reply[BalanceSettings], BalanceSettingsRefusal]:
        """Change what is given; refused as `changed` refuses."""

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[BalanceSettings], BalanceSettingsRefusal]:
            if await self.store.merchant(scope) is None:
                return Failure(NotFound("merchant", scope.merchant))
            settings = await load_settings(self.store, scope, now)
            changing = changed(settings, now, schedule=schedule, minimum_minor=minimum_minor)
            if isinstance(changing, Failure):
                return changing
            after = changing.unwrap()
            return Success(
                Decision(
                    value=saved(after),
                    changes=((after, EventType.BALANCE_SETTINGS_UPDATED),),
                    claim=request.claim_and_answer(after.id, now),
                )
            )

        outcome = await self.commits.land(scope, request.actor, decide)
        return await replied(self.commits, request, scope, BalanceSettings, outcome)


@frozen(kw_only=True)
class ChangeInstantPolicy:
    """What the back office says of a merchant's instant payouts."""

    store: Store
    commits: Commits

    async def __call__(
        self, actor: Actor, scope: Scope, policy: InstantPolicy
    ) -> Outcome[BalanceSettings, BalanceSettingsRefusal]:
        """The settings with it; refused as `policy_fault` says."""
        fault = policy_fault(policy)
        if fault is not None:
            return Failure(fault)

        async def decide(
            _changeset: ChangesetId, now: datetime
        ) -> Outcome[Decision[BalanceSettings], BalanceSettingsRefusal]:
            if await self.store.merchant(scope) is None:
                return Failure(NotFound("merchant", scope.merchant))
            after = evolve(await load_settings(self.store, scope, now), instant=policy)
            return Success(
                Decision(value=saved(after), changes=((after, EventType.BALANCE_SETTINGS_UPDATED),))
            )

        return await self.commits.land(scope, actor, decide)
