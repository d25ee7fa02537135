"""``fintech audit``: whether the trail is whole, and what is in it."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final

import click
from attrs import define, field

from fintech.application.audit import FirstKeys, KnownFirstKeys, VerifyAudit
from fintech.domain.audit import KEY_BYTES, AuditAction, AuditRecord
from fintech.domain.audit_verification import NOTES, Verdict
from fintech.domain.business_days import SYDNEY
from fintech.domain.ids import MerchantId
from fintech.entrypoints import logs, verifying
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    DAY,
    NAME_MAX,
    actor_of,
    actor_options,
    bounded,
    data_option,
    if_given,
    json_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, json_text, print_json, print_table
from fintech.entrypoints.cli.working import MissingData, Refused, ending, settings, work
from fintech.entrypoints.cli.writing import written
from fintech.entrypoints.container import Core
from fintech.entrypoints.settings import LogLevel
from fintech.ports.audit_trail import AuditQuery

#: The longest file of first keys, in bytes: half a million streams.
KEYS_FILE_MAX: Final = 64 * 1024 * 1024
#: How many streams with findings are shown; what is wrong with more of them is the same.
SHOWN_MAX: Final = 1_000


@click.group()
def audit() -> None:
    """Verify the audit trail, and read what is in it."""


@define
class Summary:
    """What verifying came to. It does not grow with the trail."""

    streams: int = 0
    entries: int = 0
    broken: int = 0
    shown: list[Verdict] = field(factory=list)

    def add(self, verdict: Verdict) -> None:
        """One more stream."""
        self.streams += 1
        self.entries += verdict.count
        self.broken += not verdict.holds
        if verdict.found and len(self.shown) < SHOWN_MAX:
            self.shown.append(verdict)


@audit.command()
@click.option(
    "--keys",
    "keys_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="First keys of streams (see first-keys), instead of asking the root to unseal them.",
)
@data_option
@json_option
def verify(keys_file: Path | None, data: Path | None, as_json: bool) -> None:
    """Check every stream of the audit trail against its first key and its checkpoints.

    It only reads: a role of the database that may select is enough. Ends with 1 and the findings when somebody has been
    at the trail. A stream without an end, or with entries that no checkpoint covers, is noted: every process that was
    killed leaves one.
    """
    logs.configure(LogLevel.WARNING)
    keys = None if keys_file is None else _keys_in(keys_file)

    async def run() -> Summary:
        summary = Summary()
        async with _verifier(data, keys) as verifying_all:
            async for verdict in verifying_all():
                summary.add(verdict)
        return summary

    with ending():
        summary = asyncio.run(run())
    if as_json:
        print_json(
            {
                "holds": not summary.broken,
                "streams": summary.streams,
                "entries": summary.entries,
                "findings": [each for verdict in summary.shown for each in _found_fields(verdict)],
            }
        )
    else:
        _print_findings(summary)
    if summary.broken:
        raise Refused(f"{summary.broken} of {summary.streams} streams are not what was written")


@audit.command("list")
@click.option("--since", type=DAY, default="yesterday", show_default=True, help="The first day, in Sydney.")
@click.option("--until", type=DAY, default="today", show_default=True, help="The last day, in Sydney.")
@click.option("--merchant", type=ACCOUNT, help="What was done to one merchant.")
@click.option("--actor", callback=if_given(bounded(NAME_MAX)), metavar="NAME", help="What one has done.")
@click.option("--action", type=click.Choice([each.value for each in AuditAction]), help="Deeds of one kind.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many.")
@data_option
@actor_options("reading the audit trail")
@json_option
def list_(
    since: date,
    until: date,
    merchant: MerchantId | None,
    actor: str | None,
    action: str | None,
    limit: int,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """List entries, newest first. That you read them is written down first."""
    query = AuditQuery(
        since=datetime.combine(since, time.min, SYDNEY),
        until=datetime.combine(until + timedelta(days=1), time.min, SYDNEY),
        merchant=merchant,
        actor=actor,
        action=None if action is None else AuditAction(action),
    )

    async def body(core: Core) -> Sequence[AuditRecord]:
        return await core.read_audit()(actor_of(acting, why), query, limit)

    told = [json.loads(each.document) for each in work(data, body)]
    if as_json:
        print_json({"entries": told})
    else:
        names = ("at", "actor", "face", "action", "result", "subject", "merchant", "origin")
        rows = [[_cell(name, entry.get(name)) for name in names] for entry in told]
        print_table([Column(name) for name in names], rows)


@audit.command("first-keys")
@click.option(
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Where to: for the verifier's eyes only.",
)
@data_option
@actor_options(None)
@json_option
def first_keys(output: Path, data: Path | None, acting: str, why: str, as_json: bool) -> None:
    """Unseal the first keys of streams that have ended, for somebody who verifies without the root.

    That they are given is written down first.
    """

    async def body(core: Core) -> Mapping[str, bytes]:
        return await core.unseal_first_keys()(actor_of(acting, why))

    keys = work(data, body)
    with written(output) as file:
        file.write(json_text({name: key.hex() for name, key in keys.items()}).encode() + b"\n")
    if as_json:
        print_json({"first_keys": len(keys), "output": str(output)})
    else:
        print(f"{len(keys)} first keys are in {output}")


def _verifier(data: Path | None, keys: FirstKeys | None) -> AbstractAsyncContextManager[VerifyAudit]:
    if data is not None:
        return verifying.verifier_in_folder(data, keys)
    read = settings()
    if read.database_url is None:
        raise MissingData
    return verifying.verifier_as_set(read, keys)


def _keys_in(path: Path) -> FirstKeys:
    wrong = click.BadParameter(
        f"{path} is no file of first keys: a JSON object of streams and keys", param_hint="'--keys'"
    )
    try:
        with path.open("rb") as file:
            members = json.loads(file.read(KEYS_FILE_MAX))
        keys = {str(name): bytes.fromhex(key) for name, key in members.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        raise wrong from None
    if any(len(key) != KEY_BYTES for key in keys.values()):
        raise wrong
    return KnownFirstKeys(keys=keys)


def _print_findings(summary: Summary) -> None:
    columns = [Column("stream"), Column("finding"), Column("first", right=True), Column("last", right=True)]
    rows = [
        [fields["stream"], fields["finding"], str(fields["first"]), str(fields["last"])]
        for verdict in summary.shown
        for fields in _found_fields(verdict)
    ]
    if rows:
        print_table([*columns, Column("")], [[*row, _weight(row[1])] for row in rows])
    whole = summary.streams - summary.broken
    print(
        f"{summary.entries} entries in {summary.streams} streams, of which {whole} are as they were written"
    )


def _weight(finding: str) -> str:
    return "to know" if finding in NOTES else "WRONG"


def _found_fields(verdict: Verdict) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = [
        {
            "stream": verdict.stream,
            "finding": each.finding.value,
            "first": each.first,
            "last": each.last,
            "fault": each.fault,
        }
        for each in verdict.found
    ]
    if verdict.unnamed:
        fields[-1]["more"] = verdict.unnamed
    return fields


def _cell(name: str, value: object) -> str:
    if value is None:
        return ""
    return in_sydney(datetime.fromisoformat(str(value))) if name == "at" else str(value)
