"""How whatever the bank signs is carried out: written down first, in its turn, once, and written down again."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

from attrs import frozen

from fintech.application.auditing import Audited, Deed
from fintech.application.commits import TRIES_MAX, Reply
from fintech.application.keys.figures import BadSignature, OrderFigures, UnknownKey, reason_of
from fintech.domain.audit import AuditAction, AuditResult
from fintech.domain.keys.custody import CmkName
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor, Scope
from fintech.ports.clock import Clock
from fintech.ports.errors import ConcurrencyExhausted, PortError
from fintech.ports.key_table import AppliedOrder, KeyTable, OrderOutOfSequence, RingTaken, StaleRing
from fintech.ports.signatures import SignatureChecker

R = TypeVar("R")

SIGNATURE_BYTES: Final = 64
#: Somebody else was faster: look again, and decide on what is so by then.
Overtaken: TypeAlias = StaleRing | RingTaken | OrderOutOfSequence
Attempt: TypeAlias = Callable[[AppliedOrder], Awaitable[Outcome[object, R | Overtaken]]]


@frozen(kw_only=True)
class Signed:
    """What somebody signed, if it is so: by the name of the key."""

    key: str
    signature: bytes

    def checked(self, checker: SignatureChecker, document: bytes) -> UnknownKey | BadSignature | None:
        """What is wrong with it, if anything."""
        if self.key not in checker.keys:
            return UnknownKey(self.key)
        if not checker.check(self.key, document, self.signature):
            return BadSignature(self.key)
        return None


@frozen(kw_only=True)
class Word:
    """What the bank says, and who hands it in. ``signature`` is of one officer, or of two, one after the other."""

    actor: Actor
    origin: str | None
    applied: AuditAction
    action: str
    document: bytes
    keys: tuple[str, ...]
    signature: bytes
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
            details={"keys": ",".join(self.keys), "action": self.action, "sequence": self.sequence},
        )


@frozen(kw_only=True)
class CarryOut:
    """Carries out what was found to be signed, when it is its turn."""

    table: KeyTable
    audited: Audited
    clock: Clock
    figures: OrderFigures

    async def __call__(
        self, word: Word, attempt: Attempt[R]
    ) -> Outcome[Reply[AppliedOrder], R | OrderOutOfSequence]:
        """``attempt`` decides and saves, with the order in the same transaction; it is made again when it was overtaken.

        What was carried out before is answered as it was then, and nothing is done. Raises `AuditUnavailable` where
        nothing can be written down: then nothing was done, or the same again is answered as carried out;
        `StoreUnavailable`, after which the same again tells; and `ConcurrencyExhausted`.
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
            applied = AppliedOrder(word.sequence, word.document, word.signature, self.clock.now())
            outcome = await self._attempted(deed, attempt, applied)
            if isinstance(outcome, Success):
                await self.audited.write(deed, AuditResult.DONE)
                self.figures.carried_out(word.action)
                return Success(Reply(applied))
            refused = outcome.failure()
            if not isinstance(refused, Overtaken):
                return await self.refuse(word, refused)
            await asyncio.sleep(random.uniform(0, 0.002 * 2 ** min(tries, 6)))  # noqa: S311 - jitter, not a secret
        raise ConcurrencyExhausted("the order was overtaken too often; nothing was done")

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

    async def _attempted(
        self, deed: Deed, attempt: Attempt[R], applied: AppliedOrder
    ) -> Outcome[object, R | Overtaken]:
        try:
            return await attempt(applied)
        except PortError:
            await self.audited.tell(deed, AuditResult.FAILED)  # a repeat says what became of it
            raise
