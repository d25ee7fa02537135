"""What a dispute looks like."""

from collections.abc import Collection
from typing import Any, Final

from fintech.domain.chart import Bucket, bucket_of
from fintech.domain.disputes.dispute import Dispute, DisputeStatus
from fintech.domain.disputes.evidence import EVIDENCE_NAMES
from fintech.domain.disputes.news import DisputeReason
from fintech.domain.ids import MovementId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.entrypoints.http.balance_transaction_rendering import render_line
from fintech.entrypoints.http.protection import PROTECTION, WITHHELD, protection_of
from fintech.entrypoints.http.schema import (
    FLAG,
    INTEGER,
    METADATA,
    NULL,
    TEXT,
    UNIX_TIME,
    Schema,
    array,
    const,
    expandable,
    maybe,
    members,
    one_of,
    ref,
)
from fintech.ports.queries import MovementLine

#: Evidence that is a file elsewhere; here there are texts only.
_FILES: Final = (
    "cancellation_policy",
    "customer_communication",
    "customer_signature",
    "duplicate_charge_documentation",
    "receipt",
    "refund_policy",
    "service_documentation",
    "shipping_documentation",
    "uncategorized_file",
)

SCHEMA: Final[Schema] = members(
    {
        "id": TEXT,
        "object": const("dispute"),
        "amount": INTEGER,
        "balance_transactions": array(ref("balance_transaction")),
        "charge": expandable("charge"),
        "created": UNIX_TIME,
        "currency": TEXT,
        "enhanced_eligibility_types": array(TEXT),
        "evidence": members(
            dict.fromkeys(EVIDENCE_NAMES, maybe(TEXT))
            | dict.fromkeys(_FILES, NULL)
            | {"enhanced_evidence": members({})}
        ),
        "evidence_details": members(
            {
                "due_by": UNIX_TIME,
                "enhanced_eligibility": members({}),
                "has_evidence": FLAG,
                "past_due": FLAG,
                "submission_count": INTEGER,
                "submission_method": one_of("manual", "not_submitted"),
            }
        ),
        "is_charge_refundable": FLAG,
        "livemode": FLAG,
        "metadata": METADATA,
        "network_reason_code": maybe(TEXT),
        "payment_intent": expandable("payment_intent"),
        "payment_method_details": members(
            {
                "card": members(
                    {
                        "brand": TEXT,
                        "case_type": one_of("chargeback", "inquiry"),
                        "network": TEXT,
                        "network_reason_code": maybe(TEXT),
                    }
                ),
                "type": const("card"),
            }
        ),
        "protection": PROTECTION,
        "reason": one_of(*DisputeReason),
        "status": one_of(*DisputeStatus),
    },
    optional=("protection",),
)


def render_dispute(
    dispute: Dispute,
    livemode: bool,
    settled: Collection[MovementId] = (),
    evidence: Outcome[Metadata, CustodyRefused] | None = None,
) -> dict[str, Any]:
    """A dispute with the lines of the balance that it came to; ``settled`` are those whose money has arrived since.
    ``evidence`` is told as far as it is known here, and may be told."""
    return {
        **_protected_by(dispute, evidence),
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount_minor,
        "balance_transactions": [
            render_line(line, dispute.id, arrived=line.id in settled or not _unsettled(line))
            for line in lines_of(dispute)
        ],
        "charge": dispute.charge,
        "created": int(dispute.created_at.timestamp()),
        "currency": dispute.currency.value.lower(),
        "enhanced_eligibility_types": [],
        "evidence": dict.fromkeys((*EVIDENCE_NAMES, *_FILES))
        | dict(evidence.unwrap() if isinstance(evidence, Success) else dispute.evidence)
        | {"enhanced_evidence": {}},
        "evidence_details": {
            "due_by": int(dispute.evidence_due_at.timestamp()),
            "enhanced_eligibility": {},
            "has_evidence": dispute.has_evidence,
            "past_due": dispute.past_due,
            "submission_count": dispute.submissions,
            "submission_method": "manual" if dispute.submissions else "not_submitted",
        },
        "is_charge_refundable": dispute.charge_refundable,
        "livemode": livemode,
        "metadata": dict(dispute.metadata),
        "network_reason_code": dispute.reason_code,
        "payment_intent": dispute.payment,
        "payment_method_details": {
            "card": {
                "brand": dispute.scheme.value,
                "case_type": "inquiry" if dispute.inquiry else "chargeback",
                "network": dispute.scheme.value,
                "network_reason_code": dispute.reason_code,
            },
            "type": "card",
        },
        "reason": dispute.reason.value,
        "status": dispute.status.value,
    }


def _protected_by(dispute: Dispute, evidence: Outcome[Metadata, CustodyRefused] | None) -> dict[str, Any]:
    if isinstance(evidence, Failure):
        return {"protection": protection_of(evidence.failure())}
    sealed = dispute.sealed_evidence is not None and bool(dispute.sealed_evidence.names)
    return {"protection": WITHHELD} if evidence is None and sealed else {}


def lines_of(dispute: Dispute) -> tuple[MovementLine, ...]:
    """The movements of a dispute's money: none of an inquiry, else the chargeback, and the money back."""
    found = ((dispute.movement, dispute.withdrawal), (dispute.reversal_movement, dispute.reinstatement))
    return tuple(MovementLine(id=id, legs=legs) for id, legs in found if id is not None)


def _unsettled(line: MovementLine) -> bool:
    accounts = (account for leg in line.legs for account in (leg.debit, leg.credit))
    return any(bucket_of(account.code) is Bucket.UNSETTLED for account in accounts)
