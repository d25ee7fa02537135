"""Bank accounts: where a merchant is paid to, and which of them it is."""

from typing import TypeAlias

from attrs import frozen

from fintech.application.commits import NotFound, Reply, Request
from fintech.domain.bank_accounts import BankAccount, BankAccountFault, DefaultAccount
from fintech.domain.changeset import CommitRefused
from fintech.domain.ids import BankAccountId
from fintech.domain.metadata import Metadata, TooManyKeys
from fintech.domain.money import Currency
from fintech.domain.outcome import Outcome
from fintech.domain.payments.refusals import CurrencyNotSupported, TooMany
from fintech.domain.scope import Scope

#: Why a request about a bank account is not done.
BankAccountRefusal: TypeAlias = (
    BankAccountFault
    | DefaultAccount
    | CurrencyNotSupported
    | TooMany
    | TooManyKeys
    | NotFound
    | CommitRefused
)
BankAccountAnswered: TypeAlias = Outcome[Reply[BankAccount], BankAccountRefusal]


@frozen(kw_only=True)
class AddBankAccount:
    """Add a bank account."""

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        *,
        holder: str,
        bsb: str,
        number: str,
        currency: Currency,
        default: bool | None = None,
        metadata: Metadata = (),
    ) -> BankAccountAnswered:
        """The first one is the default whatever is said."""
        raise NotImplementedError


@frozen(kw_only=True)
class UpdateBankAccount:
    """Make it the default, or change what is hung on it."""

    async def __call__(
        self,
        request: Request,
        scope: Scope,
        id: BankAccountId,
        *,
        default: bool | None = None,
        metadata: Metadata | None = None,
    ) -> BankAccountAnswered:
        """A default is never given up, only handed to another: ``default=False`` changes nothing but is refused for it."""
        raise NotImplementedError


@frozen(kw_only=True)
class RemoveBankAccount:
    """Remove a bank account."""

    async def __call__(self, request: Request, scope: Scope, id: BankAccountId) -> BankAccountAnswered:
        """Refused as `DefaultAccount` for the default: make another one the default first."""
        raise NotImplementedError
