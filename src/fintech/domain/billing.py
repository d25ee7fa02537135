"""Billing details: whose a card is. Personal data, which is kept sealed and nowhere else."""

import json
from collections.abc import Mapping
from typing import Final

from attrs import asdict, field, frozen

from fintech.domain.keys.columns import (
    BILLING_ADDRESS,
    BILLING_EMAIL,
    BILLING_NAME,
    BILLING_PHONE,
    Column,
)

#: Longest name or line of an address, e-mail address (RFC 5321, 4.5.3.1) and telephone number, in characters.
NAME_MAX: Final = 200
EMAIL_MAX: Final = 254
PHONE_MAX: Final = 40

#: What billing details are sealed in.
BILLING: Final = (BILLING_NAME, BILLING_EMAIL, BILLING_PHONE, BILLING_ADDRESS)


@frozen
class BillingFault:
    """What is wrong with billing details. ``field`` is the one that is wrong, ``rule`` what it has to be."""

    field: str
    rule: str


def _quiet() -> str | None:
    """Personal data is in no repr."""
    quiet: str | None = field(default=None, repr=False)
    return quiet


@frozen(kw_only=True)
class BillingAddress:
    """An address anywhere, as somebody wrote it. ``country`` has two letters (ISO 3166-1)."""

    line1: str | None = _quiet()
    line2: str | None = _quiet()
    city: str | None = _quiet()
    state: str | None = _quiet()
    postal_code: str | None = _quiet()
    country: str | None = _quiet()


NO_ADDRESS: Final = BillingAddress()


@frozen(kw_only=True)
class BillingDetails:
    """What somebody says of a card's owner; any of it may be missing."""

    name: str | None = _quiet()
    email: str | None = _quiet()
    phone: str | None = _quiet()
    address: BillingAddress = field(default=NO_ADDRESS, repr=False)

    def fault(self) -> BillingFault | None:
        """The first thing that is wrong with it, or None."""
        if self.email is not None and not email_like(self.email):
            return BillingFault("email", f"is an e-mail address of at most {EMAIL_MAX} characters")
        parts = {
            "name": self.name,
            **{f"address.{name}": text for name, text in asdict(self.address).items()},
        }
        for name, text in parts.items():
            if text is not None and not _line(text, NAME_MAX):
                return BillingFault(name, f"is one line of at most {NAME_MAX} characters")
        if self.phone is not None and not _line(self.phone, PHONE_MAX):
            return BillingFault("phone", f"is one line of at most {PHONE_MAX} characters")
        return None

    def sealable(self) -> Mapping[Column, bytes]:
        """What there is of it, by the column that it is sealed in."""
        told = {BILLING_NAME: self.name, BILLING_EMAIL: self.email, BILLING_PHONE: self.phone}
        values = {column: text.encode() for column, text in told.items() if text is not None}
        if self.address != NO_ADDRESS:
            values[BILLING_ADDRESS] = json.dumps(asdict(self.address)).encode()
        return values


NO_BILLING: Final = BillingDetails()


def billing_of(values: Mapping[Column, bytes]) -> BillingDetails:
    """The billing details that were sealed."""
    name, email, phone = (_text(values.get(each)) for each in (BILLING_NAME, BILLING_EMAIL, BILLING_PHONE))
    sealed = values.get(BILLING_ADDRESS)
    address = NO_ADDRESS if sealed is None else BillingAddress(**json.loads(sealed))
    return BillingDetails(name=name, email=email, phone=phone, address=address)


def email_like(text: str) -> bool:
    """Whether it may be an e-mail address: a name, an @ and a host, in one piece."""
    local, at, host = text.rpartition("@")
    whole = text.isprintable() and " " not in text and len(text) <= EMAIL_MAX
    return bool(local and at and host) and whole


def _line(text: str, most: int) -> bool:
    return bool(text.strip()) and text.isprintable() and len(text) <= most


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
