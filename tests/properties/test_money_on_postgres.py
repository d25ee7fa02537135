"""The same life on memory and on Postgres, side by side: after every step nobody can tell one from the other."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from fintech.entrypoints.profiles import testing
from tests.conftest import Server
from tests.cores import on_postgres
from tests.properties.cash_flow import CashFlowMachine
from tests.properties.machine import BRIEF
from tests.properties.world import OpenCore

#: Each step asks Postgres for every proof and list, so there are few stories here and many on memory.
FEW = settings(BRIEF, max_examples=5, stateful_step_count=25)


@pytest.mark.slow
def test_memory_and_postgres_cannot_be_told_apart(postgres_server: Server) -> None:
    class OnBoth(CashFlowMachine):
        cores: ClassVar[tuple[OpenCore, ...]] = (
            testing,
            on_postgres(postgres_server, writers=1, readers=1),
        )

    run_state_machine_as_test(OnBoth, settings=FEW)
