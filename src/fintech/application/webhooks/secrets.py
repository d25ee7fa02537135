"""The secrets that sign: random bytes, sealed with the merchant's keys, and opened for each delivery under its lease."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from attrs import define, field, frozen

from fintech.application.protection import Protection
from fintech.domain.keys.columns import WEBHOOK_SECRET
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.key_vault import Lease
from fintech.ports.protected_store import SealedValue

SECRET_PREFIX: Final = "whsec_"  # noqa: S105 - what every secret begins with
SECRET_BYTES: Final = 32
#: So many sealed secrets are remembered, as they are sealed.
REMEMBERED_MAX: Final = 10_000
#: How long opened secrets are at hand for the deliveries that come next, at most: an order is heeded in two seconds.
OPEN_S: Final = 0.5


@frozen(kw_only=True)
class WebhookSecrets:
    """Makes secrets, and tells whoever has just made one."""

    protection: Protection

    async def make(self, lease: Lease, record: str) -> str:
        """A new secret of 256 random bits, sealed under a record."""
        made = secrets.token_bytes(SECRET_BYTES)
        await self.protection.keep(lease, record, {WEBHOOK_SECRET: made})
        return spelt(made)

    async def told(self, scope: Scope, record: str) -> Outcome[str, CustodyRefused]:
        """A secret that was made before."""
        opened = await self.protection.read_one(scope, WEBHOOK_SECRET.at(record))
        return opened if isinstance(opened, Failure) else Success(spelt(opened.unwrap()))

    async def forget(self, scope: Scope, record: str) -> None:
        """Remove one that no commit speaks of."""
        await self.protection.forget(scope, WEBHOOK_SECRET, record)


class _Open(NamedTuple):
    """A secret as merchants have it, and the lease that opened it."""

    number: int
    ends_at: datetime
    secret: str


@define(eq=False)
class SigningSecrets:
    """Opens what signs. Each delivery takes a lease, so that a merchant whose keys are revoked signs nothing more. What is
    sealed is remembered, and what is in it for `OPEN_S`, which spares a busy endpoint a fifth of each delivery."""

    protection: Protection
    _remembered: dict[tuple[Scope, str], SealedValue] = field(factory=dict, init=False)
    _open: dict[tuple[Scope, str], _Open] = field(factory=dict, init=False, repr=False)

    async def of(self, scope: Scope, records: Sequence[str]) -> Outcome[list[str], CustodyRefused]:
        """The secrets of some records, in their order."""
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return leased
        lease, found = leased.unwrap(), list[str]()
        for record in records:
            at_hand = self._open.get((scope, record))
            if at_hand is not None and at_hand[:2] == (lease.number, lease.ends_at):
                found.append(at_hand.secret)
                continue
            secret = self._opened(lease, record)
            if secret is None:
                fetched = await self._fetched(scope, record)
                if isinstance(fetched, Failure):
                    return fetched
                secret = fetched.unwrap()
            found.append(self._at_hand(lease, record, secret))
        return Success(found)

    def _at_hand(self, lease: Lease, record: str, secret: bytes) -> str:
        """Keep a secret at hand: all that are end together, so that none of an endpoint that is still now stays."""
        if not self._open:
            asyncio.get_running_loop().call_later(OPEN_S, self._open.clear)
        opened = _Open(lease.number, lease.ends_at, spelt(secret))
        if len(self._open) < REMEMBERED_MAX:
            self._open[lease.scope, record] = opened
        return opened.secret

    def _opened(self, lease: Lease, record: str) -> bytes | None:
        """A secret that is remembered as it is sealed still; it may have been sealed anew, or be gone."""
        sealed = self._remembered.get((lease.scope, record))
        if sealed is None or sealed.number not in lease.numbers:
            return None
        opened = lease.open(WEBHOOK_SECRET.purpose, sealed.place, sealed.message)
        return None if isinstance(opened, Failure) else opened.unwrap()

    async def _fetched(self, scope: Scope, record: str) -> Outcome[bytes, CustodyRefused]:
        place = WEBHOOK_SECRET.at(record)
        self._remembered.pop((scope, record), None)
        sealed = (await self.protection.sealed(scope, (place,))).get(place)
        opened = await self.protection.read_one(scope, place)
        if sealed is not None and isinstance(opened, Success):
            if len(self._remembered) >= REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[scope, record] = sealed
        return opened


def spelt(secret: bytes) -> str:
    """A secret as merchants have it."""
    return SECRET_PREFIX + secret.hex()


def gone(refused: CustodyRefused) -> bool:
    """Whether nothing can ever sign with it again."""
    return refused.reason is CustodyReason.DESTROYED
