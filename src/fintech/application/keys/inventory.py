"""The key inventory as it is now: the kinds of keys (`KEY_KINDS`), and how many merchants' keys hang from each root key,
how old they are, and how many are past their crypto-period (PCI DSS 12.3.3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen

from fintech.domain.keys.custody import CmkName, CmkStatus, Custody
from fintech.domain.keys.inventory import KEY_KINDS, KeyKind
from fintech.domain.keys.periods import KeyPolicy
from fintech.ports.clock import Clock
from fintech.ports.key_table import KeyCount, KeyTable


@frozen(kw_only=True)
class Hanging:
    """What hangs from one root key: rings with a version that is not retired, those versions by status, when the oldest
    that seals was made, how many that seal are past their period, and permissions that are still to be withdrawn."""

    cmk: CmkName
    status: CmkStatus | None
    rings: int
    active: int
    decrypt_only: int
    oldest: datetime | None
    overdue: int
    left: int


@frozen(kw_only=True)
class KeyInventory:
    """Kinds of keys, and what there is of merchants' keys at a moment. ``rings`` counts all of them, by custody."""

    at: datetime
    kinds: Sequence[KeyKind]
    hanging: Sequence[Hanging]
    rings: Mapping[Custody, int]


@frozen(kw_only=True)
class TakeInventory:
    """Count all rings of keys."""

    table: KeyTable
    clock: Clock
    policy: KeyPolicy

    async def __call__(self) -> KeyInventory:
        """Raises `StoreUnavailable`."""
        now = self.clock.now()
        census = await self.table.census(now, now - self.policy.period)
        statuses = {root.cmk: root.status for root in await self.table.root_keys()}
        hanging = [
            Hanging(
                cmk=cmk,
                status=statuses.get(cmk),
                rings=count.rings,
                active=count.active,
                decrypt_only=count.decrypt_only,
                oldest=count.oldest,
                overdue=count.due,
                left=count.left,
            )
            for cmk in sorted({*statuses, *census.hanging})
            for count in (census.hanging.get(cmk, KeyCount()),)
        ]
        return KeyInventory(at=now, kinds=KEY_KINDS, hanging=hanging, rings=census.rings)
