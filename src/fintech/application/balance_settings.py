"""How a merchant is paid out: its own wishes, and the back office's terms of instant payouts."""

from datetime import datetime
from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import NotFound, Reply, Request
from fintech.domain.balance_settings import (
    BalanceSettings,
    InstantPolicy,
    Schedule,
    SettingsFault,
    default_settings,
)
from fintech.domain.changeset import CommitRefused
from fintech.domain.outcome import Outcome
from fintech.domain.scope import Actor, Scope
from fintech.ports.store import Store

#: Why a request about balance settings is not done.
BalanceSettingsRefusal: TypeAlias = SettingsFault | NotFound | CommitRefused


async def load_settings(store: Store, scope: Scope, at: datetime) -> BalanceSettings:
    """A merchant's settings, or the default ones where nothing was said yet (version 0)."""
    return await store.balance_settings(scope) or default_settings(scope.merchant, at)


@frozen(kw_only=True)
class ChangeBalanceSettings:
    """What the merchant itself may say."""

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        schedule: Schedule | None = None,
        minimum_minor: int | None = None,
    ) -> Outcome[Reply[BalanceSettings], BalanceSettingsRefusal]:
        """Change what is given."""
        raise NotImplementedError


@frozen(kw_only=True)
class ChangeInstantPolicy:
    """What the back office says of instant payouts."""

    async def __call__(
        self, actor: Actor, scope: Scope, policy: InstantPolicy
    ) -> Outcome[BalanceSettings, BalanceSettingsRefusal]:
        """The settings with it."""
        raise NotImplementedError
