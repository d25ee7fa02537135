"""The promise of `CardAcquirer` about disputes, a part of `CardAcquirerContract`."""

import asyncio

import pytest

from fintech.domain.cards import Approved
from fintech.domain.disputes.news import DisputeClosed, DisputeEscalated, DisputeOpened, Taken, Verdict
from fintech.domain.ids import ChangesetId, ChargeId
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import (
    Authorisation,
    CardAcquirer,
    CaseAcceptance,
    CaseEvidence,
    DisputeNotice,
)
from fintech.ports.id_source import IdSource

NOTICES_MAX = 100
AMOUNT_MINOR = 1_234


class DisputeCarrierContract:
    """Fixtures beside those of `CardAcquirerContract`: ``disputing_card`` (what it pays is charged back),
    ``inquiring_card`` (its bank asks), and what an adapter's sandbox takes for a verdict: ``winning``, ``losing`` and
    ``escalating`` (evidence, by the names of `EVIDENCE_NAMES`)."""

    async def test_a_charge_that_is_disputed_is_told_until_it_is_acknowledged(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, disputing_card: str
    ) -> None:
        charges = [await charged(acquirer, scope, ids, disputing_card) for _ in range(3)]
        told = await told_of(acquirer, *charges)
        assert [notice.charge_request for notice in told] == charges
        for notice in told:
            assert notice.scope == scope
            assert notice.news.number == 1
            assert isinstance(notice.news.what, DisputeOpened)
            assert (notice.news.what.amount_minor, notice.news.what.inquiry) == (AMOUNT_MINOR, False)
        assert len({notice.news.case for notice in told}) == 3
        assert await told_of(acquirer, *charges) == told
        for notice in told:
            await acquirer.acknowledge(notice.notice)
            await acquirer.acknowledge(notice.notice)
        assert await told_of(acquirer, *charges) == []

    async def test_asking_again_for_what_is_disputed_opens_no_second_case(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, disputing_card: str
    ) -> None:
        request = new_charge(ids)
        for _ in range(2):
            await pay(acquirer, scope, request, disputing_card)
            for notice in await told_of(acquirer, request):
                await acquirer.acknowledge(notice.notice)
        assert await told_of(acquirer, request) == []

    async def test_an_inquiry_is_told_as_one(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, inquiring_card: str
    ) -> None:
        (notice,) = await told_of(acquirer, await charged(acquirer, scope, ids, inquiring_card))
        assert isinstance(notice.news.what, DisputeOpened)
        assert notice.news.what.inquiry

    @pytest.mark.parametrize("verdict", [Verdict.WON, Verdict.LOST])
    async def test_evidence_may_decide_a_case(
        self,
        acquirer: CardAcquirer,
        scope: Scope,
        ids: IdSource,
        disputing_card: str,
        winning: Metadata,
        losing: Metadata,
        verdict: Verdict,
    ) -> None:
        opened = await self._opened(acquirer, scope, ids, disputing_card)
        texts = winning if verdict is Verdict.WON else losing
        assert await acquirer.submit_evidence(scope, says(opened, texts)) == Taken()
        (closed,) = await told_of(acquirer, opened.charge_request)
        assert closed.news.case == opened.news.case
        assert closed.news.number > opened.news.number
        assert closed.news.what == DisputeClosed(verdict=verdict)

    async def test_evidence_is_heard_once_however_often_it_is_sent(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, disputing_card: str, winning: Metadata
    ) -> None:
        opened = await self._opened(acquirer, scope, ids, disputing_card)
        evidence = says(opened, winning)
        replies = await asyncio.gather(*(acquirer.submit_evidence(scope, evidence) for _ in range(5)))
        assert replies == [Taken()] * 5
        assert len(await told_of(acquirer, opened.charge_request)) == 1
        assert await acquirer.submit_evidence(scope, evidence) == Taken()

    async def test_an_inquiry_may_become_a_chargeback(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, inquiring_card: str, escalating: Metadata
    ) -> None:
        opened = await self._opened(acquirer, scope, ids, inquiring_card)
        assert await acquirer.submit_evidence(scope, says(opened, escalating)) == Taken()
        (escalated,) = await told_of(acquirer, opened.charge_request)
        assert isinstance(escalated.news.what, DisputeEscalated)
        assert escalated.news.what.amount_minor == AMOUNT_MINOR
        assert escalated.news.number > opened.news.number

    async def test_a_loss_that_is_accepted_ends_the_case(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, disputing_card: str, winning: Metadata
    ) -> None:
        opened = await self._opened(acquirer, scope, ids, disputing_card)
        acceptance = CaseAcceptance(request=ids.new(ChangesetId), case=opened.news.case)
        assert await acquirer.accept_dispute(scope, acceptance) == Taken()
        assert await acquirer.accept_dispute(scope, acceptance) == Taken()
        assert not isinstance(await acquirer.submit_evidence(scope, says(opened, winning)), Taken)

    async def test_nothing_is_taken_for_whom_it_does_not_serve(
        self, acquirer: CardAcquirer, scope: Scope, unserved: Scope, ids: IdSource, disputing_card: str
    ) -> None:
        opened = await self._opened(acquirer, scope, ids, disputing_card)
        acceptance = CaseAcceptance(request=ids.new(ChangesetId), case=opened.news.case)
        assert not isinstance(await acquirer.accept_dispute(unserved, acceptance), Taken)

    async def _opened(self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, card: str) -> DisputeNotice:
        """A case, told and acknowledged."""
        (opened,) = await told_of(acquirer, await charged(acquirer, scope, ids, card))
        await acquirer.acknowledge(opened.notice)
        return opened


def new_charge(ids: IdSource) -> str:
    """The name of a question that nobody has asked."""
    return ChargeId.of(ids.new(ChangesetId), 0)


async def charged(acquirer: CardAcquirer, scope: Scope, ids: IdSource, card: str) -> str:
    """A charge that a card has paid."""
    request = new_charge(ids)
    await pay(acquirer, scope, request, card)
    return request


async def pay(acquirer: CardAcquirer, scope: Scope, request: str, card: str) -> None:
    """Ask for the money, with success."""
    question = Authorisation(
        request=request, card_token=card, amount_minor=AMOUNT_MINOR, currency=Currency.AUD, capture=True
    )
    assert isinstance(await acquirer.authorise(scope, question), Approved)


async def told_of(acquirer: CardAcquirer, *charges: str) -> list[DisputeNotice]:
    """What the acquirer has to say of disputes of these charges."""
    told = [each for each in await acquirer.notices(NOTICES_MAX) if isinstance(each, DisputeNotice)]
    return [each for each in told if each.charge_request in charges]


def says(opened: DisputeNotice, texts: Metadata) -> CaseEvidence:
    """What a merchant has to say to a case."""
    return CaseEvidence(request=f"{opened.notice}.evidence", case=opened.news.case, texts=texts)
