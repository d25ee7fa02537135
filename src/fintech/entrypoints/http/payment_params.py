"""What the operations on payments take."""

from typing import Annotated, Final

from attrs import frozen

from fintech.domain.ids import PaymentId
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.payments.payment import CancelReason, CaptureMethod
from fintech.entrypoints.http.errors import Problem, Refused
from fintech.entrypoints.http.kinds import (
    AMOUNT,
    METADATA_CHANGES,
    Choice,
    Flag,
    Many,
    Nested,
    Pairs,
    Reference,
    Text,
    words,
)
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams
from fintech.entrypoints.http.method_params import CreateParams as MethodParams

DESCRIPTION_LENGTH_MAX: Final = 1_000
METHOD_NAME_LENGTH_MAX: Final = 100

CURRENCY: Final = Choice({each.lower(): each for each in Currency}, folds=True)
#: SDKs' default says that the capture may follow later; here it never does.
_CAPTURE: Final = Choice(
    {
        "automatic": CaptureMethod.AUTOMATIC,
        "automatic_async": CaptureMethod.AUTOMATIC,
        "manual": CaptureMethod.MANUAL,
    }
)
_DESCRIPTION: Final = Text(DESCRIPTION_LENGTH_MAX, clears=True, kept=True)
_CANCEL: Final = words(*(reason for reason in CancelReason if reason is not CancelReason.AUTOMATIC))
_IF_AVAILABLE: Final = words("if_available", "never")


@frozen(kw_only=True)
class CardOptions:
    """What may be asked of cards. Where it can be had it is had without asking."""

    request_incremental_authorization: Annotated[str | None, _IF_AVAILABLE, "Always available."] = None
    request_multicapture: Annotated[str | None, _IF_AVAILABLE, "Always available."] = None


@frozen(kw_only=True)
class MethodOptions:
    """What may be asked of payment methods."""

    card: Annotated[CardOptions | None, Nested(CardOptions), "What may be asked of cards."] = None


@frozen(kw_only=True)
class AutomaticMethods:
    """Which payment methods are offered. Cards are."""

    enabled: Annotated[bool, Flag(), "Has no effect: cards are always offered."]
    allow_redirects: Annotated[str | None, words("always", "never"), "Has no effect: no card redirects."] = (
        None
    )


@frozen(kw_only=True)
class Paying:
    """What to pay with, for the operations that confirm or may do so."""

    payment_method: Annotated[
        str | None, Text(METHOD_NAME_LENGTH_MAX), "A payment method's id, or a test card's name."
    ] = None
    payment_method_data: Annotated[
        MethodParams | None, Nested(MethodParams), "A payment method to be made on the way."
    ] = None
    payment_method_types: Annotated[tuple[str, ...], Many(words("card"), 1), "Cards, and nothing else."] = ()
    payment_method_options: Annotated[
        MethodOptions | None, Nested(MethodOptions), "What may be asked of payment methods."
    ] = None
    capture_method: Annotated[
        CaptureMethod | None, _CAPTURE, "Whether the money is taken with the approval, or later by a capture."
    ] = None

    def one_method(self) -> None:
        """Raises `Refused` when there are two things to pay with."""
        if self.payment_method is not None and self.payment_method_data is not None:
            raise Refused(
                Problem(
                    code="parameters_exclusive",
                    message="You may only specify one of these parameters: payment_method, payment_method_data.",
                    param="payment_method_data",
                )
            )


@frozen(kw_only=True)
class Confirming(Paying):
    """What only matters where a payment may need its cardholder, which none does here."""

    error_on_requires_action: Annotated[bool | None, Flag(), "Has no effect: no payment needs an action."] = (
        None
    )
    off_session: Annotated[bool | None, Flag(), "Has no effect: no payment needs an action."] = None
    return_url: Annotated[str | None, Text(2_048), "Has no effect: no payment needs an action."] = None
    use_stripe_sdk: Annotated[bool | None, Flag(), "Has no effect: no payment needs an action."] = None


@frozen(kw_only=True)
class CreateParams(Confirming):
    """A new payment."""

    amount: Annotated[int, AMOUNT, "What is to be paid, in minor units of the currency."]
    currency: Annotated[Currency, CURRENCY, "The currency, by its ISO 4217 code in lower case."]
    automatic_payment_methods: Annotated[
        AutomaticMethods | None, Nested(AutomaticMethods), "Has no effect: cards are always offered."
    ] = None
    confirm: Annotated[bool, Flag(), "Whether to ask for the money at once."] = False
    confirmation_method: Annotated[str | None, words("automatic"), "Has no effect."] = None
    description: Annotated[str | None, _DESCRIPTION, "What it is for."] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams(Paying):
    """Changes of a payment."""

    amount: Annotated[int | None, AMOUNT, "What is to be paid, in minor units of the currency."] = None
    currency: Annotated[Currency | None, CURRENCY, "The currency, which cannot change."] = None
    description: Annotated[str | None, _DESCRIPTION, "What it is for."] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class ConfirmParams(Confirming):
    """How to confirm a payment."""


@frozen(kw_only=True)
class CaptureParams:
    """How much to take."""

    amount_to_capture: Annotated[int | None, AMOUNT, "How much to take, in minor units; by default all."] = (
        None
    )
    final_capture: Annotated[bool, Flag(), "Whether what is not taken is let go."] = True


@frozen(kw_only=True)
class CancelParams:
    """Why to give a payment up."""

    cancellation_reason: Annotated[CancelReason | None, _CANCEL, "Why the payment is given up."] = None


@frozen(kw_only=True)
class IncrementParams:
    """How much more to authorise."""

    amount: Annotated[int, AMOUNT, "The new total, in minor units; more than before."]


@frozen(kw_only=True)
class PaymentListParams(ListParams):
    """Which payments."""

    starting_after: Annotated[PaymentId | None, Reference(PaymentId, "payment_intent"), OLDER] = None
    ending_before: Annotated[PaymentId | None, Reference(PaymentId, "payment_intent"), NEWER] = None
