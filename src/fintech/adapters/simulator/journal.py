"""What the simulated acquirer knows, and the file by which a simulator knows it after a restart and in every process."""

import json
import os
from collections import deque
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, field

from fintech.adapters.simulator.disputes import Case, case_of, notice_from, reply_from
from fintech.domain.cards import Approved, Decline, DeclineCode
from fintech.domain.disputes.news import CaseReply
from fintech.domain.ids import MerchantId
from fintech.domain.refunds.refund import RefundFailure
from fintech.domain.scope import Scope
from fintech.ports.card_acquirer import Notice, RefundReturned

#: How much a long-running sandbox remembers, in transactions; the oldest are forgotten first.
REMEMBERED_MAX: Final = 200_000

Answer: TypeAlias = Approved | Decline


@define
class Memory:
    """What the acquirer knows: answers by request, and what to say of its own accord."""

    answers: dict[str, Answer] = field(factory=dict)
    cards: dict[str, str] = field(factory=dict)  #: the test card of each request
    reversed_requests: dict[str, None] = field(factory=dict)
    notices: dict[str, Notice] = field(factory=dict)
    cases: dict[str, Case] = field(factory=dict)
    case_replies: dict[str, CaseReply] = field(factory=dict)  #: by the request that they answer

    def remember(self, request: str, answer: Answer, card: str) -> bool:
        """Whether the request was new, and so its answer is the one that holds."""
        if request in self.answers:
            return False
        self.forget_oldest()
        self.answers[request] = answer
        self.cards[request] = card
        return True

    def recall(self, line: bytes) -> None:
        """Remember what a line of the journal says."""
        _recall(self, line)

    def forget_oldest(self) -> None:
        """Make room for one more."""
        for remembered in (
            self.answers,
            self.cards,
            self.reversed_requests,
            self.cases,
            self.case_replies,
        ):
            if len(remembered) >= REMEMBERED_MAX:
                del remembered[next(iter(remembered))]


class Recalls(Protocol):
    """A memory that is written down line by line."""

    def recall(self, line: bytes) -> None:
        """Remember what a line says; one that makes no sense says nothing."""


class Journal:
    """A memory as lines of JSON: appended as things happen, in whichever process, and read by all of them.

    A service and the commands beside it, or two services, are one acquirer's customers.
    """

    def __init__(self, path: Path, memory: Recalls) -> None:
        self._memory = memory
        self._file = path.open("a", buffering=1)
        self._lines = path.open("rb")
        self._read_bytes = 0
        self.catch_up()
        if self._unread():
            self._file.write("\n")  # ends the line in whose middle a process was killed

    def catch_up(self) -> None:
        """Remember what has been written since the last time."""
        if not self._unread():
            return
        lines = deque(self._lines, maxlen=REMEMBERED_MAX)
        self._read_bytes = self._lines.tell()
        if lines and not lines[-1].endswith(b"\n"):
            self._read_bytes -= len(lines.pop())
            self._lines.seek(self._read_bytes)
        for line in lines:
            self._memory.recall(line)

    def write(self, entry: dict[str, Any]) -> None:
        """Append an entry, at once: what another process writes meanwhile stands before or behind it."""
        self._file.write(json.dumps(entry) + "\n")

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        self._lines.close()

    def _unread(self) -> bool:
        return os.fstat(self._lines.fileno()).st_size != self._read_bytes


def _recall(memory: Memory, line: bytes) -> None:
    try:
        entry = json.loads(line)
    except ValueError:
        return  # the last line of a killed process may be half written
    if "request" in entry:
        answer = entry["answer"]
        known = Approved(**answer) if "reference" in answer else _decline(answer)
        memory.remember(entry["request"], known, entry["card"])
    elif "reversed" in entry:
        memory.reversed_requests[entry["reversed"]] = None
    elif "case" in entry:
        _recall_case(memory, entry)
    elif "charge" in entry:
        memory.notices[entry["notice"]] = notice_from(entry)
    elif "notice" in entry:
        scope = Scope(MerchantId(entry["merchant"]), livemode=False)
        memory.notices[entry["notice"]] = RefundReturned(
            entry["notice"], scope, entry["refund"], RefundFailure.EXPIRED_OR_CANCELED_CARD
        )
    elif "acknowledged" in entry:
        memory.notices.pop(entry["acknowledged"], None)


def _recall_case(memory: Memory, entry: dict[str, Any]) -> None:
    case = Case(**entry["case"])
    memory.cases[case_of(case.charge_request)] = case
    if entry.get("errand"):
        memory.case_replies.setdefault(entry["errand"], reply_from(entry["not_taken"]))


def _decline(answer: dict[str, Any]) -> Decline:
    return Decline(code=DeclineCode(answer["code"]), scheme_code=answer["scheme_code"])
