"""A key vault that does as it is told, with real keys: for tests of what is refused, and of what goes on all the same."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

from attrs import define

from fintech.domain.audit import AuditEntry
from fintech.domain.ids import ALPHABET
from fintech.domain.keys.custody import KeyRingId
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.errors import AuditUnavailable
from fintech.ports.key_vault import KeyVault, Lease, VaultFigures, VaultHealth
from fintech.sealing.merchant_keys import MerchantKeys

#: When every lease would end, if it did not last as long as a test.
ENDS_AT: Final = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=5)


@define(eq=False)
class ScriptedLease(Lease):
    """Keys as they were when it was taken. It is good until a test says in ``ended`` why it is not."""

    of: Scope
    keys: MerchantKeys
    ended: CustodyReason | None = None

    @property
    def scope(self) -> Scope:
        return self.of

    @property
    def number(self) -> int:
        return self.keys.active

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.keys.numbers

    @property
    def ends_at(self) -> datetime:
        return ENDS_AT

    def refused(self) -> CustodyRefused | None:
        return None if self.ended is None else CustodyRefused(self.ended)

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        return self.keys.seal(purpose, place, plaintext)

    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        opened = self.keys.open(purpose, place, message)
        if isinstance(opened, Failure):
            return Failure(CustodyRefused(CustodyReason.INTEGRITY))
        return Success(opened.unwrap())

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        return self.keys.index(column, value, number)


class ScriptedVault(KeyVault):
    """``refusing`` says of merchants why they have no lease, ``versions`` which versions of their keys there are.
    ``leases`` counts those that were taken, ``evictions`` how often somebody ended some, and
    ``renewals`` how often somebody wanted newer ones."""

    def __init__(self) -> None:
        self.refusing: dict[Scope, CustodyReason] = {}
        self.versions: dict[Scope, tuple[int, ...]] = {}
        self.leases: Counter[Scope] = Counter()
        self.evictions = self.renewals = 0
        self._lent: dict[Scope, ScriptedLease] = {}

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        if scope in self.refusing:
            return Failure(CustodyRefused(self.refusing[scope]))
        self.leases[scope] += 1
        return Success(self.lent(scope))

    def lent(self, scope: Scope) -> ScriptedLease:
        """The lease that whoever asks now gets."""
        if scope not in self._lent:
            self._lent[scope] = ScriptedLease(scope, _keys_of(scope, self.versions.get(scope, (1,))))
        return self._lent[scope]

    async def rotate(self, scope: Scope, *numbers: int) -> None:
        """There are other versions from now on, of which the last seals."""
        self.versions[scope] = numbers
        await self.evict(scope)

    async def newer(self, scope: Scope, number: int) -> Outcome[Lease, CustodyRefused]:
        if scope in self._lent and self._lent[scope].number < number:
            self.renewals += 1
            del self._lent[scope]
        return await self.lease(scope)

    async def evict(self, scope: Scope | None = None) -> None:
        self.evictions += 1
        for each in [each for each in self._lent if scope in (None, each)]:
            del self._lent[each]

    @property
    def figures(self) -> VaultFigures:
        return VaultFigures(loads=self.leases.total(), evictions=self.evictions)

    def health(self) -> VaultHealth:
        return VaultHealth(reason=None, leases=len(self._lent), look_age_s=0.0, heartbeats_s={})


class KeptTrail(AuditTrail):
    """Keeps what is written; ``down`` says whether nothing can be."""

    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.down = False

    async def write(self, entry: AuditEntry) -> None:
        if self.down:
            raise AuditUnavailable("the sink is down")
        self.entries.append(entry)


def _keys_of(scope: Scope, numbers: tuple[int, ...]) -> MerchantKeys:
    ring = KeyRingId(KeyRingId.PREFIX + ALPHABET[scope.livemode] + scope.merchant.body[1:])
    keys = {number: hashlib.sha256(f"{ring}.{number}".encode()).digest() for number in numbers}
    return MerchantKeys(scope, ring, keys, numbers[-1])
