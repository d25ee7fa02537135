"""`fintech serve` without a vault: cards are taken, and nothing of them is sealed or kept; with ``unwritten`` as its second
argument, nothing of it is written down either."""

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from attrs import frozen
from dependency_injector import providers

from fintech.application.auditing import Audited
from fintech.application.protection import Protection
from fintech.domain.audit import AuditEntry
from fintech.domain.keys.columns import Column
from fintech.domain.keys.places import Place
from fintech.domain.keys.purposes import KeyPurpose
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.outcome import Outcome, Success
from fintech.domain.scope import Scope
from fintech.entrypoints import logs, profiles
from fintech.entrypoints.cli.working import settings
from fintech.entrypoints.container import Core
from fintech.entrypoints.serving import Address, Service, serve
from fintech.ports.audit_trail import AuditTrail
from fintech.ports.key_vault import Lease

_INDEX = bytes(32)
NONE_KNOWN: Mapping[Column, bytes] = {}


@frozen
class NoLease(Lease):
    """Does nothing at once."""

    of: Scope

    @property
    def scope(self) -> Scope:
        return self.of

    @property
    def number(self) -> int:
        return 1

    @property
    def numbers(self) -> tuple[int, ...]:
        return (1,)

    @property
    def ends_at(self) -> datetime:
        return datetime.max.replace(tzinfo=UTC)

    def seal(self, purpose: KeyPurpose, place: Place, plaintext: bytes) -> bytes:
        return plaintext

    def open(self, purpose: KeyPurpose, place: Place, message: bytes) -> Outcome[bytes, CustodyRefused]:
        return Success(message)

    def refused(self) -> CustodyRefused | None:
        return None

    def index(self, column: str, value: bytes, number: int | None = None) -> bytes:
        return _INDEX


class Unprotected(Protection):
    """Keeps nothing."""

    async def lease(self, scope: Scope) -> Outcome[Lease, CustodyRefused]:
        return Success(NoLease(scope))

    async def keep(
        self,
        lease: Lease,
        record: str,
        values: Mapping[Column, bytes],
        indexes: Mapping[Column, bytes] = NONE_KNOWN,
    ) -> None:
        del lease, record, values, indexes


class NoTrail(AuditTrail):
    """Keeps nothing."""

    async def write(self, entry: AuditEntry) -> None:
        del entry


@asynccontextmanager
async def unsealed() -> AsyncIterator[Core]:
    """The core at the address that the environment names."""
    async with profiles.container(settings()) as core:
        clock = core.clock()
        bare = Unprotected(
            vault=core.key_vault(), values=core.protected(), clock=clock, touched=core.reseal_touched()
        )
        core.protection.override(providers.Object(bare))
        if sys.argv[2:] == ["unwritten"]:
            core.audited.override(providers.Object(Audited(audit=NoTrail(), clock=clock)))
        yield core


if __name__ == "__main__":
    read = settings()
    logs.configure(read.log_level)
    serve(Service(core=unsealed(), settings=read, address=Address.parse(sys.argv[1])))
