"""Who is outside of each deployment: the acquirer, the bank, and receivers of webhooks. Names their adapters.

Whatever is costly to make is made when it is first asked for: most commands ask nobody.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from attrs import frozen
from dependency_injector import providers

from fintech.adapters.simulator.card_acquirer import SimulatedAcquirer
from fintech.adapters.simulator.payout_bank import SimulatedPayoutBank
from fintech.entrypoints.secret_files import make_private_file
from fintech.ports.card_acquirer import CardAcquirer
from fintech.ports.clock import Clock
from fintech.ports.payout_bank import PayoutBank
from fintech.ports.webhook_sender import WebhookSender

#: What a data folder holds of simulators.
JOURNAL_FILE: Final = "simulator.jsonl"
BANK_JOURNAL_FILE: Final = "payout-bank.jsonl"


@frozen
class Outside:
    """Who is asked for money, who pays it out, and what tells others, by the names that the core has for them."""

    acquirer: providers.Provider[CardAcquirer]
    bank: providers.Provider[PayoutBank]
    webhook_sender: providers.Provider[WebhookSender]


def simulated(acquirer: CardAcquirer, bank: PayoutBank, sender: providers.Provider[WebhookSender]) -> Outside:
    """Simulators that remember nothing longer than this process."""
    return Outside(providers.Object(acquirer), providers.Object(bank), sender)


def simulated_in_folder(closing: AsyncExitStack, folder: Path, clock: Clock) -> Outside:
    """Simulators with journals in a folder, which are read when somebody is first asked. Raises ``OSError``."""
    make_private_file(folder / JOURNAL_FILE)
    make_private_file(folder / BANK_JOURNAL_FILE)

    def acquirer() -> CardAcquirer:
        made = SimulatedAcquirer(journal=folder / JOURNAL_FILE)
        closing.callback(made.close)
        return made

    def bank() -> PayoutBank:
        made = SimulatedPayoutBank(clock, journal=folder / BANK_JOURNAL_FILE)
        closing.callback(made.close)
        return made

    return Outside(providers.Singleton(acquirer), providers.Singleton(bank), over_http(closing))


def over_http(closing: AsyncExitStack) -> providers.Provider[WebhookSender]:
    """The sender of webhooks."""

    def made() -> WebhookSender:
        from fintech.adapters.webhooks.sender import HttpSender  # noqa: PLC0415 - spares others its weight

        sender = HttpSender()
        closing.push_async_callback(sender.close)
        return sender

    return providers.Singleton(made)
