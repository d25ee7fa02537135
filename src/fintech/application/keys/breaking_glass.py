"""Breaking glass: two officers of the bank open a merchant's keys for hours at most."""

from typing import TypeAlias

from attrs import evolve, frozen

from fintech.application.commits import NotFound, Reply
from fintech.application.keys.carrying_out import CarryOut, Overtaken, Signed, Unproven, Word, by_two
from fintech.application.keys.figures import TwoOfficersNeeded
from fintech.domain.audit import AuditAction
from fintech.domain.keys.breaking_glass import ACTION, GlassRequest, NotThatLong, read_request
from fintech.domain.keys.custody import CustodyStepRefused
from fintech.domain.keys.documents import AnotherEnvironment, OrderMalformed
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Actor
from fintech.ports.key_table import AppliedOrder, KeyTable, OrderOutOfSequence

#: What a request is refused for. None of these uses a number up.
GlassRefused: TypeAlias = (
    Unproven
    | OrderMalformed
    | AnotherEnvironment
    | TwoOfficersNeeded
    | OrderOutOfSequence
    | CustodyStepRefused
    | NotFound
    | NotThatLong
)


@frozen(kw_only=True)
class Broken:
    """A request, and how it is kept: with both signatures, one after the other."""

    request: GlassRequest
    kept: AppliedOrder


@frozen(kw_only=True)
class BreakGlass:
    """Let a merchant's keys be used for a while although they are suspended or revoked."""

    table: KeyTable
    carry_out: CarryOut

    async def __call__(
        self, actor: Actor, document: bytes, signed: tuple[Signed, ...], origin: str | None = None
    ) -> Outcome[Reply[Broken], GlassRefused]:
        """Its end is kept in the ring, so it ends by itself, and with the bank's next order about this merchant. A request
        that was used is answered as it was then, and opens nothing. Raises as `CarryOut` does."""
        word = Word(
            actor=actor,
            origin=origin,
            applied=AuditAction.GLASS_BROKEN,
            action=ACTION,
            document=document,
            signed=signed,
        )
        fault = await self.carry_out.unproven(word)
        if fault is not None:
            return Failure(fault)
        read = read_request(document)
        amiss = read.failure() if isinstance(read, Failure) else self._fault_of(read.unwrap(), signed)
        if amiss is not None:
            await self.carry_out.refuse(word, amiss)
            return Failure(amiss)
        request = read.unwrap()

        async def attempt(
            applied: AppliedOrder,
        ) -> Outcome[object, CustodyStepRefused | NotFound | NotThatLong | Overtaken]:
            timely = request.timely(applied.applied_at)
            if isinstance(timely, Failure):
                return timely
            ring = await self.table.ring(request.scope)
            if ring is None:
                return Failure(NotFound("merchant", request.scope.merchant))
            opened = ring.opened(request.until)
            if isinstance(opened, Failure):
                return opened
            return await self.table.save(opened.unwrap(), applied)

        word = evolve(word, sequence=request.sequence, subject=request.scope)
        outcome: Outcome[
            Reply[AppliedOrder], CustodyStepRefused | NotFound | NotThatLong | OrderOutOfSequence
        ] = await self.carry_out(word, attempt)
        if isinstance(outcome, Failure):
            return outcome
        reply = outcome.unwrap()
        return Success(Reply(Broken(request=request, kept=reply.value), reply.replayed))

    def _fault_of(
        self, request: GlassRequest, signed: tuple[Signed, ...]
    ) -> AnotherEnvironment | TwoOfficersNeeded | None:
        elsewhere = self.carry_out.elsewhere(request.environment)
        return elsewhere or by_two(self.carry_out.checker, request.document(), signed)
