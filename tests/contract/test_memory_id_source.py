"""Ids that count keep the promise of `IdSource`, and are the same in every run."""

import pytest

from fintech.adapters.memory.id_source import CountingIdSource
from fintech.domain.ids import PaymentId
from fintech.ports.contracts.id_source import IdSourceContract


@pytest.fixture
def ids() -> CountingIdSource:
    return CountingIdSource()


class TestCountingIdSource(IdSourceContract):
    def test_it_counts(self, ids: CountingIdSource) -> None:
        assert ids.new(PaymentId) == "pi_000000000000000000000001"
        assert [ids.new(PaymentId)[-2:] for _ in range(32)][-1] == "11"
