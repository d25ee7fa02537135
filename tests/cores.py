"""Cores for tests that shall see no difference between one store and the other."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeAlias

from attrs import asdict

from fintech.adapters.memory.clock import ManualClock
from fintech.adapters.memory.id_source import CountingIdSource
from fintech.adapters.memory.webhook_sender import MemoryWebhookSender
from fintech.adapters.postgres.database import open_database
from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.simulator.card_directory import SimulatedCardDirectory
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.adapters.system.keyed_digest import LocalDigest
from fintech.application.keys.honeytokens import Alarm
from fintech.application.sealing_anew import ResealTouched
from fintech.domain.audit import AuditEntry
from fintech.domain.keys.periods import KeyPolicy
from fintech.domain.tax_invoices import SPECIMEN
from fintech.entrypoints.container import Core
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.key_vault import KeyVault
from tests.conftest import Server, spelt
from tests.vaults import ScriptedVault

#: Opens a core whose acquirer, bank and clock are a test's; called with ``acquirer``, ``clock`` and perhaps ``bank`` and
#: ``key_vault``.
OpenCore: TypeAlias = Callable[..., AbstractAsyncContextManager[Core]]


class Unwritten(AuditTrail):
    """What is done to these cores is of no concern to anybody."""

    async def write(self, entry: AuditEntry) -> None:
        del entry


def on_postgres(server: Server, *, writers: int = 2, readers: int = 2) -> OpenCore:
    """A core like `fintech.testing`, but for where it stores; on a database of its own."""

    @asynccontextmanager
    async def opened(
        *,
        acquirer: SimulatedAcquirer,
        clock: ManualClock,
        bank: SimulatedPayoutBank | None = None,
        key_vault: KeyVault | None = None,
    ) -> AsyncIterator[Core]:
        name = server.new_database()
        dsn = spelt(server.url_of(name), "postgresql")
        digests = LocalDigest(bytes(32))
        async with open_database(dsn, clock, writers=writers, readers=readers) as database:
            touched, trail = ResealTouched(protected=database.protected), Unwritten()
            yield Core(
                **asdict(database, recurse=False),
                webhook_sender=MemoryWebhookSender(),
                acquirer=acquirer,
                bank=bank or SimulatedPayoutBank(clock, answer_timeout_s=0),
                cards=SimulatedCardDirectory(digests, clock),
                key_vault=key_vault or ScriptedVault(),
                clock=clock,
                ids=CountingIdSource(),
                digests=digests,
                supplier=SPECIMEN,
                audit=trail,
                alarm=Alarm(trail, clock),
                reseal_touched=touched,
                key_policy=KeyPolicy(),
            )
            await touched.close()
        server.drop(name)

    return opened
