"""How whatever the bank signs is carried out: written down first, in its turn, once, and written down again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import TRIES_MAX, Reply
from fintech.application.keys.figures import (
    BadSignature,
    OrderFigures,
    TwoOfficersNeeded,
    UnknownKey,
    reason_of,
)
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import CmkName
from fintech.domain.keys.documents import AnotherEnvironment
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Face, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted
from fintech.ports.key_table import AppliedOrder, KeyTable, OrderOutOfSequence, RingTaken, StaleRing
from fintech.ports.signatures import SignatureChecker

R = TypeVar("R")

SIGNATURE_BYTES: Final = 64
#: Somebody else was faster: look again, and decide on what is so by then.
Overtaken: TypeAlias = StaleRing | RingTaken | OrderOutOfSequence
Attempt: TypeAlias = Callable[[AppliedOrder], Awaitable[Outcome[object, R | Overtaken]]]
#: No officer is known to have said it.
Unproven: TypeAlias = UnknownKey | BadSignature


@frozen(kw_only=True)
class Signed:
    """What somebody signed, if it is so: by the name of the key."""

    key: str
    signature: bytes

    def checked(self, checker: SignatureChecker, document: bytes) -> Unproven | None:
        """What is wrong with it, if anything."""
        if self.key not in checker.keys:
            return UnknownKey(self.key)
        if not checker.check(self.key, document, self.signature):
            return BadSignature(self.key)
        return None


def unproven(checker: SignatureChecker, document: bytes, signed: tuple[Signed, ...]) -> Unproven | None:
    """What is wrong with the first signature that is not who it says it is of, if any. Cheap: nobody is asked."""
    faults = (each.checked(checker, document) for each in signed)
    return next((fault for fault in faults if fault is not None), None)


def by_two(
    checker: SignatureChecker, document: bytes, signed: tuple[Signed, ...]
) -> TwoOfficersNeeded | None:
    """Whether two officers signed it. Two names of one key are one officer: neither signature is the other's, too."""
    if len(signed) == 2:
        first, second = signed
        if first.key != second.key and not checker.check(first.key, document, second.signature):
            return None
    return TwoOfficersNeeded()


@frozen(kw_only=True)
class Word:
    """What the bank says, and who hands it in: signed by one officer, or by two."""

    actor: Actor
    origin: str | None
    applied: AuditAction
    action: str
    document: bytes
    signed: tuple[Signed, ...]
    sequence: int = 0
    subject: Scope | CmkName | None = None

    def deed(self, action: AuditAction) -> Deed:
        """What is written down of it: names and numbers, and not the reason, which is kept with the order."""
        scope = self.subject if isinstance(self.subject, Scope) else None
        return Deed(
            actor=self.actor,
            action=action,
            subject=str(self.subject) if self.subject and not scope else f"order {self.sequence}",
            scope=scope,
            origin=self.origin,
            details={
                "keys": ",".join(each.key for each in self.signed),
                "action": self.action,
                "sequence": self.sequence,
            },
        )


@frozen(kw_only=True)
class CarryOut:
    """Carries out what was found to be signed, when it is its turn."""

    table: KeyTable
    audited: Audited
    clock: Clock
    figures: OrderFigures
    checker: SignatureChecker
    environment: str

    async def __call__(
        self, word: Word, attempt: Attempt[R]
    ) -> Outcome[Reply[AppliedOrder], R | OrderOutOfSequence]:
        """``attempt`` decides and saves, with the order in the same transaction; it is made again when it was overtaken.

        What was carried out before is answered as it was then, and nothing is done. Raises `AuditUnavailable` where
        nothing can be written down: then nothing was done, or the same again is answered as carried out;
        `StoreUnavailable`, after which the same again tells, and until when the trail says that it is begun: nobody knows
        what became of it; and `ConcurrencyExhausted`.
        """
        deed, begun = word.deed(word.applied), False
        for tries in range(TRIES_MAX):
            last = await self.table.last_order()
            if word.sequence <= last:
                return await self._repeated(word, deed, last)
            if word.sequence != last + 1:
                return await self.refuse(word, OrderOutOfSequence(last + 1))
            if not begun:
                await self.audited.write(deed, AuditResult.BEGUN)
                begun = True
            signature = b"".join(each.signature for each in word.signed)
            applied = AppliedOrder(word.sequence, word.document, signature, self.clock.now())
            outcome = await attempt(applied)
            if isinstance(outcome, Success):
                await self.audited.write(deed, AuditResult.DONE)
                self.figures.carried_out(word.action)
                return Success(Reply(applied))
            refused = outcome.failure()
            if not isinstance(refused, Overtaken):
                return await self.refuse(word, refused)
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(tries, 6)))  # noqa: S311 - jitter, not a secret
        raise ConcurrencyExhausted("the order was overtaken too often; nothing was done")

    async def unproven(self, word: Word) -> Unproven | None:
        """Whether no officer is known to have said it; counted, and answered. Over HTTP nobody knows who handed it in, and
        it costs him nothing: there it makes no entry of its own, and whoever lets requests in notes it with the other
        strangers. At a desk of ours it is written down, in the name of who sits there."""
        fault = unproven(self.checker, word.document, word.signed)
        if fault is None:
            return None
        if word.actor.face is Face.HTTP:
            self.figures.turned_down(fault)
        else:
            await self.refuse(word, fault)
        return fault

    def elsewhere(self, environment: str) -> AnotherEnvironment | None:
        """Whether a document was signed for another deployment."""
        return None if environment == self.environment else AnotherEnvironment(environment, self.environment)

    async def refuse(self, word: Word, refusal: R) -> Outcome[Reply[AppliedOrder], R]:
        """Written down, counted, and answered."""
        deed = word.deed(AuditAction.ORDER_REFUSED)
        await self.audited.write(deed, AuditResult.REFUSED, reason=reason_of(refusal))
        self.figures.turned_down(refusal)
        return Failure(refusal)

    async def _repeated(
        self, word: Word, deed: Deed, last: int
    ) -> Outcome[Reply[AppliedOrder], OrderOutOfSequence]:
        """It is answered as applied if it is what was applied under this number."""
        kept = await self.table.orders(word.sequence - 1, 1)
        if not kept or kept[0].document != word.document:
            refused: OrderOutOfSequence = OrderOutOfSequence(last + 1)
            return await self.refuse(word, refused)
        await self.audited.write(deed, AuditResult.DONE, repeat=1)
        return Success(Reply(kept[0], replayed=True))
