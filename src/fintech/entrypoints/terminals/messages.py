"""What is done about a message that a session cannot answer alone: sign-ons, purchases, refunds, advices, reversals."""

import logging
from collections.abc import Mapping
from typing import Final

from attrs import evolve, frozen

from fintech.application.commits import NotFound, Request, RequestKey
from fintech.application.terminals.advices import TakeAdvice
from fintech.application.terminals.purchases import TakePurchase
from fintech.application.terminals.recognising import RecogniseTerminal
from fintech.application.terminals.refunds import RefundPurchase
from fintech.application.terminals.reversals import Original, ReverseTransaction
from fintech.application.terminals.sales import Sale
from fintech.application.terminals.terminals import SignOnTerminal
from fintech.domain.outcome import Failure, Success
from fintech.domain.payments.presentation import Presentation
from fintech.domain.scope import Actor, Face, Scope
from fintech.domain.terminals import Terminal, TerminalStatus
from fintech.entrypoints.container import Core
from fintech.entrypoints.terminals.answering import code_of_payment, code_of_refund, code_of_refusal
from fintech.entrypoints.terminals.identity import Identity, identity_of_reference, request_key
from fintech.entrypoints.terminals.reading import (
    Said,
    Wrong,
    card_of,
    missing_element,
    reversing,
    said_by,
)
from fintech.iso8583.elements import Message, Value
from fintech.iso8583.response_codes import ResponseCode
from fintech.iso8583.session import SIGN_ON, Asked, reply_to
from fintech.ports.clock import Clock
from fintech.ports.keyed_digest import KeyedDigest

PURCHASE: Final = "00"
REFUND: Final = "20"
#: Which request an idempotency key belongs to. An advice is no repeat of the purchase that it stands for.
OPERATIONS: Final = {
    ("0200", PURCHASE): "terminal purchase",
    ("0200", REFUND): "terminal refund",
    ("0220", PURCHASE): "terminal advice",
}
#: Statuses in which a terminal may sell. What it has sold or given up before is heard in any.
SELLING: Final = frozenset({TerminalStatus.REGISTERED, TerminalStatus.ACTIVE})
ENTRY_MODE_UNKNOWN: Final = "000"
AUTH_CODE_LENGTH: Final = 6
#: Why a terminal is not let in, for the audit trail: nobody knows it; it is suspended or retired.
UNKNOWN: Final = "terminal_unknown"
NOT_ALLOWED: Final = "terminal_not_allowed"

_log: Final = logging.getLogger(__name__)


@frozen
class Handled:
    """What became of a message: the reply, if the terminal shall hear one, and why in words that have nothing of it. ``shut_out``
    is the word for why somebody was not let in who sent it."""

    reply: Message | None
    why: str
    merchant: str | None = None
    shut_out: str | None = None


@frozen(kw_only=True)
class Sender:
    """Whose message it is."""

    scope: Scope
    terminal: Terminal

    @property
    def actor(self) -> Actor:
        """Who acts: the terminal, by its number."""
        return Actor(self.terminal.number, Face.TERMINAL)

    def presentation(self, identity: Identity, entry_mode: str, *, offline: bool = False) -> Presentation:
        """How a card was presented."""
        return Presentation(
            terminal=self.terminal.id,
            location=self.terminal.location,
            entry_mode=entry_mode or ENTRY_MODE_UNKNOWN,
            stan=identity.stan,
            reference=identity.reference,
            offline=offline,
        )


@frozen(kw_only=True)
class Messages:
    """Answers the messages of terminals."""

    clock: Clock
    digests: KeyedDigest
    recognise: RecogniseTerminal
    sign_on: SignOnTerminal
    take_purchase: TakePurchase
    take_advice: TakeAdvice
    refund_purchase: RefundPurchase
    reverse: ReverseTransaction

    @classmethod
    def of(cls, core: Core) -> "Messages":
        """With the use cases of a core."""
        return cls(
            clock=core.clock(),
            digests=core.digests(),
            recognise=core.recognise_terminal(),
            sign_on=core.sign_on_terminal(),
            take_purchase=core.take_purchase(),
            take_advice=core.take_advice(),
            refund_purchase=core.refund_purchase(),
            reverse=core.reverse_transaction(),
        )

    async def __call__(self, asked: Asked) -> Handled:
        """The answer to a request of a type that is `SERVED`."""
        message = asked.message
        wrong = missing_element(message)
        if wrong is not None:
            return _refused(message, wrong)
        if message.mti[1] == "8":
            return await self._network(message)
        number = message.text(41) or ""
        found = await self.recognise(number)
        if found is None:
            return evolve(
                _told(message, ResponseCode.INVALID_MERCHANT, "nobody knows the terminal"), shut_out=UNKNOWN
            )
        sender = Sender(scope=found[0], terminal=found[1])
        await self._note(sender)
        saying = said_by(message, self.clock.now())
        if isinstance(saying, Failure):
            return _refused(message, saying.failure(), sender)
        said = saying.unwrap()
        kind = message.mti[:3]
        if kind == "042":
            return await self._reversal(message, sender, said)
        if kind == "022":
            return await self._advice(message, sender, said)
        may_begin = asked.signed_on and sender.terminal.status in SELLING
        if not may_begin and not await self.take_purchase.begun(sender.scope, self._key(said, "0200")):
            why = f"the terminal is {sender.terminal.status}, and has {'' if asked.signed_on else 'not '}signed on"
            told = _told(message, ResponseCode.NOT_PERMITTED_TO_TERMINAL, why, sender)
            return told if sender.terminal.status in SELLING else evolve(told, shut_out=NOT_ALLOWED)
        match said.processing[:2]:
            case code if code == PURCHASE:
                return await self._purchase(message, sender, said)
            case code if code == REFUND:
                return await self._refund(message, sender, said)
            case _:
                return _told(
                    message, ResponseCode.INVALID_TRANSACTION, "nobody does such a transaction", sender
                )

    async def _note(self, sender: Sender) -> None:
        """A message shows that its terminal is there, as a sign-on does; that is written down as seldom."""
        terminal = sender.terminal
        if terminal.status is TerminalStatus.ACTIVE:
            reporting = terminal.signed_on(self.clock.now())
            if isinstance(reporting, Success) and reporting.unwrap() is not terminal:
                await self.sign_on(sender.actor, terminal.number)

    async def _network(self, message: Message) -> Handled:
        if message.elements[70] != SIGN_ON:
            return _told(message, ResponseCode.INVALID_TRANSACTION, "nobody serves this network management")
        number = message.text(41) or ""
        signed_on = await self.sign_on(Actor(number, Face.TERMINAL), number)
        if isinstance(signed_on, Failure):
            refused = signed_on.failure()
            told = _told(message, code_of_refusal(refused), f"sign-on: {type(refused).__name__}")
            return evolve(told, shut_out=UNKNOWN if isinstance(refused, NotFound) else NOT_ALLOWED)
        scope, terminal = signed_on.unwrap()
        return _told(message, ResponseCode.APPROVED, "sign-on", Sender(scope=scope, terminal=terminal))

    async def _purchase(self, message: Message, sender: Sender, said: Said) -> Handled:
        carding = card_of(message)
        if isinstance(carding, Failure):
            return _refused(message, carding.failure(), sender)
        request = Request(actor=sender.actor, key=self._key(said, "0200"))
        sale = _sale(said, sender.presentation(said.identity, said.entry_mode))
        outcome = await self.take_purchase(request, sender.scope, sale, carding.unwrap())
        if isinstance(outcome, Failure):
            return _not_done(message, outcome.failure(), sender, said)
        payment = outcome.unwrap()
        more: dict[int, Value] = {37: said.identity.reference}
        code = code_of_payment(payment)
        auth_code = payment.attempts[0].auth_code if payment.attempts else None
        if code is ResponseCode.APPROVED and auth_code and auth_code.isalnum() and auth_code.isascii():
            more[38] = auth_code[:AUTH_CODE_LENGTH].ljust(AUTH_CODE_LENGTH)
        return _told(message, code, f"purchase {payment.status}", sender, more)

    async def _refund(self, message: Message, sender: Sender, said: Said) -> Handled:
        named = identity_of_reference(said.identity.number, message.text(37) or "")
        if named is None:
            return _told(
                message, ResponseCode.RECORD_NOT_FOUND, "element 37 names no purchase", sender, _of(said)
            )
        request = Request(actor=sender.actor, key=self._key(said, "0200"))
        outcome = await self.refund_purchase(request, sender.scope, named.key, said.amount_minor)
        if isinstance(outcome, Failure):
            return _not_done(message, outcome.failure(), sender, said)
        refund = outcome.unwrap().value
        return _told(message, code_of_refund(refund), f"refund {refund.status}", sender, _of(said))

    async def _advice(self, message: Message, sender: Sender, said: Said) -> Handled:
        carding = card_of(message)
        if isinstance(carding, Failure):
            return _refused(message, carding.failure(), sender)
        if said.processing[:2] != PURCHASE:
            return _told(message, ResponseCode.INVALID_TRANSACTION, "nobody takes such an advice", sender)
        request = Request(actor=sender.actor, key=self._key(said, "0220"))
        sale = _sale(said, sender.presentation(said.identity, said.entry_mode, offline=True))
        outcome = await self.take_advice(request, sender.scope, sale, carding.unwrap())
        if isinstance(outcome, Failure):
            return _not_done(message, outcome.failure(), sender, said)
        payment = outcome.unwrap().payment
        why = f"advice {payment.status}" if payment else "advice, known"
        return _told(message, ResponseCode.APPROVED, why, sender, _of(said))

    async def _reversal(self, message: Message, sender: Sender, said: Said) -> Handled:
        naming = reversing(message, self.clock.now())
        if isinstance(naming, Failure):
            return _refused(message, naming.failure(), sender)
        if (message.text(95) or "").strip("0 "):
            return _told(message, ResponseCode.INVALID_TRANSACTION, "nobody reverses in part", sender)
        original = naming.unwrap()
        key = self._key(said, original.mti, original.identity, original.transmitted)
        outcome = await self.reverse(
            sender.actor,
            sender.scope,
            Original(
                key=key,
                sale=_sale(said, sender.presentation(original.identity, said.entry_mode)),
                refund=said.processing[:2] == REFUND,
            ),
        )
        more: Mapping[int, Value] = {37: original.identity.reference}
        if isinstance(outcome, Failure):
            return _not_done(message, outcome.failure(), sender, said)
        return _told(message, ResponseCode.APPROVED, f"reversal {outcome.unwrap()}", sender, more)

    def _key(
        self, said: Said, mti: str, identity: Identity | None = None, transmitted: str | None = None
    ) -> RequestKey:
        """The key of a message, or of another one that has the same amount and processing code."""
        return request_key(
            self.digests,
            identity or said.identity,
            OPERATIONS.get((mti, said.processing[:2]), mti),
            transmitted=transmitted if identity else said.transmitted,
            processing=said.processing,
            amount=said.amount,
        )


def _sale(said: Said, presentation: Presentation) -> Sale:
    return Sale(amount_minor=said.amount_minor, currency=said.currency, presented=presentation)


def _of(said: Said) -> Mapping[int, Value]:
    return {37: said.identity.reference}


def _refused(message: Message, wrong: Wrong, sender: Sender | None = None) -> Handled:
    return _told(message, wrong.code, wrong.why, sender)


def _not_done(message: Message, refused: object, sender: Sender, said: Said) -> Handled:
    code, why = code_of_refusal(refused), type(refused).__name__
    if code is None:
        _log.warning("a message is not answered", extra={"refusal": why, "merchant": sender.scope.merchant})
    return _told(message, code, why, sender, _of(said))


def _told(
    message: Message,
    code: ResponseCode | None,
    why: str,
    sender: Sender | None = None,
    more: Mapping[int, Value] | None = None,
) -> Handled:
    """A reply with a code; without one, the terminal hears nothing, and asks again or gives up."""
    reply = reply_to(message, code, more) if code is not None else None
    return Handled(reply, why, sender.scope.merchant if sender else None)
