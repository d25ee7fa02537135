"""The simulated KMS, as the official client meets it."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from fintech.adapters.simulator.kms.grants import Grant, GrantBook
from fintech.adapters.simulator.kms.permissions import BANK, FINTECH
from fintech.adapters.simulator.kms.refusals import KmsRefused
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.adapters.simulator.kms.weather import CALLS_MAX, CallLog, Outage
from tests.kms import client_of
from tests.kms_control import kms_control

CONTEXT = {"app": "fintech", "merchant": "acct_1", "kv": "1"}
OTHERS = {**CONTEXT, "merchant": "acct_2"}
DAY_S = 86_400


class Bench:
    """A simulator whose clock stands still, and both its callers."""

    def __init__(self, kms: SimulatedKms, clock: list[float]) -> None:
        self.kms, self.clock = kms, clock
        self.cmk, self.other = (pair.cmk for pair in kms.roots)
        self._clients = {who: client_of(who, kms.url) for who in ("bank", "fintech")}

    async def bank(self, operation: str, **asked: Any) -> Any:
        return await asyncio.to_thread(getattr(self._clients["bank"], operation), **asked)

    async def ours(self, operation: str, **asked: Any) -> Any:
        return await asyncio.to_thread(getattr(self._clients["fintech"], operation), **asked)

    async def refused(self, who: str, operation: str, **asked: Any) -> str:
        """The name of the exception that boto3 has for it, which is what its users catch."""
        with pytest.raises(ClientError) as caught:
            await (self.bank if who == "bank" else self.ours)(operation, **asked)
        code: str = caught.value.response["Error"]["Code"]
        kind = type(caught.value).__name__
        assert kind in (code, "ClientError")
        return code

    async def granted(self, **other: Any) -> Any:
        """A grant of ours, of one merchant."""
        asked = {
            "KeyId": self.cmk,
            "Name": "acct_1",
            "GranteePrincipal": FINTECH,
            "RetiringPrincipal": FINTECH,
            "Operations": ["Decrypt", "GenerateDataKeyWithoutPlaintext"],
            "Constraints": {"EncryptionContextSubset": {"merchant": "acct_1"}},
        }
        return await self.ours("create_grant", **{**asked, **other})

    async def wrapped(self, context: dict[str, str] = CONTEXT) -> bytes:
        """A blob of the bank's making."""
        made = await self.bank("encrypt", KeyId=self.cmk, Plaintext=b"secret", EncryptionContext=context)
        blob: bytes = made["CiphertextBlob"]
        return blob


@pytest.fixture
def clock() -> list[float]:
    return [1_800_000_000.0]


@pytest.fixture
async def bench(clock: list[float]) -> AsyncIterator[Bench]:
    async with SimulatedKms(now=lambda: clock[0]).running() as kms:
        yield Bench(kms, clock)


async def test_the_state_of_a_key_is_enforced(bench: Bench) -> None:
    blob, using = await bench.wrapped(), {"KeyId": bench.cmk, "EncryptionContext": CONTEXT}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("decrypt", {**using, "CiphertextBlob": blob}),
        ("decrypt", {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}),
        ("encrypt", {**using, "Plaintext": b"a"}),
        ("generate_data_key", {**using, "KeySpec": "AES_256"}),
        ("generate_data_key_without_plaintext", {**using, "NumberOfBytes": 32}),
        ("re_encrypt", {"CiphertextBlob": blob, "SourceEncryptionContext": CONTEXT, "DestinationKeyId": bench.other}),
        ("create_grant", {"KeyId": bench.cmk, "GranteePrincipal": FINTECH, "Operations": ["Decrypt"]}),
    ]  # fmt: skip
    states: list[tuple[str, dict[str, Any], str]] = [("disable_key", {}, "DisabledException")]
    states += [("schedule_key_deletion", {"PendingWindowInDays": 7}, "KMSInvalidStateException")]
    for place, how, refusal in states:
        await bench.bank(place, KeyId=bench.cmk, **how)
        for operation, members in asked:
            assert await bench.refused("bank", operation, **members) == refusal, operation
        assert not (await bench.bank("describe_key", KeyId=bench.cmk))["KeyMetadata"]["Enabled"]
    for operation in ("enable_key", "disable_key", "schedule_key_deletion"):
        assert await bench.refused("bank", operation, KeyId=bench.cmk) == "KMSInvalidStateException"
    await bench.bank("cancel_key_deletion", KeyId=bench.cmk)
    described = (await bench.bank("describe_key", KeyId=bench.cmk))["KeyMetadata"]
    assert (described["KeyState"], "DeletionDate" in described) == ("Disabled", False)
    await bench.bank("enable_key", KeyId=bench.cmk)
    for operation, members in asked:
        await bench.bank(operation, **members)


async def test_a_key_is_gone_when_its_days_are_over(bench: Bench) -> None:
    blob = await bench.wrapped()
    await bench.bank("schedule_key_deletion", KeyId=bench.cmk, PendingWindowInDays=7)
    bench.clock[0] += 7 * DAY_S - 1
    assert (await bench.bank("describe_key", KeyId=bench.cmk))["KeyMetadata"]["KeyState"] == "PendingDeletion"
    bench.clock[0] += 1
    assert await bench.refused("bank", "describe_key", KeyId=bench.cmk) == "NotFoundException"
    assert await bench.refused("bank", "decrypt", CiphertextBlob=blob) == "NotFoundException"


async def test_a_blob_is_bound_to_its_context_and_key(bench: Bench) -> None:
    blob = await bench.wrapped()
    opened = await bench.bank(
        "decrypt", CiphertextBlob=blob, EncryptionContext=dict(reversed(CONTEXT.items()))
    )
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", bench.cmk)
    for context in ({}, OTHERS, {**CONTEXT, "more": "x"}):
        code = await bench.refused("bank", "decrypt", CiphertextBlob=blob, EncryptionContext=context)
        assert code == "InvalidCiphertextException"
    asked = {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}
    assert await bench.refused("bank", "decrypt", KeyId=bench.other, **asked) == "IncorrectKeyException"
    moved = await bench.bank(
        "re_encrypt",
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=bench.other,
        DestinationEncryptionContext=OTHERS,
    )
    opened = await bench.bank("decrypt", CiphertextBlob=moved["CiphertextBlob"], EncryptionContext=OTHERS)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", bench.other)
    mac_key = bench.kms.roots[0].mac
    assert await bench.refused("bank", "encrypt", KeyId=mac_key, Plaintext=b"a") == "InvalidKeyUsageException"


async def test_we_use_a_key_by_our_grant_and_its_context_only(bench: Bench) -> None:
    blob, others = await bench.wrapped(), await bench.wrapped(OTHERS)
    asked = {"KeyId": bench.cmk, "CiphertextBlob": blob, "EncryptionContext": CONTEXT}
    assert await bench.refused("fintech", "decrypt", **asked) == "AccessDeniedException"
    grant = await bench.granted()
    assert (await bench.ours("decrypt", **asked))["Plaintext"] == b"secret"
    assert (await bench.granted())["GrantId"] == grant["GrantId"]
    assert (await bench.granted(Name="again"))["GrantId"] != grant["GrantId"]
    for refused in (
        {**asked, "CiphertextBlob": others, "EncryptionContext": OTHERS},
        {**asked, "EncryptionContext": {}},
        {**asked, "KeyId": bench.other},
    ):
        assert await bench.refused("fintech", "decrypt", **refused) == "AccessDeniedException"
    spelt = {"KeyId": bench.cmk, "EncryptionContext": CONTEXT}
    assert await bench.refused("fintech", "encrypt", Plaintext=b"a", **spelt) == "AccessDeniedException"
    assert (
        await bench.refused("fintech", "generate_data_key", KeySpec="AES_256", **spelt)
        == "AccessDeniedException"
    )
    await bench.ours("generate_data_key_without_plaintext", NumberOfBytes=32, **spelt)


async def test_what_the_key_policy_leaves_to_the_bank(bench: Bench) -> None:
    for operation, asked in (
        ("create_key", {}),
        ("disable_key", {"KeyId": bench.cmk}),
        ("enable_key", {"KeyId": bench.cmk}),
        ("schedule_key_deletion", {"KeyId": bench.cmk}),
        ("cancel_key_deletion", {"KeyId": bench.cmk}),
        ("create_alias", {"AliasName": "alias/mine", "TargetKeyId": bench.cmk}),
        ("revoke_grant", {"KeyId": bench.cmk, "GrantId": (await bench.granted())["GrantId"]}),
    ):
        assert await bench.refused("fintech", operation, **asked) == "AccessDeniedException", operation
    others: tuple[dict[str, Any], ...] = (
        {"GranteePrincipal": BANK},
        {"Operations": ["Decrypt", "Encrypt"]},
        {"Constraints": {}},
        {"Constraints": {"EncryptionContextSubset": {"app": "fintech"}}},
        {"KeyId": bench.kms.roots[0].mac, "Operations": ["Decrypt"]},
    )
    for other in others:
        with pytest.raises(ClientError, match="AccessDenied"):
            await bench.granted(**{"Name": "other", **other})


async def test_a_grant_takes_its_time_and_its_token_does_not(bench: Bench) -> None:
    await bench.kms.change(grant_delay_s=120)
    blob = await bench.wrapped()
    grant = await bench.granted()
    asked = {"KeyId": bench.cmk, "CiphertextBlob": blob, "EncryptionContext": CONTEXT}
    assert await bench.refused("fintech", "decrypt", **asked) == "AccessDeniedException"
    await bench.ours("decrypt", **asked, GrantTokens=[grant["GrantToken"]])
    forged = grant["GrantToken"][:-1] + ("0" if grant["GrantToken"][-1] != "0" else "1")
    assert (
        await bench.refused("fintech", "decrypt", **asked, GrantTokens=[forged])
        == "InvalidGrantTokenException"
    )
    bench.clock[0] += 120
    await bench.ours("decrypt", **asked)
    await bench.bank("revoke_grant", KeyId=bench.cmk, GrantId=grant["GrantId"])
    bench.clock[0] += 119
    await bench.ours("decrypt", **asked)
    bench.clock[0] += 1
    for tokens in ([], [grant["GrantToken"]]):
        assert (
            await bench.refused("fintech", "decrypt", **asked, GrantTokens=tokens) == "AccessDeniedException"
        )
    assert (await bench.granted())["GrantId"] != grant["GrantId"]


async def test_grants_are_listed_in_pages_and_retired_by_those_who_may(bench: Bench) -> None:
    made = [await bench.granted(Name=f"grant-{number}") for number in range(7)]
    await bench.bank("create_grant", KeyId=bench.cmk, GranteePrincipal=FINTECH, Operations=["Decrypt"])
    found: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = await bench.ours("list_grants", KeyId=bench.cmk, Limit=3, **marker)
        found += [each["GrantId"] for each in page["Grants"]]
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert len(found) == 8
    (banks,) = set(found) - {each["GrantId"] for each in made}
    assert (
        await bench.refused("fintech", "retire_grant", KeyId=bench.cmk, GrantId=banks)
        == "AccessDeniedException"
    )
    await bench.ours("retire_grant", KeyId=bench.cmk, GrantId=made[0]["GrantId"])
    await bench.ours("retire_grant", GrantToken=made[1]["GrantToken"])
    for asked in ({"KeyId": bench.cmk, "GrantId": made[0]["GrantId"]}, {"GrantToken": made[1]["GrantToken"]}):
        assert await bench.refused("fintech", "retire_grant", **asked) == "NotFoundException"
    (left,) = (await bench.bank("list_grants", KeyId=bench.cmk, GrantId=made[2]["GrantId"]))["Grants"]
    assert left["Constraints"] == {"EncryptionContextSubset": {"merchant": "acct_1"}}


async def test_a_rehearsal_says_only_whether(bench: Bench) -> None:
    blob = await bench.wrapped()
    asked = {"KeyId": bench.cmk, "CiphertextBlob": blob, "EncryptionContext": CONTEXT, "DryRun": True}
    assert await bench.refused("fintech", "decrypt", **asked) == "AccessDeniedException"
    grants = {"Name": "dry", "DryRun": True}
    with pytest.raises(ClientError, match="DryRunOperation"):
        await bench.granted(**grants)
    assert not (await bench.ours("list_grants", KeyId=bench.cmk))["Grants"]
    await bench.granted()
    assert await bench.refused("fintech", "decrypt", **asked) == "DryRunOperationException"
    changed = {**asked, "CiphertextBlob": blob[:-1] + bytes([blob[-1] ^ 1])}
    assert await bench.refused("fintech", "decrypt", **changed) == "InvalidCiphertextException"
    await bench.bank("disable_key", KeyId=bench.cmk)
    assert await bench.refused("fintech", "decrypt", **asked) == "DisabledException"


async def test_macs_are_made_and_checked(bench: Bench) -> None:
    asked = {"KeyId": bench.kms.roots[0].mac, "Message": b"hello", "MacAlgorithm": "HMAC_SHA_256"}
    mac = (await bench.ours("generate_mac", **asked))["Mac"]
    assert len(mac) == 32
    assert (await bench.ours("generate_mac", **asked))["Mac"] == mac
    assert (await bench.ours("verify_mac", **asked, Mac=mac))["MacValid"]
    assert await bench.refused("fintech", "verify_mac", **asked, Mac=bytes(32)) == "KMSInvalidMacException"
    other = {**asked, "MacAlgorithm": "HMAC_SHA_512"}
    assert await bench.refused("fintech", "generate_mac", **other) == "InvalidKeyUsageException"


async def test_the_notary_signs_and_anybody_verifies(bench: Bench) -> None:
    asked = {"KeyId": bench.kms.notary, "Message": b"a checkpoint", "SigningAlgorithm": "ED25519_SHA_512"}
    signature = (await bench.ours("sign", **asked, MessageType="RAW"))["Signature"]
    assert (await bench.ours("verify", **asked, Signature=signature))["SignatureValid"]
    assert (
        await bench.refused("fintech", "verify", **asked, Signature=bytes(64))
        == "KMSInvalidSignatureException"
    )
    told = await bench.ours("get_public_key", KeyId=bench.kms.notary)
    public = serialization.load_der_public_key(told["PublicKey"])
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature, b"a checkpoint")
    made = await bench.bank("create_key", KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    key = made["KeyMetadata"]["Arn"]
    elliptic = serialization.load_der_public_key((await bench.ours("get_public_key", KeyId=key))["PublicKey"])
    assert isinstance(elliptic, ec.EllipticCurvePublicKey)
    for message, kind in ((b"text", "RAW"), (hashlib.sha256(b"text").digest(), "DIGEST")):
        asked = {"KeyId": key, "Message": message, "MessageType": kind, "SigningAlgorithm": "ECDSA_SHA_256"}
        signature = (await bench.ours("sign", **asked))["Signature"]
        elliptic.verify(signature, b"text", ec.ECDSA(hashes.SHA256()))
        assert (await bench.ours("verify", **asked, Signature=signature))["SignatureValid"]


async def test_a_quota_throttles_each_caller(bench: Bench) -> None:
    await bench.kms.change(requests_per_s=3)
    for _ in range(3):
        await bench.ours("describe_key", KeyId=bench.cmk)
    codes = [await bench.refused("fintech", "describe_key", KeyId=bench.cmk) for _ in range(2)]
    assert codes == ["ThrottlingException"] * 2
    await bench.bank("describe_key", KeyId=bench.cmk)
    await bench.kms.change(requests_per_s=None)
    for _ in range(10):
        await bench.ours("describe_key", KeyId=bench.cmk)


@pytest.mark.parametrize(
    ("outage", "error"),
    [
        (Outage.REFUSE, (EndpointConnectionError, ConnectionClosedError)),
        (Outage.HANG, ReadTimeoutError),
        (Outage.ERROR, ClientError),
        (Outage.CUT, KeyError),  # botocore takes half an answer for an empty one
    ],
)
async def test_an_outage_is_one_and_it_ends(bench: Bench, outage: Outage, error: type[Exception]) -> None:
    client = client_of("fintech", bench.kms.url, read_timeout_s=0.2)
    await asyncio.to_thread(client.describe_key, KeyId=bench.cmk)
    await bench.kms.change(outage=outage)
    with pytest.raises(error):
        (await asyncio.to_thread(client.describe_key, KeyId=bench.cmk))["KeyMetadata"]
    await bench.kms.change(outage="none")
    await asyncio.to_thread(client.describe_key, KeyId=bench.cmk)


async def test_nobody_else_is_let_in(bench: Bench) -> None:
    stranger = client_of("stranger", bench.kms.url)
    with pytest.raises(ClientError, match="UnrecognizedClient"):
        await asyncio.to_thread(stranger.describe_key, KeyId=bench.cmk)
    assert await bench.refused("bank", "list_keys") == "UnknownOperationException"
    async with aiohttp.ClientSession() as http:
        for body, headers in ((b"{}", {}), (b"[]", {}), (b"{", {"Authorization": "Credential=bank/x"})):
            target = {"X-Amz-Target": "TrentService.DescribeKey"}
            async with http.post(bench.kms.url, data=body, headers={**headers, **target}) as response:
                assert response.status == 400


async def test_it_is_run_from_outside_whatever_the_weather(bench: Bench) -> None:
    async with kms_control(bench.kms.control_url) as control:
        assert await control.told() == bench.kms.told()
        await control.change(outage="refuse", grant_delay_s=1.5)
        assert bench.kms.weather.told() == {
            "latency_s": 0.0, "grant_delay_s": 1.5, "requests_per_s": None, "outage": "refuse"
        }  # fmt: skip
        await control.disable(bench.cmk)
        await control.change(outage="none")
        assert (await bench.ours("describe_key", KeyId=bench.cmk))["KeyMetadata"]["KeyState"] == "Disabled"
        for wrong in (
            {"outage": "rain"},
            {"latency_s": -1},
            {"latency_s": True},
            {"grant_delay_s": 1e9},
            {"requests_per_s": 0},
            {"colour": "red"},
        ):
            with pytest.raises(KmsRefused, match=min(wrong)):
                await control.change(**wrong)
        with pytest.raises(KmsRefused, match="does not exist"):
            await control.disable("nothing")
        counts = await control.counts()
        assert counts == {"DescribeKey": 1}
        await control.forget_calls()
        assert await control.calls() == []


async def test_calls_are_written_down_without_what_they_carry(bench: Bench) -> None:
    blob = await bench.wrapped()
    await bench.granted()
    asked = {"KeyId": bench.cmk, "CiphertextBlob": blob, "EncryptionContext": CONTEXT}
    await bench.ours("decrypt", **asked)
    await bench.refused("fintech", "decrypt", **asked, DryRun=True)
    async with kms_control(bench.kms.control_url) as control:
        calls = await control.calls()
    shown = [(call["operation"], call["dry_run"], call["result"]) for call in calls]
    assert shown == [
        ("Encrypt", False, "ok"),
        ("CreateGrant", False, "ok"),
        ("Decrypt", False, "ok"),
        ("Decrypt", True, "DryRunOperationException"),
    ]
    assert calls[2]["context"] == CONTEXT
    assert calls[2]["principal"] == FINTECH
    assert not any(secret in json.dumps(calls) for secret in ("secret", "c2VjcmV0", "Plaintext"))


def test_the_log_keeps_the_last_and_counts_all() -> None:
    log = CallLog(lambda: 0.0)
    for number in range(CALLS_MAX + 5):
        log.note("me", "Decrypt", {"KeyId": str(number)}, "ok")
    assert (len(log.calls), log.counts["Decrypt"]) == (CALLS_MAX, CALLS_MAX + 5)
    assert log.calls[0].key == "5"


def test_it_knows_again_what_it_knew(tmp_path: Path) -> None:
    state, clock = tmp_path / "kms.jsonl", [1_000.0]

    def opened() -> SimulatedKms:
        return SimulatedKms(state=state, now=lambda: clock[0])

    first = opened()
    cmk, other = (pair.cmk for pair in first.roots)
    granting: dict[str, Any] = {"KeyId": cmk, "GranteePrincipal": FINTECH, "Operations": ["Decrypt"]}
    granting["Constraints"] = {"EncryptionContextSubset": {"merchant": "acct_1"}}
    kept, ended = (first.as_bank("CreateGrant", **granting, Name=name) for name in ("kept", "ended"))
    first.as_bank("RevokeGrant", KeyId=cmk, GrantId=ended["GrantId"])
    first.as_bank("ScheduleKeyDeletion", KeyId=other)
    blob = first.as_bank("Encrypt", KeyId=cmk, Plaintext="c2VjcmV0", EncryptionContext=CONTEXT)[
        "CiphertextBlob"
    ]
    with state.open("a", encoding="utf-8") as file:
        file.write('{"ended": "hal')  # killed in the middle of a line
    for again in (opened(), opened()):
        assert again.roots == first.roots
        assert again.notary == first.notary
        asked = {"CiphertextBlob": blob, "EncryptionContext": CONTEXT}
        assert again.as_bank("Decrypt", **asked)["Plaintext"] == "c2VjcmV0"
        listed = again.as_bank("ListGrants", KeyId=cmk)["Grants"]
        assert [each["GrantId"] for each in listed] == [kept["GrantId"]]
        assert again.as_bank("CreateGrant", **granting, Name="kept") == kept
        assert again.as_bank("DescribeKey", KeyId=other)["KeyMetadata"]["KeyState"] == "PendingDeletion"
        again.memory.close()
    first.memory.close()
    assert state.stat().st_mode & 0o777 == 0o600


PAIRS = st.dictionaries(st.sampled_from("abc"), st.sampled_from(["x", "yy"]), max_size=3)
MAYBE_PAIRS = st.none() | PAIRS.filter(bool).map(lambda pairs: tuple(sorted(pairs.items())))


@given(
    terms=st.lists(st.tuples(MAYBE_PAIRS, MAYBE_PAIRS, st.sampled_from(["Decrypt", "Encrypt"])), max_size=6),
    ended=st.sets(st.integers(0, 5)),
    brought=st.sets(st.integers(0, 5)),
    asked=PAIRS,
    now=st.integers(0, 4),
)
def test_grants_are_found_as_if_each_were_looked_at(
    terms: list[Any], ended: set[int], brought: set[int], asked: dict[str, str], now: int
) -> None:
    book, grants = GrantBook(), []
    for number, (subset, equals, operation) in enumerate(terms):
        grants.append(
            Grant(
                id=str(number),
                name=None,
                grantee="us",
                retiring=None,
                operations=(operation,),
                subset=subset,
                equals=equals,
                created_at=0.0,
                works_at=float(number % 3),
            )
        )
        book.add(grants[-1])
    gone = {number for number in ended if number < len(grants)}
    for number in gone:
        book.end(str(number), 2.0)

    def works(number: int, grant: Grant) -> bool:
        if number in gone and now >= 2:
            return False
        return now >= grant.works_at or (number in brought and number not in gone)

    expected = any(
        works(number, grant) and grant.permits("us", "Decrypt", asked) for number, grant in enumerate(grants)
    )
    tokens = frozenset(str(number) for number in brought)
    assert book.permit("us", "Decrypt", asked, now=float(now), brought=tokens) is expected
    assert not book.permit("them", "Decrypt", asked, now=float(now), brought=tokens)
