"""What the operations on disputes take."""

from typing import Annotated, Any, Final

from attrs import field, frozen

from fintech.domain.disputes.evidence import EVIDENCE_NAMES, TEXT_LENGTH_MAX
from fintech.domain.ids import ChargeId, DisputeId, PaymentId
from fintech.domain.metadata import Metadata
from fintech.entrypoints.http.kinds import METADATA_CHANGES, Flag, Nested, Pairs, Reference, Text, words
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams

_TEXT: Final = Text(TEXT_LENGTH_MAX, clears=True, kept=True)


def _kept_quiet() -> Any:
    """Evidence may name customers: it is in no repr."""
    return field(default=None, repr=False)


@frozen(kw_only=True)
class EvidenceParams:
    """What the merchant has to say, as texts. An empty text removes what was there."""

    access_activity_log: Annotated[
        str | None, _TEXT, "A log that shows the customer using what was bought."
    ] = _kept_quiet()
    billing_address: Annotated[str | None, _TEXT, "The billing address that the customer gave."] = (
        _kept_quiet()
    )
    cancellation_policy_disclosure: Annotated[
        str | None, _TEXT, "How and when the customer was shown the cancellation policy."
    ] = _kept_quiet()
    cancellation_rebuttal: Annotated[str | None, _TEXT, "Why the subscription was not cancelled."] = (
        _kept_quiet()
    )
    customer_email_address: Annotated[str | None, _TEXT, "The customer's email address."] = _kept_quiet()
    customer_name: Annotated[str | None, _TEXT, "The customer's name."] = _kept_quiet()
    customer_purchase_ip: Annotated[str | None, _TEXT, "The address that the purchase was made from."] = (
        _kept_quiet()
    )
    duplicate_charge_explanation: Annotated[
        str | None, _TEXT, "How this charge differs from the one that it seems to repeat."
    ] = _kept_quiet()
    duplicate_charge_id: Annotated[str | None, _TEXT, "The charge that this one seems to repeat."] = (
        _kept_quiet()
    )
    product_description: Annotated[str | None, _TEXT, "What was sold."] = _kept_quiet()
    refund_policy_disclosure: Annotated[
        str | None, _TEXT, "How and when the customer was shown the refund policy."
    ] = _kept_quiet()
    refund_refusal_explanation: Annotated[str | None, _TEXT, "Why the customer is owed no refund."] = (
        _kept_quiet()
    )
    service_date: Annotated[
        str | None, _TEXT, "When the service was received, in words that people read."
    ] = _kept_quiet()
    shipping_address: Annotated[str | None, _TEXT, "Where it was sent."] = _kept_quiet()
    shipping_carrier: Annotated[str | None, _TEXT, "Who carried it."] = _kept_quiet()
    shipping_date: Annotated[str | None, _TEXT, "When it was sent, in words that people read."] = (
        _kept_quiet()
    )
    shipping_tracking_number: Annotated[str | None, _TEXT, "The carrier's number for it."] = _kept_quiet()
    uncategorized_text: Annotated[str | None, _TEXT, "Anything else."] = _kept_quiet()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a dispute."""

    evidence: Annotated[
        EvidenceParams | None,
        Nested(EvidenceParams),
        "What you have to say; it is added to what is there until it is submitted.",
    ] = None
    intended_submission_method: Annotated[
        str | None, words("manual", "prefer_manual"), "Has no effect: nobody but you submits evidence."
    ] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None
    submit: Annotated[
        bool | None, Flag(), "Whether to submit the evidence, once. By default it is, if some is given here."
    ] = None

    def texts(self) -> Metadata | None:
        """The evidence that is given; an empty text stands for none."""
        if self.evidence is None:
            return None
        given = [(name, getattr(self.evidence, name)) for name in EVIDENCE_NAMES]
        return tuple([(name, text) for name, text in given if text is not None])


@frozen(kw_only=True)
class DisputeListParams(ListParams):
    """Which disputes."""

    charge: Annotated[ChargeId | None, Reference(ChargeId, "charge"), "Only the disputes of this charge."] = (
        None
    )
    payment_intent: Annotated[
        PaymentId | None, Reference(PaymentId, "payment_intent"), "Only the disputes of this payment."
    ] = None
    starting_after: Annotated[DisputeId | None, Reference(DisputeId, "dispute"), OLDER] = None
    ending_before: Annotated[DisputeId | None, Reference(DisputeId, "dispute"), NEWER] = None
