"""How a card was presented at a terminal. The element numbers are those of ISO 8583:1987."""

from attrs import frozen

from fintech.domain.ids import LocationId, PaymentId, PaymentMethodId, TerminalId


@frozen(kw_only=True)
class Presentation:
    """What a terminal says of a transaction, and where it stood then, and nothing of the card.

    ``entry_mode`` is data element 22 (three digits: how the card was read, and whether a PIN can be entered), ``stan``
    data element 11, the number that the terminal gave it (six digits, again from 1 after 999,999), ``reference`` data
    element 37, by which both sides name it later. ``offline``: the terminal approved it itself, and the goods are gone.
    """

    terminal: TerminalId
    location: LocationId
    entry_mode: str
    stan: str
    reference: str
    offline: bool = False


def presented_method_id(payment: PaymentId) -> PaymentMethodId:
    """What a card that was presented is called: it is used once, so its name is derived from its payment's."""
    return PaymentMethodId(PaymentMethodId.PREFIX + payment.body)


def payment_of_presented(method: PaymentMethodId) -> PaymentId:
    """The payment that a card was presented for, if it was: any other payment method's is nobody's."""
    return PaymentId(PaymentId.PREFIX + method.body)
