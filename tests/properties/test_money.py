"""Merchants' money by chance, on memory: how it is earned, and all of its flow."""

from hypothesis import settings

from tests.properties.cash_flow import CashFlowMachine
from tests.properties.machine import QUICK, MoneyMachine

TestMoney = MoneyMachine.TestCase
TestMoney.settings = settings(QUICK, max_examples=25)

TestCashFlow = CashFlowMachine.TestCase
TestCashFlow.settings = QUICK
