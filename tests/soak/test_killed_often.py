"""The server and its database are killed under load, ten times each."""

import pytest

from tests.scenarios.killing import Shop, survive
from tests.unit.entrypoints.folders import folder_in_reach


@pytest.mark.timeout(1800)
async def test_every_acknowledged_payment_survives_many_kills():
    with folder_in_reach() as folder:
        await survive(Shop(folder / "data"), servers=10, databases=10, customers=32, pause_s=5)
