"""Evidence, kept sealed: it is opened for whoever may see it, and for the acquirer that is told it."""

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from fintech.application.protection import Protection
from fintech.domain.disputes.dispute import Dispute, SealedEvidence
from fintech.domain.disputes.evidence import EvidenceTooLong, evidence_merged, read, written
from fintech.domain.ids import ChangesetId, DisputeId
from fintech.domain.keys.columns import EVIDENCE
from fintech.domain.keys.places import Place
from fintech.domain.keys.refusals import CustodyReason, CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.ports.store import Store

#: So often is evidence looked for that others replace all the while.
LOOKS_MAX: Final = 5


@frozen
class Gathered:
    """Evidence after a change, and where it is sealed."""

    texts: Metadata = field(repr=False)
    sealed: SealedEvidence


@frozen(kw_only=True)
class KeepEvidence:
    """Opens and seals evidence."""

    store: Store
    protection: Protection

    async def of(
        self, scope: Scope, disputes: Sequence[Dispute]
    ) -> Mapping[DisputeId, Outcome[Metadata, CustodyRefused]]:
        """The evidence of each: a page of them takes one question to the store. Refused one by one; what the books know
        themselves takes no key. Evidence that was replaced since a dispute was read is told as it is now."""
        places = {
            dispute.id: EVIDENCE.at(dispute.sealed_evidence.record)
            for dispute in disputes
            if dispute.sealed_evidence is not None and dispute.sealed_evidence.names
        }
        opened = await self.protection.read(scope, list(places.values()))
        told: dict[DisputeId, Outcome[Metadata, CustodyRefused]] = {
            dispute.id: Success(() if dispute.sealed_evidence else dispute.evidence) for dispute in disputes
        }
        for id, place in places.items():
            value = opened[place]
            if isinstance(value, Failure):
                value = await self._by_now(scope, id, place, value)
            told[id] = value if isinstance(value, Failure) else Success(read(value.unwrap()))
        return told

    async def _by_now(
        self, scope: Scope, id: DisputeId, place: Place, value: Outcome[bytes, CustodyRefused]
    ) -> Outcome[bytes, CustodyRefused]:
        """Whoever changes evidence removes what he replaces: who had read the dispute before finds nothing where it was.
        Damaged is only what is not where the dispute says that it is now."""
        for _ in range(LOOKS_MAX):
            if not isinstance(value, Failure) or value.failure().reason is not CustodyReason.INTEGRITY:
                break
            dispute = await self.store.dispute(scope, id)
            sealed = dispute.sealed_evidence if dispute else None
            if sealed is None or EVIDENCE.at(sealed.record) == place:
                break
            place = EVIDENCE.at(sealed.record)
            value = await self.protection.read_one(scope, place) if sealed.names else Success(written(()))
        return value

    async def gathered(
        self, scope: Scope, dispute: Dispute, changes: Metadata, changeset: ChangesetId
    ) -> Outcome[Gathered, CustodyRefused | EvidenceTooLong]:
        """Seal a dispute's evidence with some texts added or changed, under a record of this changeset: whoever else changes
        it at the same moment seals his own under another. Refused as `evidence_merged` refuses."""
        leased = await self.protection.lease(scope)
        if isinstance(leased, Failure):
            return leased
        before = (await self.of(scope, (dispute,)))[dispute.id]
        if isinstance(before, Failure):
            return before
        merging = evidence_merged(before.unwrap(), changes)
        if isinstance(merging, Failure):
            return merging
        texts, record = merging.unwrap(), f"{dispute.id}.{changeset}"
        if texts:
            await self.protection.keep(leased.unwrap(), record, {EVIDENCE: written(texts)})
        sealed = SealedEvidence(names=tuple([name for name, _ in texts]), record=record)
        return Success(Gathered(texts, sealed))

    async def forget(self, scope: Scope, sealed: SealedEvidence) -> None:
        """Remove what was replaced, or what no commit speaks of."""
        await self.protection.forget(scope, EVIDENCE, sealed.record)
