"""Merchants' money by chance, on memory: how it is earned, and all of its flow."""

import pytest
from hypothesis import settings

from tests.properties.cash_flow import CashFlowMachine
from tests.properties.machine import QUICK, MoneyMachine

pytestmark = pytest.mark.slow

TestMoney = MoneyMachine.TestCase
TestMoney.settings = settings(QUICK, max_examples=25)

TestCashFlow = CashFlowMachine.TestCase
TestCashFlow.settings = QUICK
