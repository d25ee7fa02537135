"""Merchants' money by chance: on memory, and on two memories side by side."""

from tests.properties.machine import QUICK, MoneyMachine

TestMoney = MoneyMachine.TestCase
TestMoney.settings = QUICK
