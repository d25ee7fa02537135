"""How custody stands: root keys with their heartbeats, how many rings are in which state, and what the bank has said."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import frozen

from fintech.application.keys.carrying_out import SIGNATURE_BYTES
from fintech.domain.keys.breaking_glass import GlassRequest, read_request
from fintech.domain.keys.custody import CmkName, CmkStatus, Custody
from fintech.domain.keys.orders import Order, read_order
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Success
from fintech.ports.clock import Clock
from fintech.ports.key_table import AppliedOrder, KeyCount, KeyTable, RootKey
from fintech.ports.signatures import SignatureChecker

BanksWord: TypeAlias = Order | GlassRequest


@frozen(kw_only=True)
class KeptWord:
    """What the bank said, read again from what it signed, and which of the keys that are known now it was signed with."""

    word: BanksWord | None
    kept: AppliedOrder
    signed_by: tuple[str, ...]

    @property
    def signatures(self) -> tuple[bytes, ...]:
        """One, or two where it took two officers."""
        return _signatures_of(self.kept)


@frozen(kw_only=True)
class CustodyStatus:
    """How things stand at a moment. ``opened`` is how many rings are usable by broken glass, ``uncertified`` how many are
    shredded without a certificate yet; versions that ``hanging`` calls
    due are past their crypto-period."""

    at: datetime
    last_order: int
    epoch: int
    root_keys: Sequence[RootKey]
    rings: Mapping[Custody, int]
    opened: int
    uncertified: int
    hanging: Mapping[CmkName, KeyCount]

    def heartbeat_age(self, root_key: RootKey) -> timedelta | None:
        """How long ago the root last let us use a root key; None if it never did."""
        return None if root_key.authorised_at is None else self.at - root_key.authorised_at

    @staticmethod
    def usable(root_key: RootKey) -> bool:
        """Whether what hangs from a root key can be used, as far as anybody has said."""
        return root_key.custody_open and root_key.status is CmkStatus.ENABLED


@frozen(kw_only=True)
class ListOrders:
    """What the bank has said, by number."""

    table: KeyTable
    checker: SignatureChecker

    async def __call__(self, after: int, limit: int) -> Sequence[KeptWord]:
        """Those after a number. Raises `StoreUnavailable`."""
        return [self.read(kept) for kept in await self.table.orders(after, limit)]

    def read(self, kept: AppliedOrder) -> KeptWord:
        """One, with its signatures checked again."""
        signed_by = [
            key
            for signature in _signatures_of(kept)
            for key in sorted(self.checker.keys)
            if self.checker.check(key, kept.document, signature)
        ]
        return KeptWord(word=word_of(kept.document), kept=kept, signed_by=tuple(signed_by))


@frozen(kw_only=True)
class SumUpCustody:
    """Count what there is."""

    table: KeyTable
    clock: Clock
    policy: KeyPolicy

    async def __call__(self) -> CustodyStatus:
        """Raises `StoreUnavailable`."""
        now = self.clock.now()
        census = await self.table.census(now, now - self.policy.period)
        return CustodyStatus(
            at=now,
            last_order=await self.table.last_order(),
            epoch=await self.table.epoch(),
            root_keys=await self.table.root_keys(),
            rings=census.rings,
            opened=census.opened,
            uncertified=census.uncertified,
            hanging=census.hanging,
        )


def word_of(document: bytes) -> BanksWord | None:
    """An order or a request, whichever it is; None for what a later release wrote."""
    order = read_order(document)
    if isinstance(order, Success):
        return order.unwrap()
    return read_request(document).value_or(None)


def _signatures_of(kept: AppliedOrder) -> tuple[bytes, ...]:
    parts = range(0, len(kept.signature), SIGNATURE_BYTES)
    return tuple([kept.signature[at : at + SIGNATURE_BYTES] for at in parts])
