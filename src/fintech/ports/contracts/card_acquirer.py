"""The promise of `CardAcquirer`, for every adapter's tests."""

import asyncio

import pytest

from fintech.domain.cards import Approved, AuthorisationReply, Decline, NotFound, Unknown
from fintech.domain.ids import ChangesetId, ChargeId
from fintech.domain.money import Currency
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import (
    Authorisation,
    CardAcquirer,
    FollowUp,
    RefundReturned,
    Reversal,
)
from fintech.ports.contracts.dispute_carrier import DisputeCarrierContract
from fintech.ports.id_source import IdSource

ANSWER_PATIENCE_S = 30.0
NOTICES_MAX = 100


class CardAcquirerContract(DisputeCarrierContract):
    """Subclass it and provide the fixtures ``acquirer``, ``ids`` (an `IdSource`), ``scope`` (one that it serves),
    ``unserved`` (one that it does not), and tokens of test cards: ``approved_card``, ``declined_card``,
    ``lost_answer_card`` (approved, but the answer never arrives), ``lost_question_card`` (the question never arrives)
    ``returning_card`` (refunds to it succeed and come back), and those of `DisputeCarrierContract`."""

    @pytest.fixture
    def question(self, ids: IdSource, approved_card: str) -> Authorisation:
        return asked(ids, approved_card)

    async def test_it_knows_whom_it_serves(
        self, acquirer: CardAcquirer, scope: Scope, unserved: Scope
    ) -> None:
        assert acquirer.serves(scope)
        assert not acquirer.serves(unserved)

    async def test_it_approves_nothing_for_whom_it_does_not_serve(
        self, acquirer: CardAcquirer, unserved: Scope, question: Authorisation
    ) -> None:
        assert not isinstance(await answer(acquirer, unserved, question), Approved)

    async def test_the_same_question_is_answered_as_the_first_time(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        first = await answer(acquirer, scope, question)
        assert isinstance(first, Approved)
        assert await answer(acquirer, scope, question) == first
        many = await asyncio.gather(*(answer(acquirer, scope, question) for _ in range(5)))
        assert many == [first] * 5

    async def test_a_question_asked_twice_at_once_is_done_once(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        first, second = await asyncio.gather(
            answer(acquirer, scope, question), answer(acquirer, scope, question)
        )
        assert isinstance(first, Approved)
        assert first == second

    async def test_questions_are_told_apart_by_their_names(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, approved_card: str
    ) -> None:
        replies = [await answer(acquirer, scope, asked(ids, approved_card)) for _ in range(5)]
        assert len({reply.reference for reply in replies if isinstance(reply, Approved)}) == 5

    async def test_a_decline_is_a_value_and_stays_one(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, declined_card: str
    ) -> None:
        question = asked(ids, declined_card)
        reply = await answer(acquirer, scope, question)
        assert isinstance(reply, Decline)
        assert await answer(acquirer, scope, question) == reply
        assert await acquirer.enquire(scope, question.request) == reply

    async def test_no_answer_in_time_is_unknown_and_an_enquiry_tells(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, lost_answer_card: str
    ) -> None:
        question = asked(ids, lost_answer_card)
        assert isinstance(await answer(acquirer, scope, question), Unknown)
        assert isinstance(await acquirer.enquire(scope, question.request), Approved)

    async def test_what_never_arrived_is_unknown_and_an_enquiry_finds_nothing(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, lost_question_card: str
    ) -> None:
        question = asked(ids, lost_question_card)
        assert isinstance(await answer(acquirer, scope, question), Unknown)
        assert await acquirer.enquire(scope, question.request) == NotFound()

    async def test_an_enquiry_repeats_the_answer(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        reply = await answer(acquirer, scope, question)
        assert await acquirer.enquire(scope, question.request) == reply

    async def test_an_increment_is_done_once_and_can_be_asked_about(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        follow_up = follows(await answer(acquirer, scope, question), f"{question.request}.1")
        reply = await acquirer.increment(scope, follow_up)
        assert isinstance(reply, Approved)
        assert await acquirer.increment(scope, follow_up) == reply
        assert await acquirer.enquire(scope, follow_up.request) == reply

    async def test_a_refund_is_done_once_and_can_be_asked_about(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation, ids: IdSource
    ) -> None:
        follow_up = follows(await answer(acquirer, scope, question), ids.new(ChangesetId))
        reply = await acquirer.refund(scope, follow_up)
        assert isinstance(reply, Approved)
        assert await acquirer.refund(scope, follow_up) == reply
        assert await acquirer.enquire(scope, follow_up.request) == reply

    async def test_nothing_follows_up_for_whom_it_does_not_serve(
        self, acquirer: CardAcquirer, scope: Scope, unserved: Scope, question: Authorisation, ids: IdSource
    ) -> None:
        reply = await answer(acquirer, scope, question)
        for ask in (acquirer.increment, acquirer.refund):
            follow_up = follows(reply, ids.new(ChangesetId))
            assert not isinstance(await ask(unserved, follow_up), Approved)

    async def test_a_reversal_is_acknowledged_however_often_it_is_sent(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        reply = await answer(acquirer, scope, question)
        assert isinstance(reply, Approved)
        reversal = undoes(question, reply.reference)
        assert await acquirer.reverse(scope, reversal)
        assert await acquirer.reverse(scope, reversal)

    async def test_what_is_reversed_before_it_arrives_is_declined_when_it_does(
        self, acquirer: CardAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        assert await acquirer.reverse(scope, undoes(question, None))
        assert isinstance(await answer(acquirer, scope, question), Decline)
        assert not isinstance(await acquirer.enquire(scope, question.request), Approved)

    async def test_a_refund_that_comes_back_is_told_until_it_is_acknowledged(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, returning_card: str
    ) -> None:
        refunds = [await self._refunded(acquirer, scope, ids, returning_card) for _ in range(3)]
        told = await self._notices_of(acquirer, refunds)
        assert [notice.refund_request for notice in told] == refunds
        assert all(notice.scope == scope for notice in told)
        assert await self._notices_of(acquirer, refunds) == told
        assert len(await acquirer.notices(1)) == 1
        await acquirer.acknowledge(told[0].notice)
        assert await self._notices_of(acquirer, refunds) == told[1:]
        for notice in told:
            await acquirer.acknowledge(notice.notice)
            await acquirer.acknowledge(notice.notice)
        assert await self._notices_of(acquirer, refunds) == []

    async def test_asking_again_for_a_refund_that_came_back_tells_no_second_time(
        self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, returning_card: str
    ) -> None:
        reply = await answer(acquirer, scope, asked(ids, returning_card))
        follow_up = follows(reply, ids.new(ChangesetId))
        first = await acquirer.refund(scope, follow_up)
        (notice,) = await self._notices_of(acquirer, [follow_up.request])
        await acquirer.acknowledge(notice.notice)
        assert await acquirer.refund(scope, follow_up) == first
        assert await self._notices_of(acquirer, [follow_up.request]) == []

    async def _refunded(self, acquirer: CardAcquirer, scope: Scope, ids: IdSource, card: str) -> str:
        follow_up = follows(await answer(acquirer, scope, asked(ids, card)), ids.new(ChangesetId))
        assert isinstance(await acquirer.refund(scope, follow_up), Approved)
        return follow_up.request

    async def _notices_of(self, acquirer: CardAcquirer, refunds: list[str]) -> list[RefundReturned]:
        told = [each for each in await acquirer.notices(NOTICES_MAX) if isinstance(each, RefundReturned)]
        return [each for each in told if each.refund_request in refunds]


def asked(ids: IdSource, card: str) -> Authorisation:
    """A new question about a card."""
    return Authorisation(
        request=ChargeId.of(ids.new(ChangesetId), 0),
        card_token=card,
        amount_minor=1_234,
        currency=Currency.AUD,
        capture=False,
    )


async def answer(acquirer: CardAcquirer, scope: Scope, question: Authorisation) -> AuthorisationReply:
    """The answer, which comes in bounded time."""
    async with asyncio.timeout(ANSWER_PATIENCE_S):
        return await acquirer.authorise(scope, question)


def follows(reply: AuthorisationReply, request: str) -> FollowUp:
    """A question about what was approved."""
    assert isinstance(reply, Approved)
    return FollowUp(request=request, reference=reply.reference, amount_minor=400, currency=Currency.AUD)


def undoes(question: Authorisation, reference: str | None) -> Reversal:
    """The message that an authorisation is not wanted."""
    return Reversal(
        request=f"{question.request}.undo",
        original_request=question.request,
        reference=reference,
        amount_minor=question.amount_minor,
        currency=question.currency,
    )
