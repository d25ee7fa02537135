"""Honeytokens: rings of keys and sealed values that nothing speaks of. Whoever has one lent or opened goes through what is
not his, and an alarm is raised; he gets it all the same, so that he does not know.

What is planted is known by its id alone: the end of it is a keyed digest of the rest. So there is no list that
could be stolen or forgotten, a dump does not tell them from others, and every process that has the digest key knows
them. (With another digest key they are ordinary: plant anew.) Ordinary work finds ids in the books, where no planted one
is. What goes through all there is, to seal anew, to move and to retire, uses the vault as it is below the watch, and the
retention run passes them over.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Final, TypeVar

from attrs import define, field, frozen

from fintech.domain.audit import AuditAction, AuditEntry, AuditResult
from fintech.domain.ids import ALPHABET, Id
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Face, Scope
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.clock import Clock
from fintech.ports.errors import AuditUnavailable
from fintech.ports.id_source import IdSource
from fintech.ports.key_vault import KeyVault, Lease, VaultFigures, VaultHealth
from fintech.ports.keyed_digest import KeyedDigest, Purpose

#: How much of an id's end is the digest: the time and some randomness before it are as in every other.
DIGEST_LENGTH: Final = 10
#: Of so many ids it is remembered whether they are planted.
REMEMBERED_MAX: Final = 65_536
#: So many alarms of opened values may be on their way to the audit trail; the log has every one.
ALARMS_MAX: Final = 100

AnyId = TypeVar("AnyId", bound=Id)

_log = logging.getLogger(__name__)


@define(eq=False)
class Honeytokens:
    """Knows what is planted, and makes ids that are."""

    digests: KeyedDigest
    _remembered: Callable[[str], bool] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._remembered = lru_cache(REMEMBERED_MAX)(self._look)

    def planted(self, id: str) -> bool:
        """Whether an id is that of a honeytoken. One in 2^50 others is taken for one."""
        return self._remembered(id)

    def id_like(self, ids: IdSource, kind: type[AnyId]) -> AnyId:
        """A new id that is known as planted."""
        made = ids.new(kind)
        head = made[:-DIGEST_LENGTH]
        return kind(head + self._tail(head))

    def _look(self, id: str) -> bool:
        return id[-DIGEST_LENGTH:] == self._tail(id[:-DIGEST_LENGTH])

    def _tail(self, head: str) -> str:
        digest = self.digests.digest(Purpose.HONEYTOKEN, head.encode())
        return "".join(ALPHABET[byte & 31] for byte in digest[:DIGEST_LENGTH])


@define(eq=False)
class Alarm:
    """Raises it: a line at error, and an entry in the audit trail."""

    trail: AuditTrail
    clock: Clock
    _under_way: set[asyncio.Task[None]] = field(factory=set, init=False)

    async def raised(self, scope: Scope, what: str, subject: str) -> None:
        """Durable when it returns. Raises `AuditUnavailable`."""
        _log.error(
            "a honeytoken was touched", extra={"merchant": scope.merchant, "what": what, "id": subject}
        )
        await self.trail.write(
            AuditEntry(
                at=self.clock.now(),
                actor="unknown",
                face=Face.EMBEDDED,
                action=AuditAction.HONEYTOKEN_TOUCHED,
                result=AuditResult.DONE,
                subject=subject,
                merchant=scope.merchant,
                livemode=scope.livemode,
                details={"what": what},
            )
        )

    def raise_soon(self, scope: Scope, what: str, subject: str) -> None:
        """The same for whoever cannot wait: the entry follows within moments."""
        if len(self._under_way) >= ALARMS_MAX:
            told = {"merchant": scope.merchant, "what": what, "id": subject}
            _log.error("a honeytoken was touched", extra=told)
            return
        task = asyncio.get_running_loop().create_task(self._written(scope, what, subject))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def settled(self) -> None:
        """Wait for what is on its way."""
        await asyncio.gather(*self._under_way)

    async def _written(self, scope: Scope, what: str, subject: str) -> None:
        try:
            await self.raised(scope, what, subject)
        except AuditUnavailable:
            _log.error("the audit trail does not have that a honeytoken was touched", extra={"id": subject})


class WatchedLease(Lease):
    """A lease that raises the alarm when something planted is opened with it."""

    __slots__ = ("_alarm", "_lease", "_tokens")

    def __init__(self, lease: Lease, tokens: Honeytokens, alarm: Alarm) -> None:
        self._lease, self._tokens, self._alarm = lease, tokens, alarm

    @property
    def scope(self) -> Scope:
        return self._lease.scope

    @property
    def number(self) -> int:
        return self._lease.number

    @property
    def numbers(self) -> tuple[int, ...]:
        return self._lease.numbers

    @property
    def ends_at(self) -> datetime:
        return self._lease.ends_at

    def refused(self) -> CustodyRefused | None:
        return self._lease.refused()

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        return self._lease.seal(purpose, place, plaintext)

    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        if self._tokens.planted(place.record):
            self._alarm.raise_soon(self._lease.scope, "open", place.record)
        return self._lease.open(purpose, place, message)

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        return self._lease.index(column, value, number)


@frozen(kw_only=True)
class WatchedVault(KeyVault):
    """A vault that raises the alarm before a planted ring is lent. Where the alarm cannot be written down, it is not lent:
    raises `AuditUnavailable`."""

    vault: KeyVault
    honeytokens: Honeytokens
    alarm: Alarm

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        if self.honeytokens.planted(scope.merchant):
            await self.alarm.raised(scope, "lease", scope.merchant)
        return self._watched(await self.vault.lease(scope))

    async def newer(self, scope: Scope, number: int) -> Outcome[Lease, CustodyRefused]:
        return self._watched(await self.vault.newer(scope, number))  # what is planted has raised the alarm

    def _watched(self, leased: Outcome[Lease, CustodyRefused]) -> Outcome[Lease, CustodyRefused]:
        if isinstance(leased, Failure):
            return leased
        return Success(WatchedLease(leased.unwrap(), self.honeytokens, self.alarm))

    async def evict(self, scope: Scope | None = None) -> None:
        await self.vault.evict(scope)

    @property
    def figures(self) -> VaultFigures:
        return self.vault.figures

    def health(self) -> VaultHealth:
        return self.vault.health()
