"""The secrets that sign: random bytes, sealed with the merchant's keys, and opened for each delivery under its lease."""

import secrets
from collections.abc import Sequence
from typing import Final

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


@define(eq=False)
class SigningSecrets:
    """Opens what signs, delivery by delivery. It remembers what is sealed, not what is in it: a merchant whose keys are
    revoked signs nothing more."""

    protection: Protection
    _remembered: dict[tuple[Scope, str], SealedValue] = field(factory=dict, init=False)

    async def of(self, scope: Scope, records: Sequence[str]) -> Outcome[list[str], CustodyRefused]:
        """The secrets of some records, in their order."""
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return leased
        lease, found = leased.unwrap(), list[str]()
        for record in records:
            secret = self._at_hand(lease, record)
            if secret is None:
                fetched = await self._fetched(scope, record)
                if isinstance(fetched, Failure):
                    return fetched
                secret = fetched.unwrap()
            found.append(spelt(secret))
        return Success(found)

    def _at_hand(self, lease: Lease, record: str) -> bytes | None:
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
