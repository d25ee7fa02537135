"""The command line: everything that the back office does, and the service itself.

Commands are imported when they are called, so that help and completion are quick.
"""

import click

from fintech.entrypoints.cli.lazy import LazyGroup, Listed


@click.group(
    cls=LazyGroup,
    lazy={
        "serve": Listed("fintech.entrypoints.cli.serve:serve", "Run the service until it is told to stop."),
        "demo": Listed(
            "fintech.entrypoints.cli.demo:demo", "Play a shop's day on this machine and check every step."
        ),
        "merchant": Listed("fintech.entrypoints.cli.merchant:merchant", "Open, show and place merchants."),
        "key": Listed("fintech.entrypoints.cli.key:key", "Make, roll, revoke and list API keys."),
        "keys": Listed(
            "fintech.entrypoints.cli.keys:keys",
            "Show custody of merchants' keys; sign and apply the bank's orders.",
        ),
        "payment": Listed("fintech.entrypoints.cli.payment:payment", "List, show and refund payments."),
        "payment-method": Listed(
            "fintech.entrypoints.cli.payment_method:payment_method",
            "Find kept cards; reveal a number to somebody who has a reason.",
        ),
        "location": Listed(
            "fintech.entrypoints.cli.location:location",
            "Note, list and remove the places where terminals stand.",
        ),
        "terminal": Listed(
            "fintech.entrypoints.cli.terminal:terminal", "Register, list and place terminals."
        ),
        "dispute": Listed(
            "fintech.entrypoints.cli.dispute:dispute", "List and show disputes, and respond to them."
        ),
        "payout": Listed(
            "fintech.entrypoints.cli.payout:payout",
            "Pay merchants out; show, explain, cancel and reverse payouts.",
        ),
        "payout-policy": Listed(
            "fintech.entrypoints.cli.payout_policy:payout_policy", "Show and set how a merchant is paid out."
        ),
        "bank-account": Listed(
            "fintech.entrypoints.cli.bank_account:bank_account",
            "Add, list and remove bank accounts.",
        ),
        "balance": Listed("fintech.entrypoints.cli.balance:balance", "Show what a merchant has, and where."),
        "settle": Listed(
            "fintech.entrypoints.cli.settle:settle",
            "Settle what was captured up to a day: one merchant's, or --all.",
        ),
        "write-off": Listed(
            "fintech.entrypoints.cli.write_off:write_off", "Give up a merchant's debt: it takes two people."
        ),
        "ledger": Listed(
            "fintech.entrypoints.cli.ledger:ledger", "Prove the books; print statements and tax invoices."
        ),
        "webhook": Listed(
            "fintech.entrypoints.cli.webhook:webhook", "Keep webhook endpoints; show and resend deliveries."
        ),
        "listen": Listed(
            "fintech.entrypoints.cli.listen:listen", "Print events as they happen, or forward them."
        ),
        "iso8583": Listed("fintech.entrypoints.cli.iso8583:iso8583", "Look into the messages of terminals."),
        "kms-simulator": Listed(
            "fintech.entrypoints.cli.kms_simulator:kms_simulator",
            "Simulate the bank's AWS KMS until it is told to stop.",
        ),
        "audit": Listed(
            "fintech.entrypoints.cli.audit:audit", "Verify the audit trail, and read what is in it."
        ),
        "db": Listed("fintech.entrypoints.cli.db:db", "Bring a database's tables up to date."),
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=(
        "The data are in a folder (--data DIR) or at FINTECH_DATABASE_URL; that needs FINTECH_DIGEST_KEY too. "
        "Exit codes: 0 done; 1 refused, or a proof that does not hold; 2 wrong usage or setting; "
        "3 something is unavailable: the port, the folder, the database, its schema; 130 interrupted."
    ),
)
@click.version_option(package_name="fintech")
def cli() -> None:
    """Payments for merchants, and books that add up."""


def main() -> None:
    """The console script."""
    cli(prog_name="fintech")
