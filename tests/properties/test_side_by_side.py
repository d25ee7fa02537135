"""Two cores side by side must not be told apart, and one that cheats is found out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis.stateful import run_state_machine_as_test

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.ids import ChargeId, MerchantId, PaymentId
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.refusals import AmountTooSmall
from fintech.entrypoints.container import Core
from fintech.entrypoints.profiles import testing
from tests.properties.acquirers import StoryAcquirer
from tests.properties.banks import StoryBank
from tests.properties.cash_flow import CashFlowMachine
from tests.properties.machine import BRIEF
from tests.properties.views import view
from tests.properties.world import OpenCore

ONE, OTHER = PaymentId("pi_" + "0" * 23 + "1"), PaymentId("pi_" + "0" * 23 + "2")


@asynccontextmanager
async def out_of_step(*, acquirer: StoryAcquirer, bank: StoryBank, clock: ManualClock) -> AsyncIterator[Core]:
    """Memory once more, with other characters in its ids: nobody may notice."""
    async with testing(acquirer=acquirer, bank=bank, clock=clock) as core:
        for _ in range(1_000):
            core.ids().new(MerchantId)
        yield core


@asynccontextmanager
async def ahead_of_time(
    *, acquirer: StoryAcquirer, bank: StoryBank, clock: ManualClock
) -> AsyncIterator[Core]:
    """Memory on a clock that is a second fast."""
    fast = ManualClock(clock.now() + timedelta(seconds=1))
    async with testing(acquirer=acquirer, bank=bank, clock=fast) as core:
        yield core


class SideBySide(CashFlowMachine):
    cores: ClassVar[tuple[OpenCore, ...]] = (testing, out_of_step)


class Cheated(CashFlowMachine):
    cores: ClassVar[tuple[OpenCore, ...]] = (testing, ahead_of_time)


TestSideBySide = SideBySide.TestCase
TestSideBySide.settings = BRIEF


def test_a_core_that_stores_something_else_is_found_out() -> None:
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Cheated, settings=BRIEF)


def test_ids_are_compared_by_what_they_name() -> None:
    assert view(ONE) == view(OTHER) == "pi_"
    assert view(f"sim_{ChargeId.of(ONE, 0)}.reversal1") == "sim_ch_.reversal1"
    assert view(ONE) != view(MerchantId("acct_" + ONE[3:]))


def test_everything_else_is_compared_by_value() -> None:
    assert view(Success([1, (2,)])) == ("Success", (1, (2,)))
    assert view(Failure(AmountTooSmall(1))) != view(Failure(AmountTooSmall(2)))
    assert view(Failure(1)) != view(Success(1))
    assert view({ONE: 1, "b": 2}) == view({"b": 2, OTHER: 1})
    assert view({ONE: 1}) != view({ONE: 2})
