"""What a service notes of its own accord: it fills no disk, waits for nobody and loses nothing for a while."""

from prometheus_client import CollectorRegistry, generate_latest

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.audit import AuditAction, AuditEntry
from fintech.entrypoints import profiles
from fintech.entrypoints.http.audit_metrics import AuditMetrics
from fintech.entrypoints.noting import ELSEWHERE, PLACES_MAX, Noting, Strangers
from fintech.entrypoints.worker import noting
from fintech.ports.audit_trail import AuditFigures, AuditQuery, AuditTrail
from fintech.ports.errors import AuditUnavailable
from tests.unit.entrypoints.http.driving import driving


class Trail(AuditTrail):
    def __init__(self) -> None:
        self.entries: list[AuditEntry] = []
        self.down = False

    async def write(self, entry: AuditEntry) -> None:
        if self.down:
            raise AuditUnavailable("down")
        self.entries.append(entry)


async def test_a_million_failures_are_a_few_lines() -> None:
    trail, strangers = Trail(), Strangers()
    notes = Noting(audit=trail, clock=ManualClock(), strangers=strangers)
    for attempt in range(100_000):
        strangers.note("api_key_invalid", f"10.0.{attempt % 300}.1")
    strangers.note("api_key_missing", None)
    await notes()
    assert len(trail.entries) <= PLACES_MAX + 2
    assert sum(int(each.details["times"]) for each in trail.entries) == 100_001
    invalid = [each for each in trail.entries if each.subject == "api_key_invalid"]
    assert {each.origin for each in invalid} == {
        *(f"10.0.{each}.1" for each in range(PLACES_MAX)),
        ELSEWHERE,
    }
    assert {each.action for each in trail.entries} == {AuditAction.AUTHENTICATION_FAILED}
    await notes()
    assert len(trail.entries) <= PLACES_MAX + 2


async def test_what_cannot_be_written_waits_and_is_counted_on() -> None:
    trail, strangers = Trail(), Strangers()
    notes = Noting(audit=trail, clock=ManualClock(), strangers=strangers)
    trail.down = True
    notes.started()
    for _ in range(3):
        strangers.note("api_key_invalid", "10.0.0.1")
        await notes()
    trail.down = False
    await notes()
    await notes.stopped()
    assert [(each.action, each.details.get("times")) for each in trail.entries] == [
        (AuditAction.SERVICE_STARTED, None),
        (AuditAction.AUTHENTICATION_FAILED, 3),
        (AuditAction.SERVICE_STOPPED, None),
    ]


async def test_a_service_notes_its_start_its_end_and_who_is_not_let_in() -> None:
    async with profiles.testing() as core:
        async with noting(core) as strangers, driving(core, strangers=strangers) as api:
            for _ in range(3):
                assert (await api.get("/v1/account", Authorization="Bearer sk_test_unknown")).status == 401
            assert (await api.get("/v1/account", Stripe_Account="acct_other")).status == 403
            assert (await api.get("/v1/account")).status == 200
        now = core.clock().now()
        query = AuditQuery(since=now.replace(year=2020), until=now.replace(year=2099), actor="serve")
        newest_first = await core.audit_sink().find(query, 10)
        documents = b"".join(each.document for each in newest_first[::-1])
        assert b"sk_test" not in documents
        told = [
            each for each in (b"service_started", b"api_key_invalid", b"account_invalid") if each in documents
        ]
        assert len(told) == 3
        assert b'"details":{"times":3}' in documents
        assert b"service_stopped" in newest_first[0].document


def test_figures_are_told() -> None:
    clock = ManualClock()
    figures = AuditFigures(entries=5, refused=1, checkpoints=2, uncovered=3, uncovered_since=clock.now())
    registry = CollectorRegistry(auto_describe=False)
    registry.register(AuditMetrics(figures, clock))
    text = generate_latest(registry).decode()
    for line in (
        "fintech_audit_entries_total 5.0",
        "fintech_audit_entries_refused_total 1.0",
        "fintech_audit_failing 0.0",
        "fintech_audit_checkpoints_total 2.0",
        "fintech_audit_checkpoint_failures_total 0.0",
        "fintech_audit_uncovered_entries 3.0",
        "fintech_audit_uncovered_seconds 0.0",
    ):
        assert line in text
