"""The command line on a core in memory that lives from one command to the next."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen
from click.testing import CliRunner, Result

from fintech.application.commits import Request
from fintech.domain.ids import MerchantId
from fintech.domain.money import Currency
from fintech.domain.payments.payment import CaptureMethod, Payment
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import cli, working
from fintech.entrypoints.container import Core

TILL = Actor("till", Face.HTTP)


@frozen
class Terminal:
    """Runs commands. ``core`` is what they work on."""

    core: Core
    _runner: CliRunner = field(factory=CliRunner)

    def run(self, *arguments: str, given: str | None = None) -> Result:
        """How a command ends and what it says, whatever that is; ``given`` is what is typed in meanwhile."""
        return self._runner.invoke(cli, arguments, prog_name="fintech", input=given)

    def says(self, *arguments: str) -> str:
        """What a command says that ends with 0."""
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *arguments: str) -> Any:
        """The same, as a program reads it."""
        return json.loads(self.says(*arguments, "--json"))

    def refuses(self, code: int, *arguments: str) -> str:
        """The last line that a command says that ends with a code."""
        result = self.run(*arguments)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.stderr.splitlines()[-1]

    def merchant(self, *options: str, name: str = "Corner Coffee") -> MerchantId:
        """A merchant in the test books."""
        account: str = self.json("merchant", "create", "--name", name, *options)["account"]
        return MerchantId(account)

    def pays(
        self, account: MerchantId, amount_minor: int, card: str = "pm_card_visa", *, manual: bool = False
    ) -> Payment:
        """A payment, as HTTP would make it."""
        scope = Scope(account, livemode=False)

        async def pay() -> Payment:
            outcome = await self.core.create_payment()(
                Request(actor=TILL),
                scope,
                amount_minor=amount_minor,
                currency=Currency.AUD,
                capture_method=CaptureMethod.MANUAL if manual else CaptureMethod.AUTOMATIC,
                method=await self.core.find_method()(scope, card),
                confirm=True,
            )
            return outcome.unwrap().value

        return asyncio.run(pay())


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name in ("FINTECH_DATABASE_URL", "FINTECH_DIGEST_KEY"):
        monkeypatch.delenv(name, raising=False)
    profile = profiles.testing()
    core = asyncio.run(profile.__aenter__())  # it has no end of its own

    @asynccontextmanager
    async def opened(_data: Path | None) -> AsyncIterator[Core]:
        yield core

    monkeypatch.setattr(working, "opened", opened)
    return Terminal(core)
