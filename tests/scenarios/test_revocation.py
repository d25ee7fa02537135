"""Four processes under load, and a bank that takes keys away: with scaled clocks. `tests/soak` has it in full."""

import attrs
import pytest

from fintech.domain.keys.timing import USUAL
from tests.scenarios.revoking import Bounds, revoke_in_every_way

#: Every time but for how long a look may take, since the machine does not run faster; and but for what would end a use
#: anyway, so that it is the order, the sweep or the missing look that does.
FACTOR = 0.03
SCALED = attrs.evolve(
    USUAL.scaled(FACTOR),
    look_timeout=USUAL.look_timeout / 2,
    heartbeat=USUAL.heartbeat,
    lease=USUAL.lease,
)
#: What noticing takes beside the pause between two questions, as an order does.
NOTICED_S = 2.0


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_whatever_the_bank_takes_away_no_process_uses_any_more(postgres_dsn: str) -> None:
    bounds = Bounds(
        order=NOTICED_S,
        disable=SCALED.canary_every.total_seconds() + NOTICED_S,
        revoke=(SCALED.merchants_every + SCALED.lead + SCALED.canary_every).total_seconds() + NOTICED_S,
        cut_off=SCALED.blind.total_seconds(),
    )
    lags = await revoke_in_every_way(postgres_dsn, SCALED, bounds)
    assert set(lags) == {"order", "disable", "revoke", "cut_off"}
