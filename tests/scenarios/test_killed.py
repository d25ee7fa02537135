"""The server and its database are killed under load, once each; `make soak` does it ten times."""

import pytest

from tests.scenarios.killing import Shop, survive
from tests.unit.entrypoints.folders import folder_in_reach


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_every_acknowledged_payment_survives_kills():
    with folder_in_reach() as folder:
        await survive(Shop(folder / "data"), servers=1, databases=1)
