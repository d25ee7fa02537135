"""Shredding: a merchant's keys are destroyed, and with them whatever they sealed. There is no way back.

The deciding step is one save: the ring has no keys from then on, and the bank's order is kept with it. What follows may
be ended anywhere and is gone on with by the next run: permissions are withdrawn, sealed values removed, a certificate
signed by the notary and its digest and signature written into the audit trail.
"""

import hashlib
import logging
from typing import Final, TypeAlias

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import TRIES_MAX, NotFound
from fintech.application.keys.permissions import WithdrawLeft
from fintech.application.keys.removing import remove_all
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.certificates import SignedCertificate, certificate_of, to_sign
from fintech.domain.keys.custody import Custody, CustodyStepRefused, KeyRing
from fintech.domain.keys.orders import OrderAction, read_order
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted, PortError
from fintech.ports.key_table import AppliedOrder, KeyTable, OrderOutOfSequence, RingTaken, StaleRing
from fintech.ports.key_vault import KeyVault
from fintech.ports.protected_store import ProtectedStore
from fintech.ports.signatures import Notary

#: How many values one run removes at most; the next, or the sweep, goes on.
REMOVED_MAX: Final = 20_000
#: How many orders are read at once, when it is looked for the one that a ring was shredded by.
ORDERS_PAGE: Final = 500

ShredRefused: TypeAlias = NotFound | CustodyStepRefused | OrderOutOfSequence | StaleRing | RingTaken

_log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Shredded:
    """What is destroyed, and what is still to be done: ``finished`` says that it is nothing. ``certificate`` is None until
    it is finished and the notary has signed."""

    ring: KeyRing
    removed: int
    finished: bool
    certificate: SignedCertificate | None = None


@frozen(kw_only=True)
class ShredRing:
    """Destroy a merchant's keys, or go on with it."""

    table: KeyTable
    vault: KeyVault
    protected: ProtectedStore
    clock: Clock
    audited: Audited
    withdraw: WithdrawLeft
    notary: Notary
    policy: KeyPolicy
    environment: str

    async def __call__(
        self, actor: Actor, scope: Scope, order: AppliedOrder | None = None
    ) -> Outcome[Shredded, ShredRefused]:
        """Raises `AuditUnavailable` before anything is done, and `StoreUnavailable` and `ConcurrencyExhausted` while nobody
        knows; once the keys are destroyed it raises nothing more, and says what is left to be done."""
        ring = await self.table.ring(scope)
        if ring is None:
            return Failure(NotFound("ring of keys", scope.merchant))
        if ring.custody is not Custody.SHREDDED or order is not None:
            destroyed = await self._destroyed(actor, ring, order)
            if isinstance(destroyed, Failure):
                return destroyed
            ring = destroyed.unwrap()
        try:
            return Success(await self.finish(actor, ring))
        except PortError as error:
            _log.warning("a shredding is still to be finished", extra={"ring": ring.id, "why": str(error)})
            return Success(Shredded(ring=ring, removed=0, finished=False))

    async def finish(self, actor: Actor, ring: KeyRing) -> Shredded:
        """All that follows once the keys are gone. Run again, it goes on; done, it signs the same certificate again."""
        scope = ring.scope
        await self.vault.evict(scope)
        removed, none_left = await remove_all(self.protected, scope, self.clock.now(), REMOVED_MAX)
        withdrawn = await self.withdraw(scope)
        if isinstance(withdrawn, Failure) or not none_left:
            return Shredded(ring=ring, removed=removed, finished=False)
        ring = withdrawn.unwrap()
        certificate = certificate_of(
            ring, self.environment, await self._order_of(ring), self.policy.backups_kept
        ).unwrap()
        document = certificate.document()
        key, signature = await self.notary.sign(to_sign(document))
        await self.audited.write(
            _deed(actor, ring),
            AuditResult.DONE,
            versions=len(ring.keys),
            values=removed,
            certificate=hashlib.sha256(document).hexdigest(),
            notary=key,
            signature=signature.hex(),
        )
        ring = await self._certified(ring)
        signed = SignedCertificate(document=document, key=key, signature=signature)
        return Shredded(ring=ring, removed=removed, finished=True, certificate=signed)

    async def _destroyed(
        self, actor: Actor, ring: KeyRing, order: AppliedOrder | None
    ) -> Outcome[KeyRing, ShredRefused]:
        current: KeyRing | None = ring
        for tries in range(TRIES_MAX):
            assert current is not None, "a ring is never removed"
            shredded = current.shredded(self.clock.now())
            if isinstance(shredded, Failure):
                return Success(current) if tries and order is None else shredded
            if not tries:
                number = 0 if order is None else order.sequence
                await self.audited.write(_deed(actor, ring), AuditResult.BEGUN, order=number)
            saved = await self.table.save(shredded.unwrap(), order)
            if isinstance(saved, Success):
                return saved
            refused = saved.failure()
            if not isinstance(refused, StaleRing):
                return Failure(refused)
            current = await self.table.ring(ring.scope)
        raise ConcurrencyExhausted("the ring was changed too often meanwhile; nothing is destroyed")

    async def _certified(self, ring: KeyRing) -> KeyRing:
        """Kept, so that nobody certifies it again unasked."""
        current: KeyRing | None = ring
        for _ in range(TRIES_MAX):
            assert current is not None, "a ring is never removed"
            if current.certified_at is not None:
                return current
            saved = await self.table.save(current.certified(self.clock.now()))
            if isinstance(saved, Success):
                return saved.unwrap()
            current = await self.table.ring(ring.scope)
        raise ConcurrencyExhausted(
            "the ring was changed too often meanwhile; it is certified, and will be again"
        )

    async def _order_of(self, ring: KeyRing) -> int | None:
        """The number of the bank's first order to shred a ring."""
        after = 0
        while page := await self.table.orders(after, ORDERS_PAGE):
            for kept in page:
                read = read_order(kept.document)
                if isinstance(read, Success):
                    order = read.unwrap()
                    if order.action is OrderAction.SHRED and order.subject == ring.scope:
                        return kept.sequence
            after = page[-1].sequence
        return None


def _deed(actor: Actor, ring: KeyRing) -> Deed:
    return Deed(actor=actor, action=AuditAction.KEY_DESTROYED, subject=ring.id, scope=ring.scope)
