"""A process that sweeps keys, and merchants for it."""

from fintech.application.auditing import Audited
from fintech.application.keys.sweep import KeySweep, SweepTerms
from fintech.application.keys.sweep_findings import Findings
from fintech.domain.scope import Scope
from tests.unit.adapters.crypto.desk import CMK, Desk


def sweep_of(desk: Desk, name: str = "one") -> KeySweep:
    """A process that sweeps."""
    return KeySweep(
        root=desk.root,
        table=desk.table,
        findings=Findings(audited=Audited(audit=desk.trail, clock=desk.clock)),
        clock=desk.clock,
        terms=SweepTerms(name=name, environment="test", cmks=(CMK,), timing=desk.timing),
    )


async def known(desk: Desk, *scopes: Scope) -> None:
    """Merchants whose keys are old enough to be believed in."""
    maker = desk.vault()
    for scope in scopes:
        await maker.lease(scope)
        await desk.settled(scope)
