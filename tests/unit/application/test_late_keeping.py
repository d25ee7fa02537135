"""What is put away after its lease has ended counts as not kept: whoever kept it is told why, and nothing is left of it."""

from collections.abc import Awaitable, Callable, Sequence

import pytest

from fintech.adapters.memory.protected_store import MemoryProtectedStore
from fintech.application.protection import Protection
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.keys.columns import BILLING_NAME, CARD_NUMBER
from fintech.domain.keys.custody import Custody
from fintech.domain.keys.refusals import CustodyReason
from fintech.domain.keys.timing import USUAL
from fintech.domain.scope import Scope
from fintech.ports.errors import LeaseEnded
from fintech.ports.key_vault import KeyVault
from fintech.ports.protected_store import SealedValue
from tests.unit.adapters.crypto.desk import Desk

#: Ten times as fast as usual: a lease of 30 s, and 3 s without a look.
TIMING = USUAL.scaled(0.1)
VALUES = {CARD_NUMBER: b"4242424242424242", BILLING_NAME: b"Ada"}


class SlowStore(MemoryProtectedStore):
    """``meanwhile`` happens before it has put something away."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def put(self, scope: Scope, values: Sequence[SealedValue]) -> None:
        if self.meanwhile is not None:
            await self.meanwhile()
        await super().put(scope, values)


def protecting(desk: Desk, vault: KeyVault, store: SlowStore) -> Protection:
    return Protection(vault=vault, values=store, clock=desk.clock, touched=ResealTouched(protected=store))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("its time is over", CustodyReason.UNREACHABLE),
        ("nobody has looked", CustodyReason.UNREACHABLE),
        ("revoked", CustodyReason.REVOKED),
    ],
)
async def test_what_was_put_too_late_is_refused_and_gone(what: str, reason: CustodyReason) -> None:
    desk, store = Desk(timing=TIMING), SlowStore()
    scope, vault = desk.merchant(), desk.vault()
    protection = protecting(desk, vault, store)
    lease = (await protection.lease(scope)).unwrap()
    await protection.keep(lease, "pm_0", VALUES)

    async def meanwhile() -> None:
        if what == "its time is over":
            desk.pass_(TIMING.lease.total_seconds())
        elif what == "nobody has looked":
            desk.pass_(TIMING.blind.total_seconds())
        else:
            await desk.order(scope, Custody.REVOKED)
            desk.pass_(2 * TIMING.look_every.total_seconds())
            await vault.lease(scope)  # somebody else asks, and the vault looks

    store.meanwhile = meanwhile
    with pytest.raises(LeaseEnded) as ended:
        await protection.keep(lease, "pm_1", VALUES)
    assert ended.value.refused.reason is reason
    assert await store.counts(scope) == {1: len(VALUES)}, "what was put in time is there, and nothing else"


async def test_a_moment_before_the_end_is_in_time() -> None:
    desk, store = Desk(timing=TIMING), SlowStore()
    scope, vault = desk.merchant(), desk.vault()
    protection = protecting(desk, vault, store)
    lease = (await protection.lease(scope)).unwrap()

    async def meanwhile() -> None:
        desk.pass_(TIMING.blind.total_seconds() - 0.001)

    store.meanwhile = meanwhile
    await protection.keep(lease, "pm_1", VALUES)
    assert await store.counts(scope) == {1: len(VALUES)}
