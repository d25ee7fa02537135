"""The key inventory as it is now: the kinds of keys (`KEY_KINDS`), and how many merchants' keys hang from each root key,
how old they are, and how many are past their crypto-period (PCI DSS 12.3.3)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from attrs import define, frozen

from fintech.domain.keys.custody import CmkName, CmkStatus, Custody, KeyRing, KeyStatus
from fintech.domain.keys.inventory import KEY_KINDS, KeyKind
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.scope import Scope
from fintech.ports.clock import Clock
from fintech.ports.key_table import LISTED_MAX, KeyTable


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
    rings: dict[Custody, int]


@define
class _Count:
    rings: int = 0
    active: int = 0
    decrypt_only: int = 0
    oldest: datetime | None = None
    overdue: int = 0
    left: int = 0


#: How many rings are read at once.
PAGE: Final = LISTED_MAX


@frozen(kw_only=True)
class TakeInventory:
    """Count all rings of keys, page by page."""

    table: KeyTable
    clock: Clock
    policy: KeyPolicy

    async def __call__(self) -> KeyInventory:
        """Raises `StoreUnavailable`."""
        now = self.clock.now()
        counts: dict[CmkName, _Count] = {}
        rings = dict.fromkeys(Custody, 0)
        after: Scope | None = None
        while page := await self.table.rings(None, after, PAGE):
            for ring in page:
                rings[ring.custody] += 1
                self._count(ring, counts, now)
            after = page[-1].scope
        statuses = {root.cmk: root.status for root in await self.table.root_keys()}
        hanging = [
            Hanging(
                cmk=cmk,
                status=statuses.get(cmk),
                rings=count.rings,
                active=count.active,
                decrypt_only=count.decrypt_only,
                oldest=count.oldest,
                overdue=count.overdue,
                left=count.left,
            )
            for cmk in sorted({*statuses, *counts})
            for count in (counts.get(cmk, _Count()),)
        ]
        return KeyInventory(at=now, kinds=KEY_KINDS, hanging=hanging, rings=rings)

    def _count(self, ring: KeyRing, counts: dict[CmkName, _Count], now: datetime) -> None:
        open_keys = [key for key in ring.keys if key.status is not KeyStatus.RETIRED]
        for cmk in {key.cmk for key in open_keys}:
            counts.setdefault(cmk, _Count()).rings += 1
        for key in open_keys:
            count = counts[key.cmk]
            if key.status is KeyStatus.DECRYPT_ONLY:
                count.decrypt_only += 1
                continue
            count.active += 1
            count.oldest = min(count.oldest or key.created_at, key.created_at)
            count.overdue += self.policy.due(key, now)
        for grant in ring.left:
            counts.setdefault(grant.cmk, _Count()).left += 1
