"""What the wire says of a card that was presented at a terminal: in a charge, and as a payment method."""

from typing import Any, Final

from fintech.domain.cards import Card
from fintech.domain.payments.attempt import Attempt, AttemptStatus
from fintech.domain.payments.payment import Payment
from fintech.domain.payments.presentation import Presentation
from fintech.entrypoints.http.schema import FLAG, INTEGER, NULL, TEXT, UNIX_TIME, array, const, maybe, members

#: How a card was read, by the first two digits of data element 22 (ISO 8583:1987; EMV's additions).
_READ_METHODS: Final = {
    "02": "magnetic_stripe_track2",
    "05": "contact_emv",
    "07": "contactless_emv",
    "80": "magnetic_stripe_fallback",
    "90": "magnetic_stripe_track2",
    "91": "contactless_magstripe_mode",
}
_RECEIPT_NULLS: Final = (
    "application_cryptogram",
    "application_preferred_name",
    "cardholder_verification_method",
    "dedicated_file_name",
    "terminal_verification_results",
    "transaction_status_information",
)
#: What a chip would tell that is not read yet.
_NULLS: Final = (
    "brand_product",
    "cardholder_name",
    "description",
    "iin",
    "issuer",
    "preferred_locales",
    "wallet",
)
_FACTS: Final = {
    "brand": TEXT,
    "country": TEXT,
    "exp_month": INTEGER,
    "exp_year": INTEGER,
    "fingerprint": maybe(TEXT),
    "funding": TEXT,
    "last4": TEXT,
    "offline": maybe(members({"stored_at": NULL, "type": const("deferred")})),
    "read_method": maybe(TEXT),
} | dict.fromkeys(_NULLS, NULL)

#: In a charge's ``payment_method_details``.
CARD_PRESENT: Final = members(
    _FACTS
    | {
        "amount_authorized": maybe(INTEGER),
        "capture_before": maybe(UNIX_TIME),
        "emv_auth_data": NULL,
        "generated_card": NULL,
        "incremental_authorization_supported": FLAG,
        "location": TEXT,
        "network": TEXT,
        "network_transaction_id": maybe(TEXT),
        "overcapture_supported": FLAG,
        "reader": TEXT,
        "receipt": members(
            {
                "account_type": TEXT,
                "authorization_code": maybe(TEXT),
                "authorization_response_code": maybe(TEXT),
            }
            | dict.fromkeys(_RECEIPT_NULLS, NULL)
        ),
    }
)
#: In a payment method.
METHOD: Final = members(_FACTS | {"networks": members({"available": array(TEXT), "preferred": NULL})})


def presentation_of(payment: Payment, attempt: Attempt | None) -> Presentation | None:
    """How an attempt's card was presented. A terminal's attempt is the first of its payment: a card that somebody typed
    in later was not."""
    first = not payment.attempts or attempt is payment.attempts[0]
    return payment.presented if first else None


def render_card_present(presentation: Presentation, attempt: Attempt) -> dict[str, Any]:
    """The details of a charge."""
    card = attempt.method.card
    before = attempt.capture_before if attempt.status is AttemptStatus.AUTHORISED else None
    return {
        **_facts(presentation, card),
        "amount_authorized": attempt.authorised_minor or None,
        "capture_before": int(before.timestamp()) if before else None,
        "emv_auth_data": None,
        "generated_card": None,
        "incremental_authorization_supported": False,
        "location": presentation.location,
        "network": card.scheme.value,
        "network_transaction_id": attempt.reference,
        "overcapture_supported": False,
        "reader": presentation.terminal,
        "receipt": {
            "account_type": card.funding.value,
            "authorization_code": attempt.auth_code,
            "authorization_response_code": attempt.decline.scheme_code if attempt.decline else None,
            **dict.fromkeys(_RECEIPT_NULLS),
        },
    }


def render_presented_card(presentation: Presentation, card: Card) -> dict[str, Any]:
    """The details of a payment method."""
    networks = {"available": [card.scheme.value], "preferred": None}
    return {**_facts(presentation, card), "networks": networks}


def _facts(presentation: Presentation, card: Card) -> dict[str, Any]:
    return {
        "brand": card.scheme.value,
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "fingerprint": card.fingerprint,
        "funding": card.funding.value,
        "last4": card.last4,
        "offline": {"stored_at": None, "type": "deferred"} if presentation.offline else None,
        "read_method": _READ_METHODS.get(presentation.entry_mode[:2]),
        **dict.fromkeys(_NULLS),
    }
