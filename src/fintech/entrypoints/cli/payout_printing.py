"""How payouts are shown: as rows of a table, as facts, as JSON."""

from datetime import datetime
from typing import Any

from fintech.domain.money import format_minor
from fintech.domain.payouts.payout import Payout
from fintech.entrypoints.cli.explanation import Part
from fintech.entrypoints.cli.printing import in_sydney, iso


def row(payout: Payout) -> list[str]:
    """A payout as a row: id, moment, method, status, amount, fee with its tax, destination."""
    return [
        payout.id,
        in_sydney(payout.created_at),
        payout.method,
        payout.status,
        format_minor(payout.amount_minor, payout.currency),
        format_minor(payout.fee.total_minor, payout.currency),
        payout.destination,
    ]


def facts(payout: Payout) -> list[tuple[str, str]]:
    """A payout, one fact after the other; what does not apply is left out."""
    _, at, method, status, amount, fee, destination = row(payout)
    known = [("payout", payout.id), ("at", at), ("method", method), ("status", status)]
    known += [("amount", f"{amount} {payout.currency}"), ("fee and GST", fee), ("to", destination)]
    known += [("ahead of settlement", format_minor(payout.advanced_minor, payout.currency))]
    known += [(name, in_sydney(moment)) for name, moment in _moments(payout).items() if moment]
    known += [("failed because of", payout.failure)] if payout.failure else []
    known += [("brings back", payout.reverses)] if payout.reverses else []
    known += [("brought back by", payout.reversed_by)] if payout.reversed_by else []
    return known


def _moments(payout: Payout) -> dict[str, datetime | None]:
    return {"sent": payout.sent_at, "arrives": payout.arrival_at, "paid": payout.paid_at}


def fields(payout: Payout) -> dict[str, Any]:
    """A payout for programs."""
    return {
        "payout": payout.id,
        "status": payout.status,
        "method": payout.method,
        "amount_minor": payout.amount_minor,
        "currency": payout.currency,
        "fee_minor": payout.fee.fee_minor,
        "gst_minor": payout.fee.tax_minor,
        "advanced_minor": payout.advanced_minor,
        "destination": payout.destination,
        "automatic": payout.automatic,
        "created_at": iso(payout.created_at),
        "sent_at": iso(payout.sent_at),
        "arrival_at": iso(payout.arrival_at),
        "paid_at": iso(payout.paid_at),
        "failure": payout.failure,
        "reverses": payout.reverses,
        "reversed_by": payout.reversed_by,
        "description": payout.description,
        "metadata": dict(payout.metadata),
    }


def part_fields(part: Part) -> dict[str, Any]:
    """A line that a payout paid for, for programs."""
    return {
        "movement": part.movement,
        "at": iso(part.at),
        "kind": part.kind,
        "source": part.source,
        "net_minor": part.net_minor,
        "paid_minor": part.paid_minor,
    }
