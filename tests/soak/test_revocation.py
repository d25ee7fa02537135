"""Four processes under load, and a bank that takes keys away: the promise as it is made."""

import pytest

from fintech.domain.keys.timing import USUAL
from tests.scenarios.revoking import Bounds, revoke_in_every_way

PROMISED = Bounds(order=2.0, disable=7.0, revoke=65.0, cut_off=30.0)


@pytest.mark.timeout(600)
async def test_the_promise_is_kept(postgres_dsn: str) -> None:
    lags = await revoke_in_every_way(postgres_dsn, USUAL, PROMISED)
    print({way: round(lag, 3) for way, lag in lags.items()})
