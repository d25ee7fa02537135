"""Identifiers: a prefix that says what it names, then 24 characters that sort by time of making.

Layout after the prefix: 10 characters of milliseconds since 1970 (50 bits), then 14 random characters (70 bits),
in lower-case Crockford base 32, whose ASCII order is its numeric order. Ids of things that exist only as a part of
a changeset (events, movements of money, charges) are derived from their parent's characters and two more digits, so
they need neither a random source nor an index to find the way back.
"""

from typing import ClassVar, Final, Self

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
BODY_LENGTH: Final = 24
PARTS_MAX: Final = 100

_ALLOWED: Final = frozenset(ALPHABET)
_DIGITS: Final = tuple(f"{position:02d}" for position in range(PARTS_MAX))


class Id(str):
    """Text with a meaning: the type says which table it is a key of. Made by an `IdSource` or by `parse`."""

    __slots__ = ()
    PREFIX: ClassVar[str]
    LENGTH: ClassVar[int] = BODY_LENGTH

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The id that a text from outside spells, or None: a wrong prefix, length or character is no id."""
        body = text[len(cls.PREFIX) :]
        if not text.startswith(cls.PREFIX) or len(body) != cls.LENGTH or not _ALLOWED.issuperset(body):
            return None
        return cls(text)

    @property
    def body(self) -> str:
        """What follows the prefix."""
        return self[len(self.PREFIX) :]


class PartId(Id):
    """An id derived from a parent: the parent's body and the two digits of a position in it."""

    __slots__ = ()
    LENGTH: ClassVar[int] = BODY_LENGTH + 2

    @classmethod
    def of(cls, parent: Id, position: int) -> Self:
        """The id of the part at a position of 0 to 99."""
        if not 0 <= position < PARTS_MAX:
            message = f"a parent has at most {PARTS_MAX} parts"
            raise ValueError(message)
        return cls(cls.PREFIX + parent[-BODY_LENGTH:] + _DIGITS[position])


class MerchantId(Id):
    """A merchant (on the wire: an account)."""

    __slots__ = ()
    PREFIX = "acct_"


class ChangesetId(Id):
    """One commit."""

    __slots__ = ()
    PREFIX = "cs_"


class PaymentId(Id):
    """A payment: the intent to be paid (on the wire: a payment intent)."""

    __slots__ = ()
    PREFIX = "pi_"


class ChargeId(PartId):
    """One attempt to be paid (on the wire: a charge); a part of its payment."""

    __slots__ = ()
    PREFIX = "ch_"

    @property
    def payment_id(self) -> PaymentId:
        """The payment that this attempt belongs to."""
        return PaymentId(PaymentId.PREFIX + self.body[:BODY_LENGTH])


class PaymentMethodId(Id):
    """A card as a payment knows it."""

    __slots__ = ()
    PREFIX = "pm_"


class RefundId(Id):
    """A refund."""

    __slots__ = ()
    PREFIX = "re_"


class ApiKeyId(Id):
    """An API key; not the secret."""

    __slots__ = ()
    PREFIX = "key_"


class SettlementId(Id):
    """One settlement of a merchant."""

    __slots__ = ()
    PREFIX = "stl_"


class BankAccountId(Id):
    """A merchant's bank account."""

    __slots__ = ()
    PREFIX = "ba_"


class BalanceSettingsId(Id):
    """How a merchant is paid out: one for each merchant, named after it."""

    __slots__ = ()
    PREFIX = "bset_"

    @classmethod
    def of(cls, merchant: MerchantId) -> "BalanceSettingsId":
        """A merchant's."""
        return cls(cls.PREFIX + merchant.body)


class PayoutId(Id):
    """A payout."""

    __slots__ = ()
    PREFIX = "po_"


class RemittanceId(PartId):
    """A page of what a payout pays for; a part of the changeset that made the payout."""

    __slots__ = ()
    PREFIX = "rem_"


class DisputeId(Id):
    """A cardholder's dispute of a charge."""

    __slots__ = ()
    PREFIX = "dp_"


class WriteOffId(Id):
    """A debt of a merchant that is given up."""

    __slots__ = ()
    PREFIX = "wo_"


class LocationId(Id):
    """A place where terminals stand."""

    __slots__ = ()
    PREFIX = "tml_"


class TerminalId(Id):
    """A terminal (on the wire: a reader)."""

    __slots__ = ()
    PREFIX = "tmr_"


class WebhookEndpointId(Id):
    """Where events are sent to."""

    __slots__ = ()
    PREFIX = "we_"


class EventId(PartId):
    """Something that happened; a part of the changeset that made it true."""

    __slots__ = ()
    PREFIX = "evt_"


class MovementId(PartId):
    """Transfers that belong together (on the wire: a balance transaction); a part of their changeset."""

    __slots__ = ()
    PREFIX = "txn_"


class TransferId(Id):
    """One leg of a movement: the movement's characters and two more digits."""

    __slots__ = ()
    PREFIX = "tr_"
    LENGTH = BODY_LENGTH + 4

    @classmethod
    def of(cls, movement: MovementId, leg: int) -> "TransferId":
        """The id of leg 0 to 99 of a movement."""
        if not 0 <= leg < PARTS_MAX:
            message = f"a movement has at most {PARTS_MAX} legs"
            raise ValueError(message)
        return cls("tr_" + movement[4:] + _DIGITS[leg])

    @property
    def movement_id(self) -> MovementId:
        """The movement that this leg belongs to."""
        return MovementId(MovementId.PREFIX + self[3:-2])
