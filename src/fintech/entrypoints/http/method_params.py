"""What requests say of payment methods: a card as it is typed in, and whose it is."""

from typing import Annotated, Final

from attrs import asdict, field, frozen

from fintech.domain.billing import (
    EMAIL_MAX,
    NAME_MAX,
    NO_BILLING,
    PHONE_MAX,
    BillingAddress,
    BillingDetails,
)
from fintech.domain.cards import CardDetails
from fintech.domain.ids import PaymentMethodId
from fintech.domain.metadata import Metadata
from fintech.entrypoints.http.kinds import Choice, Integer, Nested, Pairs, Reference, Text
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams

_CARD: Final = Choice({"card": "card"})
_LINE: Final = Text(NAME_MAX, kept=True)


@frozen(kw_only=True)
class CardParams:
    """A card as it is typed in."""

    number: Annotated[str, Text(32), "The card number, without separators or with spaces or hyphens."] = (
        field(repr=False)
    )
    exp_month: Annotated[int, Integer(0, 99), "The month it expires in, 1 to 12."] = field(repr=False)
    exp_year: Annotated[int, Integer(0, 9999), "The year it expires in, of four digits or two."] = field(
        repr=False
    )
    cvc: Annotated[str | None, Text(4), "The security code."] = field(default=None, repr=False)

    def details(self) -> CardDetails:
        """What the vault is given."""
        return CardDetails(
            number=self.number.replace(" ", "").replace("-", ""),
            exp_month=self.exp_month,
            exp_year=self.exp_year + 2000 * (self.exp_year < 100),
            cvc=self.cvc,
        )


@frozen(kw_only=True)
class AddressParams:
    """An address, anywhere."""

    line1: Annotated[str | None, _LINE, "Street and number."] = field(default=None, repr=False)
    line2: Annotated[str | None, _LINE, "What else finds the door."] = field(default=None, repr=False)
    city: Annotated[str | None, _LINE, "The city, suburb or town."] = field(default=None, repr=False)
    state: Annotated[str | None, _LINE, "The state or province."] = field(default=None, repr=False)
    postal_code: Annotated[str | None, Text(16, kept=True), "The postcode."] = field(default=None, repr=False)
    country: Annotated[str | None, Text(2, kept=True), "The country, by its two letters."] = field(
        default=None, repr=False
    )


@frozen(kw_only=True)
class BillingParams:
    """Whose card it is. It is kept sealed, and no event tells it."""

    name: Annotated[str | None, _LINE, "The name of the card's owner."] = field(default=None, repr=False)
    email: Annotated[str | None, Text(EMAIL_MAX, kept=True), "The owner's e-mail address."] = field(
        default=None, repr=False
    )
    phone: Annotated[str | None, Text(PHONE_MAX, kept=True), "The owner's telephone number."] = field(
        default=None, repr=False
    )
    address: Annotated[AddressParams | None, Nested(AddressParams), "The billing address."] = field(
        default=None, repr=False
    )

    def details(self) -> BillingDetails:
        """What is sealed."""
        given = asdict(self.address, recurse=False) if self.address else {}
        return BillingDetails(
            name=self.name, email=self.email, phone=self.phone, address=BillingAddress(**given)
        )


@frozen(kw_only=True)
class CreateParams:
    """A new payment method."""

    type: Annotated[str, _CARD, "What kind of payment method it is."]
    card: Annotated[CardParams, Nested(CardParams), "The card's details."]
    billing_details: Annotated[BillingParams | None, Nested(BillingParams), "Whose card it is."] = field(
        default=None, repr=False
    )
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()

    def billing(self) -> BillingDetails:
        """What is said of the card's owner."""
        return self.billing_details.details() if self.billing_details else NO_BILLING


@frozen(kw_only=True)
class FindParams:
    """What to look for."""

    email: Annotated[
        str, Text(EMAIL_MAX), "The e-mail address of the cards' owner, in any spelling of its letters."
    ] = field(repr=False)


@frozen(kw_only=True)
class MethodListParams(ListParams):
    """Which payment methods."""

    type: Annotated[str | None, _CARD, "Only payment methods of this kind."] = None
    starting_after: Annotated[PaymentMethodId | None, Reference(PaymentMethodId, "payment_method"), OLDER] = (
        None
    )
    ending_before: Annotated[PaymentMethodId | None, Reference(PaymentMethodId, "payment_method"), NEWER] = (
        None
    )
