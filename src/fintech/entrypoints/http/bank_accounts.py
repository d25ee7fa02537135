"""Bank accounts on the wire: the external accounts of one's own account."""

from typing import Annotated, Any, Final

from attrs import field, frozen

from fintech.application.bank_accounts import (
    AddBankAccount,
    BankAccountAnswered,
    ReadHolders,
    RemoveBankAccount,
    UpdateBankAccount,
)
from fintech.domain.bank_accounts import BankAccount
from fintech.domain.ids import BankAccountId, MerchantId
from fintech.domain.keys.refusals import CustodyRefused
from fintech.domain.metadata import Metadata
from fintech.domain.money import Currency
from fintech.domain.outcome import Failure, Outcome, Success
from fintech.domain.scope import Scope
from fintech.entrypoints.http.errors import Refused, missing
from fintech.entrypoints.http.kinds import METADATA_CHANGES, Flag, Nested, Pairs, Reference, Text, words
from fintech.entrypoints.http.listing import NEWER, OLDER, ListParams, list_of
from fintech.entrypoints.http.parameters import Nothing
from fintech.entrypoints.http.payment_params import CURRENCY
from fintech.entrypoints.http.payout_refusals import payout_problem
from fintech.entrypoints.http.protection import PROTECTION, WITHHELD, protection_of
from fintech.entrypoints.http.routes import Answer, Call, Resource, Route, Seen, gone
from fintech.entrypoints.http.schema import (
    FLAG,
    METADATA,
    NULL,
    TEXT,
    Schema,
    array,
    const,
    maybe,
    members,
    one_of,
    or_gone,
)
from fintech.ports.queries import Queries
from fintech.ports.store import Store

PATH: Final = "/v1/accounts/{account}/external_accounts"
HOLDER_LENGTH_MAX: Final = 140

_ACCOUNTS: Final = Resource("external_accounts", "bank_account")
_REFERENCE: Final = Reference(BankAccountId, "external account")
_NULLS: Final = (
    "account_holder_type",
    "account_type",
    "bank_name",
    "future_requirements",
    "requirements",
)

SCHEMA: Final[Schema] = or_gone(
    "bank_account",
    members(
        {
            "id": TEXT,
            "object": const("bank_account"),
            "account": maybe(TEXT),
            "account_holder_name": maybe(TEXT),
            "available_payout_methods": array(one_of("instant", "standard")),
            "country": const("AU"),
            "currency": TEXT,
            "default_for_currency": maybe(FLAG),
            "fingerprint": TEXT,
            "last4": TEXT,
            "metadata": METADATA,
            "protection": PROTECTION,
            "routing_number": TEXT,
            "status": const("new"),
        }
        | dict.fromkeys(_NULLS, NULL),
        optional=("protection",),
    ),
)


@frozen(kw_only=True)
class DetailsParams:
    """An Australian bank account."""

    object: Annotated[str, words("bank_account"), "What kind of external account it is."]
    country: Annotated[str, words("AU"), "Where the account is."]
    account_holder_name: Annotated[str, Text(HOLDER_LENGTH_MAX), "Whose account it is."] = field(repr=False)
    routing_number: Annotated[str, Text(16), "The BSB, six digits, with or without a hyphen."]
    account_number: Annotated[str, Text(32), "The account number, up to nine digits."] = field(repr=False)
    currency: Annotated[
        Currency | None, CURRENCY, "The account's currency; by default Australian dollars."
    ] = None


@frozen(kw_only=True)
class CreateParams:
    """A new bank account."""

    external_account: Annotated[DetailsParams, Nested(DetailsParams), "The bank account's details."]
    default_for_currency: Annotated[
        bool | None, Flag(), "Whether to be paid out to it from now on; the first one is in any case."
    ] = None
    metadata: Annotated[Metadata, Pairs(), "Keys and values of your own."] = ()


@frozen(kw_only=True)
class UpdateParams:
    """Changes of a bank account."""

    default_for_currency: Annotated[
        bool | None, Flag(), "True: be paid out to it from now on. Instant payouts stop for a while."
    ] = None
    metadata: Annotated[Metadata | None, Pairs(), METADATA_CHANGES] = None


@frozen(kw_only=True)
class BankAccountListParams(ListParams):
    """Which bank accounts."""

    object: Annotated[str | None, words("bank_account"), "Only external accounts of this kind."] = None
    starting_after: Annotated[BankAccountId | None, _REFERENCE, OLDER] = None
    ending_before: Annotated[BankAccountId | None, _REFERENCE, NEWER] = None


def render_bank_account(
    account: BankAccount,
    merchant: MerchantId | None = None,
    *,
    default: bool | None = None,
    holder: Outcome[str, CustodyRefused] | None = None,
) -> dict[str, Any]:
    """A bank account; of its number, the last digits. An event tells neither whose it is nor whether it is the default
    one: its snapshot does not know."""
    return {
        **_held_by(holder),
        "id": account.id,
        "object": "bank_account",
        "account": merchant,
        "account_holder_type": None,
        "account_type": None,
        "available_payout_methods": ["standard", "instant"],
        "bank_name": None,
        "country": "AU",
        "currency": account.currency.value.lower(),
        "default_for_currency": default,
        "fingerprint": account.fingerprint,
        "future_requirements": None,
        "last4": account.last4,
        "metadata": dict(account.metadata),
        "requirements": None,
        "routing_number": account.bsb,
        "status": "new",
    }


def _held_by(holder: Outcome[str, CustodyRefused] | None) -> dict[str, Any]:
    if isinstance(holder, Success):
        return {"account_holder_name": holder.unwrap()}
    word = WITHHELD if holder is None else protection_of(holder.failure())
    return {"account_holder_name": None, "protection": word}


@frozen(kw_only=True)
class BankAccounts:
    """The operations on bank accounts."""

    add_bank_account: AddBankAccount
    update_bank_account: UpdateBankAccount
    remove_bank_account: RemoveBankAccount
    read_holders: ReadHolders
    store: Store
    queries: Queries

    def routes(self) -> tuple[Route[Any], ...]:
        """Their table."""
        get, post, one = _ACCOUNTS.get, _ACCOUNTS.post, PATH + "/{id}"
        return (
            post("create", PATH, CreateParams, self.create, "Add a bank account to be paid out to."),
            get("list", PATH, BankAccountListParams, self.list, "List bank accounts.", lists=True),
            get("retrieve", one, Nothing, self.retrieve, "Retrieve a bank account."),
            post("update", one, UpdateParams, self.update, "Change a bank account, or make it the default."),
            _ACCOUNTS.delete(one, self.delete, "Remove a bank account that is not the default."),
        )

    async def create(self, call: Call[CreateParams]) -> Answer:
        _own(call, call.target)
        params, details = call.params, call.params.external_account
        outcome = await self.add_bank_account(
            call.request,
            call.scope,
            holder=details.account_holder_name,
            bsb=details.routing_number.replace(" ", "").replace("-", ""),
            number=details.account_number.replace(" ", "").replace("-", ""),
            currency=details.currency or Currency.AUD,
            default=params.default_for_currency,
            metadata=tuple([pair for pair in params.metadata if pair[1]]),
        )
        return await self._answer(call.scope, outcome)

    async def update(self, call: Call[UpdateParams]) -> Answer:
        params = call.params
        outcome = await self.update_bank_account(
            call.request,
            call.scope,
            _named(call),
            default=params.default_for_currency,
            metadata=params.metadata,
        )
        return await self._answer(call.scope, outcome)

    async def delete(self, call: Call[Nothing]) -> Answer:
        outcome = await self.remove_bank_account(call.request, call.scope, _named(call))
        if isinstance(outcome, Failure):
            raise Refused(payout_problem(outcome.failure()))
        reply = outcome.unwrap()
        return Answer(gone("bank_account", reply.value.id), replayed=reply.replayed)

    async def list(self, call: Call[BankAccountListParams]) -> Answer:
        _own(call, call.target)
        listed = await self.queries.bank_accounts(call.scope, call.params.page())
        default, merchant = await self._default(call.scope), call.scope.merchant
        holders = await self.read_holders(call.scope, listed.items)

        def render(account: BankAccount) -> dict[str, Any]:
            holder = holders[account.id]
            return render_bank_account(account, merchant, default=account.id == default, holder=holder)

        return Answer(list_of(PATH.format(account=merchant), listed, render))

    async def retrieve(self, call: Call[Nothing]) -> Answer:
        account = await self.store.bank_account(call.scope, _named(call))
        if account is None or account.removed_at is not None:
            raise missing("external account", call.target, "id")
        return Answer(await self._rendered(call.scope, account))

    async def load(self, scope: Scope, id: str, seen: Seen) -> dict[str, Any] | None:
        """The bank account with an id, removed or not: a payout went there."""
        del seen
        parsed = BankAccountId.parse(id)
        account = await self.store.bank_account(scope, parsed) if parsed else None
        return await self._rendered(scope, account) if account else None

    async def _default(self, scope: Scope) -> BankAccountId | None:
        settings = await self.store.balance_settings(scope)
        return settings.destination if settings else None

    async def _answer(self, scope: Scope, outcome: BankAccountAnswered) -> Answer:
        if isinstance(outcome, Failure):
            raise Refused(payout_problem(outcome.failure()))
        reply = outcome.unwrap()
        return Answer(await self._rendered(scope, reply.value), replayed=reply.replayed)

    async def _rendered(self, scope: Scope, account: BankAccount) -> dict[str, Any]:
        default = account.id == await self._default(scope)
        holder = (await self.read_holders(scope, (account,)))[account.id]
        return render_bank_account(account, scope.merchant, default=default, holder=holder)


def _own(call: Call[Any], account: str) -> None:
    """Raises `Refused` for another account than the key's own."""
    if account != call.scope.merchant:
        raise missing("account", account, "account")


def _named(call: Call[Any]) -> BankAccountId:
    _own(call, call.within)
    id = BankAccountId.parse(call.target)
    if id is None:
        raise missing("external account", call.target, "id")
    return id
