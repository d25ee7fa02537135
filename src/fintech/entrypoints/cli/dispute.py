"""``fintech dispute``: what cardholders dispute, and what merchants say to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from attrs import field, frozen

from fintech.application.commits import NotFound, Request
from fintech.domain.card_numbers import shows_card_number
from fintech.domain.disputes.dispute import Dispute
from fintech.domain.disputes.evidence import EVIDENCE_NAMES, TEXT_LENGTH_MAX
from fintech.domain.ids import DisputeId, MerchantId, PaymentId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.lines import line_amounts
from fintech.domain.metadata import Metadata
from fintech.domain.money import format_minor
from fintech.domain.outcome import Failure, Outcome
from fintech.domain.scope import Scope
from fintech.entrypoints.cli.options import (
    ACCOUNT,
    PAYMENT,
    IdType,
    actor_of,
    actor_options,
    data_option,
    json_option,
    mode_option,
)
from fintech.entrypoints.cli.printing import Column, in_sydney, iso, print_facts, print_json, print_table
from fintech.entrypoints.cli.reading import all_of
from fintech.entrypoints.cli.refusals import said
from fintech.entrypoints.cli.working import granted, work
from fintech.entrypoints.container import Core
from fintech.ports.queries import Listed, Page

_DISPUTE: Final = IdType(DisputeId)


class _EvidenceType(click.ParamType):  # type: ignore[type-arg] # generic in newer versions of click only
    """A text of the evidence: ``service_date=2026-11-23``, or ``uncategorized_text=@FILE`` for what is in a file."""

    name = "name=text"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The name and the text, which is never said again: it may be about customers."""
        if isinstance(value, tuple):
            return value
        name, _, text = str(value).partition("=")
        if name not in EVIDENCE_NAMES:
            self.fail(f"is one of {', '.join(EVIDENCE_NAMES)}, and a text after =", param, ctx)
        if text.startswith("@"):
            text = self._read(Path(text[1:]), name, param, ctx)
        if len(text) > TEXT_LENGTH_MAX:
            self.fail(f"{name} has at most {TEXT_LENGTH_MAX} characters", param, ctx)
        if any(character < " " and character not in "\t\n\r" for character in text):
            self.fail(f"{name} has control characters in it", param, ctx)
        if shows_card_number(text):
            self.fail(f"{name} has what looks like a card number in it, which is never kept", param, ctx)
        return name, text

    def _read(self, path: Path, name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            with path.open(encoding="utf-8") as file:
                return file.read(TEXT_LENGTH_MAX + 1).strip()
        except (OSError, UnicodeDecodeError):
            self.fail(f"the file of {name} cannot be read as text", param, ctx)


@click.group()
def dispute() -> None:
    """List and show disputes, and respond to them."""


@dispute.command("list")
@click.argument("account", type=ACCOUNT)
@click.option("--payment", "payment_id", type=PAYMENT, help="Only this payment's.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Newest first.")
@mode_option
@data_option
@json_option
def list_(
    account: MerchantId,
    payment_id: PaymentId | None,
    limit: int,
    livemode: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """List a merchant's disputes, newest first."""
    scope = Scope(account, livemode)

    async def body(core: Core) -> list[Dispute]:
        async def read(page: Page) -> Listed[Dispute]:
            return await core.queries().disputes(scope, page, payment_id)

        if await core.store().merchant(scope) is None:
            granted(Failure(NotFound("merchant", account)))
        return [each async for each in all_of(read, lambda dispute: dispute.id, Page(), limit)]

    found = work(data, body)
    if as_json:
        print_json({"disputes": [_fields(each) for each in found]})
        return
    columns = [Column("dispute"), Column("at"), Column("status"), Column("amount", right=True)]
    columns += [Column("reason"), Column("evidence due"), Column("payment")]
    print_table(columns, [_row(each) for each in found])


@dispute.command()
@click.argument("account", type=ACCOUNT)
@click.argument("dispute_id", type=_DISPUTE, metavar="DISPUTE")
@mode_option
@data_option
@json_option
def show(
    account: MerchantId, dispute_id: DisputeId, livemode: bool, data: Path | None, as_json: bool
) -> None:
    """Show a dispute, what it took and gave back, and the evidence."""

    async def body(core: Core) -> _Told:
        scope = Scope(account, livemode)
        found = await core.store().dispute(scope, dispute_id)
        return await _told(core, scope, found or granted(Failure(NotFound("dispute", dispute_id))))

    _show(work(data, body, watched=True), as_json=as_json)


@dispute.command()
@click.argument("account", type=ACCOUNT)
@click.argument("dispute_id", type=_DISPUTE, metavar="DISPUTE")
@click.option(
    "--set",
    "texts",
    type=_EvidenceType(),
    multiple=True,
    help="A text of the evidence; name=@FILE takes it from a file, name= removes it. Repeatable.",
)
@click.option("--submit", is_flag=True, help="Submit what there is to the bank: this can be done once.")
@mode_option
@data_option
@actor_options(None)
@json_option
def evidence(
    account: MerchantId,
    dispute_id: DisputeId,
    texts: Sequence[tuple[str, str]],
    submit: bool,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Gather evidence for a dispute, and submit it.

    A response that the bank has not confirmed is told again by the sweeper of a running service.
    """
    if not texts and not submit:
        raise click.UsageError("there is nothing to do: --set some evidence, or --submit what there is")
    given: Metadata | None = tuple(texts) or None

    async def body(core: Core) -> _Told:
        request = Request(actor=actor_of(acting, why))
        scope = Scope(account, livemode)
        outcome = await core.update_dispute()(request, scope, dispute_id, evidence=given, submit=submit)
        return await _told(core, scope, granted(outcome).value)

    _show(work(data, body), as_json=as_json)


@dispute.command()
@click.argument("account", type=ACCOUNT)
@click.argument("dispute_id", type=_DISPUTE, metavar="DISPUTE")
@mode_option
@data_option
@actor_options(None)
@json_option
def close(
    account: MerchantId,
    dispute_id: DisputeId,
    livemode: bool,
    data: Path | None,
    acting: str,
    why: str,
    as_json: bool,
) -> None:
    """Accept that the money of a dispute is lost, for good."""

    async def body(core: Core) -> _Told:
        request, scope = Request(actor=actor_of(acting, why)), Scope(account, livemode)
        return await _told(core, scope, granted(await core.close_dispute()(request, scope, dispute_id)).value)

    _show(work(data, body), as_json=as_json)


@frozen
class _Told:
    """A dispute and its evidence, or why nobody can read that."""

    dispute: Dispute
    evidence: Outcome[Metadata, CustodyRefused] = field(repr=False)


async def _told(core: Core, scope: Scope, dispute: Dispute) -> _Told:
    return _Told(dispute, (await core.keep_evidence().of(scope, (dispute,)))[dispute.id])


def _row(dispute: Dispute) -> list[str]:
    return [
        dispute.id,
        in_sydney(dispute.created_at),
        dispute.status,
        format_minor(dispute.amount_minor, dispute.currency),
        dispute.reason,
        in_sydney(dispute.evidence_due_at),
        dispute.payment,
    ]


def _show(told: _Told, *, as_json: bool) -> None:
    dispute, evidence = told.dispute, told.evidence
    if as_json:
        told_evidence = None if isinstance(evidence, Failure) else dict(evidence.unwrap())
        held_back = evidence.failure().reason if isinstance(evidence, Failure) else None
        print_json(_fields(dispute) | {"evidence": told_evidence, "held_back": held_back})
        return
    id, at, status, amount, reason, due, payment = _row(dispute)
    code = f" ({dispute.reason_code})" if dispute.reason_code else ""
    fields = _fields(dispute)
    print_facts(
        [
            ("dispute", id),
            ("at", at),
            ("status", status),
            ("payment", payment),
            ("amount", f"{amount} {dispute.currency}"),
            ("reason", f"{reason}{code}"),
            ("evidence due", due),
            *(
                (name, format_minor(fields[f"{name.replace(' ', '_')}_minor"], dispute.currency))
                for name in ("reserved", "taken", "given back")
            ),
            ("submitted", in_sydney(dispute.submitted_at) if dispute.submitted_at else "no"),
            ("not confirmed", dispute.errand.kind if dispute.errand else "nothing"),
            *(
                [("evidence", said(evidence.failure()))]
                if isinstance(evidence, Failure)
                else evidence.unwrap()
            ),
        ]
    )


def _fields(dispute: Dispute) -> dict[str, Any]:
    """What it took and gave back are with our fee and its tax, in minor units."""
    return {
        "dispute": dispute.id,
        "payment": dispute.payment,
        "charge": dispute.charge,
        "case": dispute.case,
        "status": dispute.status,
        "amount_minor": dispute.amount_minor,
        "currency": dispute.currency,
        "reason": dispute.reason,
        "reason_code": dispute.reason_code,
        "reserved_minor": dispute.reserved_minor,
        "taken_minor": -line_amounts(dispute.withdrawal).net_minor,
        "given_back_minor": line_amounts(dispute.reinstatement).net_minor,
        "created_at": iso(dispute.created_at),
        "evidence_due_at": iso(dispute.evidence_due_at),
        "submissions": dispute.submissions,
        "submitted_at": iso(dispute.submitted_at),
        "not_confirmed": dispute.errand.kind if dispute.errand else None,
        "metadata": dict(dispute.metadata),
    }
