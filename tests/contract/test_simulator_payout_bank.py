"""The sandbox's bank keeps the promise of `PayoutBank`, also after a restart and on a bad line."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.simulator.bank_accounts import TEST_ACCOUNTS
from fintech.adapters.simulator.card_acquirer import Fault
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.adapters.system.id_source import RandomIdSource
from fintech.domain.ids import MerchantId
from fintech.domain.payouts.payout import PayoutFailure, PayoutMethod
from fintech.domain.payouts.replies import Accepted, NeverSeen, Paid, Rejected, Unknown
from fintech.domain.scope import Scope
from fintech.ports.contracts.payout_bank import (
    LONG,
    NOTICES_MAX,
    PayoutBankContract,
    ordered,
    paid,
    recalled,
)


@pytest.fixture
def bank(clock: ManualClock) -> SimulatedPayoutBank:
    return SimulatedPayoutBank(clock, answer_timeout_s=0)


@pytest.fixture
def scope() -> Scope:
    return Scope(MerchantId("acct_" + "1" * 24), livemode=False)


@pytest.fixture
def unserved(scope: Scope) -> Scope:
    return Scope(scope.merchant, livemode=True)


@pytest.fixture
def paying_account() -> str:
    return "000123456"


@pytest.fixture
def closed_account() -> str:
    return "111111113"


@pytest.fixture
def lost_answer_account() -> str:
    return "000900029"


@pytest.fixture
def lost_order_account() -> str:
    return "000900037"


@pytest.fixture
def returning_account() -> str:
    return "000900011"


@pytest.fixture
def keeping_account() -> str:
    return "000900052"


class TestSimulatedPayoutBank(PayoutBankContract):
    async def test_a_script_of_faults(
        self, bank: SimulatedPayoutBank, scope: Scope, ids: RandomIdSource, paying_account: str
    ) -> None:
        order = ordered(ids, paying_account)
        bank.script.extend([Fault.QUESTION_LOST, None])
        assert isinstance(await paid(bank, scope, order), Unknown)
        assert await bank.enquire(scope, order.request) == NeverSeen()
        bank.script.extend([Fault.ANSWER_LOST, Fault.ANSWER_LOST])
        assert isinstance(await paid(bank, scope, order), Unknown)
        assert isinstance(await bank.enquire(scope, order.request), Unknown)
        assert isinstance(await bank.enquire(scope, order.request), Accepted)

    async def test_an_instant_order_is_paid_at_once_and_a_standard_one_after_its_window(
        self,
        bank: SimulatedPayoutBank,
        scope: Scope,
        ids: RandomIdSource,
        clock: ManualClock,
        paying_account: str,
    ) -> None:
        now = clock.now()
        assert bank.next_window(PayoutMethod.INSTANT, now) == now
        assert bank.next_window(PayoutMethod.STANDARD, now) == now + timedelta(seconds=5)
        assert isinstance(await paid(bank, scope, ordered(ids, paying_account, PayoutMethod.INSTANT)), Paid)
        reply = await paid(bank, scope, ordered(ids, paying_account))
        assert isinstance(reply, Accepted)
        assert reply.arrival_at == now + timedelta(seconds=3)

    @pytest.mark.parametrize(
        ("number", "failure"),
        [
            ("111111113", PayoutFailure.ACCOUNT_CLOSED),
            ("111111116", PayoutFailure.NO_ACCOUNT),
            ("222222227", PayoutFailure.INSUFFICIENT_FUNDS),
            ("333333335", PayoutFailure.BANK_ACCOUNT_RESTRICTED),
            ("987654321", PayoutFailure.NO_ACCOUNT),
        ],
    )
    async def test_a_number_says_why_it_rejects(
        self,
        bank: SimulatedPayoutBank,
        scope: Scope,
        ids: RandomIdSource,
        number: str,
        failure: PayoutFailure,
    ) -> None:
        assert await paid(bank, scope, ordered(ids, number)) == Rejected(failure)

    async def test_a_silent_account_is_never_told_of(
        self, bank: SimulatedPayoutBank, scope: Scope, ids: RandomIdSource, clock: ManualClock
    ) -> None:
        order = ordered(ids, "000900045")
        assert isinstance(await paid(bank, scope, order), Unknown)
        clock.advance(LONG)
        assert isinstance(await bank.enquire(scope, order.request), Unknown)
        assert await bank.notices(NOTICES_MAX) == ()

    async def test_processes_share_a_memory_that_outlives_them(
        self,
        tmp_path: Path,
        request: pytest.FixtureRequest,
        clock: ManualClock,
        scope: Scope,
        ids: RandomIdSource,
    ) -> None:
        journal = tmp_path / "journal"

        def opened() -> SimulatedPayoutBank:
            bank = SimulatedPayoutBank(clock, answer_timeout_s=0, journal=journal)
            request.addfinalizer(bank.close)
            return bank

        first, other = opened(), opened()
        orders = [ordered(ids, account.number) for account in TEST_ACCOUNTS]
        replies = [await paid(first, scope, order) for order in orders]
        lost = [isinstance(reply, Unknown) for reply in replies]
        again = [await paid(other, scope, order) for order in orders]
        assert [reply for reply, gone in zip(again, lost, strict=True) if not gone] == [
            reply for reply, gone in zip(replies, lost, strict=True) if not gone
        ]
        clock.advance(LONG)
        recall = recalled(ids, orders[0])
        assert await first.recall(scope, recall) == await other.recall(scope, recall)
        clock.advance(LONG)
        told = await first.notices(NOTICES_MAX)
        assert told
        assert await other.notices(NOTICES_MAX) == told == await opened().notices(NOTICES_MAX)
        await other.acknowledge(told[0].notice)
        for bank in (first, other, opened()):
            assert await bank.notices(NOTICES_MAX) == told[1:]

    async def test_no_account_number_is_written_down(
        self,
        tmp_path: Path,
        request: pytest.FixtureRequest,
        clock: ManualClock,
        scope: Scope,
        ids: RandomIdSource,
    ) -> None:
        journal = tmp_path / "journal"
        bank = SimulatedPayoutBank(clock, answer_timeout_s=0, journal=journal)
        request.addfinalizer(bank.close)
        for account in TEST_ACCOUNTS:
            order = ordered(ids, account.number)
            await paid(bank, scope, order)
            assert account.number not in repr(order)
        text = journal.read_text(encoding="utf-8")
        assert len([json.loads(line) for line in text.splitlines()]) == len(TEST_ACCOUNTS)
        assert not [account.name for account in TEST_ACCOUNTS if account.number in text]
        assert "Contract" not in text

    async def test_a_line_that_was_cut_says_nothing(
        self,
        tmp_path: Path,
        request: pytest.FixtureRequest,
        clock: ManualClock,
        scope: Scope,
        ids: RandomIdSource,
    ) -> None:
        journal = tmp_path / "journal"
        journal.write_text('{"order": "po_1", "mer')
        bank = SimulatedPayoutBank(clock, answer_timeout_s=0, journal=journal)
        request.addfinalizer(bank.close)
        assert await bank.enquire(scope, "po_1") == NeverSeen()
        order = ordered(ids, "000123456")
        first = await paid(bank, scope, order)
        again = SimulatedPayoutBank(clock, answer_timeout_s=0, journal=journal)
        request.addfinalizer(again.close)
        assert await again.enquire(scope, order.request) == first
