"""The sandbox's acquirer keeps the promise of `CardAcquirer`, also after a restart and on a bad line."""

import asyncio

import pytest

from fintech.adapters.simulator.card_acquirer import Fault, SimulatedAcquirer
from fintech.domain.cards import Approved, Decline, NotFound, Unknown
from fintech.domain.disputes.news import NotTaken, Taken, TurnedDown
from fintech.domain.ids import ChangesetId, MerchantId
from fintech.domain.metadata import Metadata
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Authorisation, CaseAcceptance
from fintech.ports.contracts.card_acquirer import CardAcquirerContract, answer, follows, undoes
from fintech.ports.contracts.dispute_carrier import charged, says, told_of
from fintech.ports.id_source import IdSource


@pytest.fixture
def acquirer() -> SimulatedAcquirer:
    return SimulatedAcquirer(answer_timeout_s=0)


@pytest.fixture
def scope() -> Scope:
    return Scope(MerchantId("acct_" + "1" * 24), livemode=False)


@pytest.fixture
def unserved(scope: Scope) -> Scope:
    return Scope(scope.merchant, livemode=True)


@pytest.fixture
def approved_card() -> str:
    return "pm_card_visa"


@pytest.fixture
def declined_card() -> str:
    return "pm_card_chargeDeclined"


@pytest.fixture
def lost_answer_card() -> str:
    return "pm_card_answerLost"


@pytest.fixture
def lost_question_card() -> str:
    return "pm_card_questionLost"


@pytest.fixture
def returning_card() -> str:
    return "pm_card_refundFail"


@pytest.fixture
def disputing_card() -> str:
    return "pm_card_createDispute"


@pytest.fixture
def inquiring_card() -> str:
    return "pm_card_createDisputeInquiry"


@pytest.fixture
def winning() -> Metadata:
    return (("uncategorized_text", "winning_evidence"),)


@pytest.fixture
def losing() -> Metadata:
    return (("uncategorized_text", "losing_evidence"),)


@pytest.fixture
def escalating() -> Metadata:
    return (("uncategorized_text", "escalate_inquiry_evidence"),)


class TestSimulatedAcquirer(CardAcquirerContract):
    async def test_what_is_reversed_on_its_way_is_declined(
        self, scope: Scope, question: Authorisation
    ) -> None:
        acquirer = SimulatedAcquirer(latency_s=0.05)
        on_its_way = asyncio.create_task(answer(acquirer, scope, question))
        await asyncio.sleep(0.01)
        assert await acquirer.reverse(scope, undoes(question, None))
        assert isinstance(await on_its_way, Decline)

    async def test_a_script_of_faults(
        self, acquirer: SimulatedAcquirer, scope: Scope, question: Authorisation
    ) -> None:
        acquirer.script.extend([Fault.QUESTION_LOST, None])
        assert isinstance(await answer(acquirer, scope, question), Unknown)
        assert await acquirer.enquire(scope, question.request) == NotFound()
        acquirer.script.extend([Fault.ANSWER_LOST, Fault.ANSWER_LOST])
        assert isinstance(await answer(acquirer, scope, question), Unknown)
        assert isinstance(await acquirer.enquire(scope, question.request), Unknown)
        assert isinstance(await acquirer.enquire(scope, question.request), Approved)
        acquirer.script.append(Fault.QUESTION_LOST)
        assert not await acquirer.reverse(scope, undoes(question, None))

    async def test_its_memory_outlives_it(self, tmp_path, request, scope: Scope, question: Authorisation):
        journal = tmp_path / "journal"
        first = SimulatedAcquirer(answer_timeout_s=0, journal=journal)
        reply = await answer(first, scope, question)
        again = SimulatedAcquirer(answer_timeout_s=0, journal=journal)
        for simulated in (first, again):
            request.addfinalizer(simulated.close)
        assert await answer(again, scope, question) == reply
        refund = follows(reply, "re_1")
        assert await first.refund(scope, refund) == await again.refund(scope, refund)

    async def test_its_cases_are_known_to_every_process_and_outlive_them(
        self, tmp_path, request, scope: Scope, ids: IdSource, winning: Metadata, inquiring_card: str
    ) -> None:
        journal = tmp_path / "journal"

        def opened() -> SimulatedAcquirer:
            acquirer = SimulatedAcquirer(answer_timeout_s=0, journal=journal)
            request.addfinalizer(acquirer.close)
            return acquirer

        first, second = opened(), opened()
        charge = await charged(first, scope, ids, inquiring_card)
        (notice,) = await told_of(second, charge)
        assert await told_of(first, charge) == [notice]
        assert await second.submit_evidence(scope, says(notice, winning)) == Taken()
        told = await told_of(first, charge)
        assert await told_of(opened(), charge) == told
        assert [each.news.number for each in told] == [1, 2]
        third = opened()
        assert await third.submit_evidence(scope, says(notice, winning)) == Taken()
        acceptance = CaseAcceptance(request=ids.new(ChangesetId), case=notice.news.case)
        assert await third.accept_dispute(scope, acceptance) == TurnedDown(NotTaken.CASE_CLOSED)
        for each in told:
            await third.acknowledge(each.notice)
        assert await told_of(opened(), charge) == []

    async def test_a_case_on_a_bad_line(
        self,
        acquirer: SimulatedAcquirer,
        scope: Scope,
        ids: IdSource,
        disputing_card: str,
        winning: Metadata,
    ) -> None:
        charge = await charged(acquirer, scope, ids, disputing_card)
        (notice,) = await told_of(acquirer, charge)
        acquirer.script.extend([Fault.QUESTION_LOST, Fault.ANSWER_LOST])
        assert isinstance(await acquirer.submit_evidence(scope, says(notice, winning)), Unknown)
        assert len(await told_of(acquirer, charge)) == 1
        assert isinstance(await acquirer.submit_evidence(scope, says(notice, winning)), Unknown)
        assert len(await told_of(acquirer, charge)) == 2
        assert await acquirer.submit_evidence(scope, says(notice, winning)) == Taken()
