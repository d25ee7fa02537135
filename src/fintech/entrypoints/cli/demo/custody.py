"""The bank holds the root: it takes the shop's keys away, and gives them back; and everybody can see that it did."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Final

from fintech.entrypoints import verifying
from fintech.entrypoints.cli.demo.cash_flow import VISA
from fintech.entrypoints.cli.demo.shop import WHY, Shop, announce, answer, expect, shown, tell

#: The bank's officer, and how soon after an order no process of ours uses what it took away.
OFFICER: Final = "ann"
HEEDED_WITHIN_S: Final = 2.0
OWNER: Final = "Ada Lovelace"
_CARD: Final[dict[str, Any]] = {
    "type": "card",
    "card": {"number": VISA, "exp_month": 12, "exp_year": 2034, "cvc": "123"},
    "billing_details": {"name": OWNER},
}
#: Somebody who owns the database lifts its guard, and has the trail say that another officer gave the orders.
_TAMPERING: Final = """
    alter table audit_records disable trigger user;
    update audit_records set document = replace(document::text, '"ann"', '"bob"')::json
    where document::text like '%"ann"%';
"""


def keeps_a_card(shop: Shop) -> None:
    """A card's number and its owner's name are sealed under the shop's key."""
    card = shop.sdk.payment_methods.create(_CARD)
    expect("a Visa is kept; of its number is shown", card.card.last4, VISA[-4:])
    expect("its owner, who is sealed too", card.billing_details.name, OWNER)
    tell(f"the bank names its officer {OFFICER}, whose private key we never see")
    _appoint(shop)


def loses_its_keys(shop: Shop) -> None:
    """A signed order: what is sealed is shut, in the service too, which nobody told but the key table."""
    _ordered(shop, 1, "suspend", "breach 4711")
    began = time.monotonic()
    code = shop.waits_for(lambda: _refusal(shop), "merchant_key_revoked")
    took = time.monotonic() - began
    expect("the service keeps no card any more: code", code, "merchant_key_revoked")
    expect(f"and has heeded the order within 2 s: {took:.1f} s", took <= HEEDED_WITHIN_S, True)
    kept = shop.sdk.payment_methods.list().data[0]
    expect("the card on file is listed, its owner held back: protection", kept.protection, "revoked")
    expect("its owner", kept.billing_details.name, None)


def gets_them_back(shop: Shop) -> None:
    """The next order: what was sealed opens, and webhooks that nobody could sign are sent."""
    _ordered(shop, 2, "restore", "clean")
    owner = shop.waits_for(lambda: shop.sdk.payment_methods.list().data[0].billing_details.name, OWNER)
    expect("the owner of the card on file can be read again", owner, OWNER)
    waiting = [event.id for event in shop.sdk.events.list({"limit": 100}).data if event.pending_webhooks]
    for event in waiting:
        shop.client.raw_request("post", f"/v1/events/{event}/retry")
    expect("events that nobody could sign have waited, and are sent", bool(waiting), True)


def rotates_its_key(shop: Shop) -> None:
    """A new version seals, the one before opens what it sealed."""
    before = shop.sdk.payment_methods.list().data[0]
    versions = answer(shop.stage, "keys", "rotate", shop.account, "--why", WHY)["versions"]
    stand = ", ".join(each["status"] for each in versions)
    expect("how the versions of its key stand", stand, "decrypt_only, active")
    after = shop.sdk.payment_methods.create(_CARD)
    expect("the same card has the same fingerprint", after.card.fingerprint, before.card.fingerprint)
    first = shop.sdk.payment_methods.retrieve(before.id)
    expect("what the first version sealed opens", first.billing_details.name, OWNER)


def is_audited(shop: Shop) -> None:
    """The trail says what was done, and is as it was written: somebody checks it who may only read."""
    told = shown(shop.stage, "keys", "orders").splitlines()[1:]
    expect(f"orders in {OFFICER}'s name, their signatures checked", len(told), 2)
    trail = answer(shop.stage, "audit", "verify")
    expect("the audit trail is as it was written", trail["holds"], True)


def is_tampered_with(shop: Shop) -> None:
    """On a copy, somebody with every right to the database changes who gave the orders."""
    copy = shop.stage.copied()
    asyncio.run(_tamper(copy))
    tell("in a copy of the books, the database's owner changes who gave the orders")
    announce(("audit", "verify", "--data", str(copy)))
    found = json.loads(shop.stage.refused("audit", "verify", "--json", data=copy))
    kinds = {each["finding"] for each in found["findings"]}
    expect("verifying the copy finds entries that were changed", "changed" in kinds, True)
    expect("and so the trail is not as it was written: holds", found["holds"], False)


def _appoint(shop: Shop) -> None:
    """The bank makes a key, and gives us the public half."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - spares others its weight
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - the same

    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    _pem(shop).write_bytes(pem)
    (shop.stage.data / "officers.json").write_text(json.dumps({OFFICER: public.decode()}), encoding="utf-8")


def _ordered(shop: Shop, sequence: int, action: str, reason: str) -> None:
    """Signed at the bank, on files alone; carried out by a command beside the service."""
    order = str(shop.stage.folder / f"order-{sequence}.json")
    signing = ("--officer", OFFICER, "--key", str(_pem(shop)), "--sequence", str(sequence))
    about = ("--action", action, "--merchant", shop.account, "--reason", reason)
    sign = ("keys", "order", "sign", order, *signing, *about)
    announce(sign)
    shop.stage.file_command(*sign)
    done = answer(shop.stage, "keys", "order", "apply", order, "--officer", OFFICER)
    expect(
        f"order {sequence} of the bank is carried out: {action}, signed by",
        ", ".join(done["signed_by"]),
        OFFICER,
    )


def _refusal(shop: Shop) -> str | None:
    """Why a card cannot be kept; None if it was."""
    import stripe  # noqa: PLC0415 - an extra that only the demo needs

    try:
        shop.sdk.payment_methods.create(_CARD)
    except stripe.StripeError as error:
        return None if error.error is None else error.error.code
    return None


async def _tamper(folder: Path) -> None:
    import asyncpg  # noqa: PLC0415 - spares others its weight

    async with verifying.owned_database(folder) as address:
        connection = await asyncpg.connect(address)
        try:
            await connection.execute(_TAMPERING)
        finally:
            await connection.close()


def _pem(shop: Shop) -> Path:
    return shop.stage.folder / f"{OFFICER}.pem"
