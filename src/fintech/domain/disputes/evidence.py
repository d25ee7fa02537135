"""Evidence: what a merchant has to say to a dispute, as texts. It may name customers, so it is in no log and no repr, and is
kept sealed."""

import json
from typing import Final

from attrs import frozen

from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency, format_minor
from fintech.domain.outcome import Failure, Outcome, Success

#: What evidence is made of: the members of Stripe's evidence that are texts, in its order.
EVIDENCE_NAMES: Final = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_tracking_number",
    "uncategorized_text",
)
#: Stripe's limits, in characters: of one text and of all together.
TEXT_LENGTH_MAX: Final = 20_000
EVIDENCE_LENGTH_MAX: Final = 150_000


@frozen
class EvidenceTooLong:
    """A text, or all of them together where ``name`` is None, would have more characters than they may."""

    most: int
    name: str | None = None


def evidence_merged(evidence: Metadata, changes: Metadata | None) -> Outcome[Metadata, EvidenceTooLong]:
    """Evidence with some texts added or changed, in the order of `EVIDENCE_NAMES`. An empty text removes its member.

    Raises ``KeyError`` for a name that is none of them: a door has to look first.
    """
    if changes is None:
        return Success(evidence)
    known = {name: place for place, name in enumerate(EVIDENCE_NAMES)}
    merged = {name: text for name, text in dict((*evidence, *changes)).items() if text}
    for name, text in merged.items():
        if len(text) > TEXT_LENGTH_MAX:
            return Failure(EvidenceTooLong(TEXT_LENGTH_MAX, name))
    if sum(len(text) for text in merged.values()) > EVIDENCE_LENGTH_MAX:
        return Failure(EvidenceTooLong(EVIDENCE_LENGTH_MAX))
    return Success(tuple(sorted(merged.items(), key=lambda pair: known[pair[0]])))


def written(evidence: Metadata) -> bytes:
    """Evidence as it is sealed."""
    return json.dumps(evidence).encode()


def read(sealed: bytes) -> Metadata:
    """The evidence that was sealed."""
    return tuple((name, text) for name, text in json.loads(sealed))


def refund_noted(refunded_minor: int, currency: Currency) -> Metadata:
    """The defence that the books know of: what was given back before the dispute was opened."""
    if not refunded_minor:
        return ()
    amount = f"{format_minor(refunded_minor, currency)} {currency}"
    return (("uncategorized_text", f"{amount} of this charge was refunded before it was disputed."),)
