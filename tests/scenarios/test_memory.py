"""A process whose merchant's keys were taken back: neither they nor what they opened is in its memory any more.

Python frees memory without overwriting it, so that what was in a request stays until something else comes to lie there.
The C library can be told to overwrite it (docs/operations/protected-data.md): with these settings nothing is left, and so
no core file has anything.
"""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.domain.cards import luhn_valid
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.ports.key_root import WrapContext, Wrapped
from fintech.sealing.schedule import PURPOSE_KEY_BYTES, purpose_keys

#: What production runs with.
OVERWRITING = {
    "PYTHONMALLOC": "malloc",
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0:glibc.malloc.perturb=165",
}
SECRET = bytes(range(7, 39))
CARDS = 8


def number_of(which: int) -> str:
    """A number that nobody has, and that stands in no program."""
    head = f"4539{71234567 * (which + 3):011d}"
    return next(head + digit for digit in "0123456789" if luhn_valid(head + digit))


@frozen
class Person:
    """Whose card it is."""

    which: int

    @property
    def secrets(self) -> list[str]:
        return [number_of(self.which), *self.owner.values()]

    @property
    def owner(self) -> Mapping[str, str]:
        which = self.which
        return {
            "name": f"Zebulon {which} Quixote",
            "email": f"zeb{which}@quixote{which}.example",
            "phone": f"+61 2 7{which:02d}5 9{which:02d}31",
        }

    @property
    def form(self) -> dict[str, str]:
        card = {"number": number_of(self.which), "exp_month": "12", "exp_year": "2034", "cvc": "731"}
        return {
            "type": "card",
            **{f"card[{name}]": text for name, text in card.items()},
            **{f"billing_details[{name}]": text for name, text in self.owner.items()},
        }


@frozen
class Subject:
    """The process."""

    process: "subprocess.Popen[str]"
    ready: Mapping[str, str]

    def ask(self, path: str, form: Mapping[str, str] | None = None) -> tuple[int, Any]:
        body = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.ready["http"] + path, data=body)
        request.add_header("Authorization", f"Bearer {self.ready['key']}")
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def revoked(self) -> bytes:
        """Take the merchant's keys back; what its key was wrapped as."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("revoke\n")
        self.process.stdin.flush()
        return bytes.fromhex(json.loads(self.process.stdout.readline()))

    def memory(self) -> Iterator[bytes]:
        """All that a core file would have, piece by piece."""
        proc = Path("/proc") / str(self.process.pid)
        with (proc / "maps").open() as maps, (proc / "mem").open("rb", 0) as memory:
            for line in maps:
                where, permissions, *rest = line.split()
                if "r" not in permissions or (rest and rest[-1] in ("[vvar]", "[vsyscall]")):
                    continue
                start, end = (int(address, 16) for address in where.split("-"))
                memory.seek(start)
                try:
                    yield memory.read(end - start)
                except OSError:
                    continue  # a page that only a device has


@pytest.fixture
def subject() -> Iterator[Subject]:
    command = [sys.executable, "-m", "tests.scenarios.memory_subject", SECRET.hex()]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **OVERWRITING}
    ) as process:
        assert process.stdout is not None
        try:
            yield Subject(process, json.loads(process.stdout.readline()))
        finally:
            process.kill()


async def keys_of(subject: Subject, wrapped: bytes) -> list[bytes]:
    """The merchant's key and those that are made of it."""
    scope = Scope(MerchantId(subject.ready["account"]), livemode=False)
    root = LocalRoot(SECRET)
    context = WrapContext("development", scope, 1)
    merchant_key = (await root.unwrap(LOCAL_CMK, context, Wrapped(wrapped))).unwrap()
    purposes = purpose_keys(merchant_key)
    made = [purposes[at : at + PURPOSE_KEY_BYTES] for at in range(0, len(purposes), PURPOSE_KEY_BYTES)]
    return [bytes(key) for key in (merchant_key, *made)]


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_nothing_is_left_in_memory_when_keys_are_taken_back(subject: Subject) -> None:
    people = [Person(which) for which in range(CARDS)]
    for person in people:
        status, kept = subject.ask("/v1/payment_methods", person.form)
        assert status == 200
        assert subject.ask(f"/v1/payment_methods/{kept['id']}")[1]["billing_details"]["name"]
    account = {
        "object": "bank_account",
        "country": "AU",
        "account_holder_name": "Hermione Holdings",
        "routing_number": "062-000",
        "account_number": "917346528",
    }
    form = {f"external_account[{name}]": text for name, text in account.items()}
    assert subject.ask(f"/v1/accounts/{subject.ready['account']}/external_accounts", form)[0] == 200
    hooks = {"url": "https://example.com/h", "enabled_events[]": "*"}
    status, endpoint = subject.ask("/v1/webhook_endpoints", hooks)
    assert status == 200
    wrapped = subject.revoked()
    assert subject.ask("/v1/payment_methods", people[0].form)[0] == 403
    held: Any = None
    for _ in range(5):  # what a service does afterwards: the loop's own buffers are used again
        held = subject.ask("/v1/payment_methods?limit=100")[1]["data"][0]
        subject.ask("/v1/payment_intents", {"amount": "2000", "currency": "aud", "metadata[a]": "x" * 400})
    assert (held["protection"], held["billing_details"]["name"]) == ("revoked", None)
    secrets = [text for person in people for text in person.secrets] + ["Hermione Holdings", "917346528"]
    wanted = [form.encode() for text in secrets for form in (text, urllib.parse.quote_plus(text))]
    wanted += [endpoint["secret"][6:].encode(), bytes.fromhex(endpoint["secret"][6:])]
    wanted += await keys_of(subject, wrapped)
    there = subject.ready["account"].encode()
    left: set[bytes] = set()
    seen = False
    for piece in subject.memory():
        seen = seen or there in piece
        left.update(each for each in wanted if each in piece)
    assert seen  # so it is its memory that was read
    assert left == set()
