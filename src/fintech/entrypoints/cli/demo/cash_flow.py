"""The second half of the shop's day: the till, money now, money later, money back, and hearing of all of it."""

import asyncio
from typing import Any, Final

from fintech.entrypoints.cli.demo.shop import (
    WHY,
    Shop,
    amount_of,
    answer,
    expect,
    expect_cents,
    shown,
    tell,
)
from fintech.entrypoints.profiles import simulated_terminal

VISA: Final = "4242424242424242"
APPROVED: Final = "00"
#: Test bank accounts: one is paid, one sends the money back.
PAYS, RETURNS = "000123456", "000900011"
_PLACE: Final = ("--line1", "1 High Street", "--city", "Surry Hills", "--state", "nsw", "--postcode", "2010")


def sells_at_the_till(shop: Shop) -> None:
    """A terminal signs on over ISO 8583, sells, gives back, and gives up what nobody answered."""
    place = answer(shop.stage, "location", "create", shop.account, "--name", "Corner", *_PLACE, "--why", WHY)
    terminal = answer(
        shop.stage, "terminal", "register", shop.account, "--location", place["location"],
        "--serial", "simulated-1", "--why", WHY,
    )  # fmt: skip
    number = terminal["number"]
    tell(f"terminal {number} connects to {shop.stage.terminals}")
    host, _, port = shop.stage.terminals.rpartition(":")

    async def trade() -> tuple[str | None, Any, Any]:
        async with simulated_terminal(host, int(port), number) as till:
            signed_on = await till.sign_on()
            sold = await till.purchase(25_00, VISA)
            back = await till.refund(sold.reference or "", 5_00)
            return signed_on, sold, back

    signed_on, sold, back = asyncio.run(trade())
    expect("it signs on: response code", signed_on, APPROVED)
    expect("25.00 by Visa at the till: response code", sold.code, APPROVED)
    expect("5.00 back at the till: response code", back.code, APPROVED)
    shop.till.took(25_00)
    shop.till.gave_back(5_00)
    charges = shop.sdk.charges.list({"limit": 1}).data
    expect("the same sale, by the SDK", charges[0].payment_method_details.type, "card_present")


def takes_its_money_now(shop: Shop) -> None:
    """An instant payout: nothing is settled yet, so all of it is an advance."""
    _bank_account(shop, PAYS)
    _receives(shop, 100_00, method="instant")
    fee = shop.till.was_paid_out(100_00, instant=True)
    balance = answer(shop.stage, "balance", shop.account)
    expect_cents("advanced, with the fee and its GST", balance["advanced_minor"], 100_00 + fee)


def is_settled(shop: Shop) -> None:
    """The bank pays: the advance is repaid first, the rest is available."""
    owed = answer(shop.stage, "balance", shop.account)["advanced_minor"]
    settled = answer(shop.stage, "settle", shop.account, "--through", "today", "--why", WHY)["settlements"]
    repaid = sum(each["advance_repaid_minor"] for each in settled)
    expect_cents("of what the bank paid, the advance is repaid", repaid, owed)
    after = shop.sdk.balance.retrieve()
    expect_cents("the rest is available, by the SDK", amount_of(after.available), shop.till.net)


def is_paid_out(shop: Shop) -> None:
    """A standard payout, in the bank's next window."""
    account = _bank_account(shop, RETURNS)
    payout = shop.sdk.payouts.create({"amount": 10_00, "currency": "aud", "destination": account})
    expect("10.00 to an account in another name: status", payout.status, "pending")
    shop.till.was_paid_out(10_00, instant=False)


def has_a_payout_returned(shop: Shop) -> None:
    """A payout that was paid comes back days later: here, seconds."""
    payout = shop.sdk.payouts.list({"limit": 1}).data[0]
    status = shop.waits_for(lambda: shop.sdk.payouts.retrieve(payout.id).status, "failed")
    expect("the other bank sends it back: status", status, "failed")
    failure = shop.sdk.payouts.retrieve(payout.id).failure_code
    expect("and says why", failure, "incorrect_account_holder_name")
    shop.till.got(10_00)
    balance = shop.sdk.balance.retrieve()
    expect_cents("available again, by the SDK", amount_of(balance.available), shop.till.net)


def is_charged_back(shop: Shop) -> None:
    """A cardholder says no; the shop has evidence and wins."""
    terms = {"amount": 30_00, "currency": "aud", "payment_method": "pm_card_createDispute", "confirm": True}
    paid = shop.sdk.payment_intents.create(terms)
    shop.till.took(30_00)
    seen = shop.waits_for(lambda: bool(_withdrawn(shop, paid.id)), True)
    expect("30.00 are charged back", seen, True)
    shop.till.lost(30_00)
    dispute = _withdrawn(shop, paid.id)[0]
    expect("why", dispute.reason, "fraudulent")
    shop.sdk.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    status = shop.waits_for(lambda: shop.sdk.disputes.retrieve(dispute.id).status, "won")
    expect("the shop submits evidence: status", status, "won")
    shop.till.got(30_00 + 25_00 + 2_50)
    balance = shop.sdk.balance.retrieve()
    whole = amount_of(balance.available) + amount_of(balance.pending)
    expect_cents("money and fee are back: available and to come", whole, shop.till.net)


def explains_a_payout(shop: Shop) -> None:
    """What a payout paid for, to the cent."""
    instant = next(each for each in shop.sdk.payouts.list().data if each.method == "instant")
    lines = shop.sdk.balance_transactions.list({"payout": instant.id, "limit": 100}).data
    own = [line for line in lines if line.type == "payout"]
    paid_for = sum(line.payout_amount for line in lines if line.type != "payout")
    expect_cents("the instant payout's lines add up to it", paid_for, -own[0].net)


def reads_its_statement(shop: Shop) -> None:
    """Every line, and the balance after each; as a document, too."""
    span = ("--from", "yesterday", "--to", "today")  # a day may end while the demo plays
    table = shown(shop.stage, "ledger", "statement", shop.account, *span)
    statement = answer(shop.stage, "ledger", "statement", shop.account, *span)
    expect("lines", len(statement["lines"]), shop.till.lines)
    expect_cents("closing balance", statement["closing_minor"], shop.till.net)
    expect("the table says the same", f"{shop.till.net / 100:.2f}" in table, True)
    pdf = shop.stage.folder / "statement.pdf"
    shop.stage.command("ledger", "statement", shop.account, *span, "--format", "pdf", "--output", str(pdf))
    expect("the same as a document begins with", pdf.read_bytes()[:5].decode(), "%PDF-")


def has_heard_of_everything(shop: Shop) -> None:
    """Webhooks: what the log has, the shop's own system was told of."""
    log = {event.id: event.type for event in shop.sdk.events.list({"limit": 100}).auto_paging_iter()}
    since = {id: kind for id, kind in log.items() if kind not in {"account.created", "api_key.created"}}
    expected = len(since) - 1  # the endpoint does not hear of its own making
    heard = shop.waits_for(lambda: len(shop.receiver.types.keys() & since.keys()), expected)
    expect("events received, each verified by the SDK", heard, expected)
    expect("received and not verified", shop.receiver.refused, 0)
    kinds = set(shop.receiver.types.values())
    wanted = {"payout.paid", "payout.failed", "charge.dispute.closed", "payment_intent.succeeded"}
    expect("among them", sorted(wanted & kinds), sorted(wanted))


def _receives(shop: Shop, amount: int, **terms: str) -> None:
    payout = shop.sdk.payouts.create({"amount": amount, "currency": "aud", **terms})
    status = shop.waits_for(lambda: shop.sdk.payouts.retrieve(payout.id).status, "paid")
    expect(f"{amount / 100:.2f} now, ahead of settlement: status", status, "paid")


def _bank_account(shop: Shop, number: str) -> str:
    details = {
        "object": "bank_account",
        "country": "AU",
        "currency": "aud",
        "account_holder_name": "Corner Coffee Pty Ltd",
        "routing_number": "000000",
        "account_number": number,
    }
    account = shop.sdk.accounts.external_accounts.create(shop.account, {"external_account": details})
    expect("a bank account is added, shown as", account.last4, number[-4:])
    id: str = account.id
    return id


def _withdrawn(shop: Shop, payment: str) -> list[Any]:
    """Disputes of a payment that have taken the money."""
    disputes = shop.sdk.disputes.list({"payment_intent": payment}).data
    return [each for each in disputes if each.balance_transactions]
