"""The keeper of root keys at AWS KMS: what its errors mean, how long it waits, how much it asks at once."""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)

from fintech.adapters.crypto.kms import THREADS, KmsRoot, KmsSettings
from fintech.adapters.crypto.kms_faults import refused_by
from fintech.adapters.simulator.kms.server import SimulatedKms
from fintech.domain.keys.custody import CmkName, CmkStatus
from fintech.domain.outcome import Failure, Success
from fintech.ports.contracts.key_keeping import context_of, created, refusal, success, unwrapped
from fintech.ports.key_root import KeyRoot, RootFault, RootRefused, Wrapped
from tests.kms import kms_root

DENIED, UNREACHABLE, CORRUPT = RootFault.DENIED, RootFault.UNREACHABLE, RootFault.CORRUPT
SECRET = "not to be told"


@pytest.fixture
async def kms() -> AsyncIterator[SimulatedKms]:
    async with SimulatedKms().running() as running:
        yield running


@pytest.fixture
def cmk(kms: SimulatedKms) -> CmkName:
    return CmkName(kms.roots[0].cmk)


@asynccontextmanager
async def opened(kms: SimulatedKms, **settings: Any) -> AsyncIterator[KmsRoot]:
    hasty: dict[str, Any] = {"attempts": 1, "connect_timeout_s": 0.5, "read_timeout_s": 0.25}
    root = kms_root(kms.told(), **{**hasty, **settings})
    try:
        yield root
    finally:
        await root.close()


def said(code: str, status: int = 400) -> ClientError:
    """An error as boto3 raises it."""
    answer: Any = {
        "Error": {"Code": code, "Message": SECRET},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "Decrypt")


async def hanging(kms: SimulatedKms, calls: int) -> None:
    """Return when so many calls have come to a KMS that does not answer."""
    while kms.hanging < calls:
        await asyncio.sleep(0.002)


@pytest.mark.parametrize(
    ("code", "status", "fault", "whole"),
    [
        ("DisabledException", 400, DENIED, True),
        ("KMSInvalidStateException", 400, DENIED, True),
        ("NotFoundException", 400, DENIED, True),
        ("UnrecognizedClientException", 400, DENIED, True),
        ("AccessDeniedException", 400, DENIED, False),
        ("InvalidGrantTokenException", 400, DENIED, False),
        ("LimitExceededException", 400, DENIED, False),
        ("SomethingNewException", 400, DENIED, False),
        ("InvalidCiphertextException", 400, CORRUPT, False),
        ("IncorrectKeyException", 400, CORRUPT, False),
        ("ThrottlingException", 400, UNREACHABLE, False),
        ("SomethingNewException", 429, UNREACHABLE, False),
        ("ExpiredTokenException", 400, UNREACHABLE, False),
        ("KeyUnavailableException", 500, UNREACHABLE, False),
        ("KMSInternalException", 500, UNREACHABLE, False),
        ("DependencyTimeoutException", 503, UNREACHABLE, False),
        ("SomethingNewException", 502, UNREACHABLE, False),
        ("SomethingNewException", 302, UNREACHABLE, False),
    ],
)
def test_what_kms_says_is_told_apart(code: str, status: int, fault: RootFault, whole: bool) -> None:
    assert refused_by(said(code, status)) == RootRefused(fault, code, whole)


def test_half_an_error_is_no_word_of_the_banks() -> None:
    for code in ("", "400", "412"):
        assert refused_by(said(code)) == RootRefused(UNREACHABLE, "AnswerIncomplete")


def test_a_no_where_no_merchant_was_named_is_the_keys() -> None:
    assert refused_by(said("AccessDeniedException"), whole=True).whole
    assert not refused_by(said("ThrottlingException"), whole=True).whole


@pytest.mark.parametrize(
    "error",
    [
        ConnectTimeoutError(endpoint_url=SECRET),
        ReadTimeoutError(endpoint_url=SECRET),
        EndpointConnectionError(endpoint_url=SECRET),
        NoCredentialsError(),
        TimeoutError(SECRET),
        OSError(SECRET),
        RuntimeError(SECRET),
    ],
    ids=lambda error: type(error).__name__,
)
def test_silence_is_never_a_no(error: Exception) -> None:
    assert refused_by(error) == RootRefused(UNREACHABLE, type(error).__name__)


def test_a_name_that_no_key_can_have_is_a_no() -> None:
    assert refused_by(ParamValidationError(report=SECRET)) == RootRefused(DENIED, "ParamValidation", True)


async def test_no_reason_repeats_what_was_sent(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms) as root:
        assert SECRET not in repr(refused_by(said("AccessDeniedException")))
        assert kms.url not in repr(await root.status(CmkName("nobody's")))


@pytest.mark.parametrize("outage", ["refuse", "hang", "error", "cut"])
async def test_an_outage_is_silence_and_leaves_nothing_behind(
    kms: SimulatedKms, cmk: CmkName, outage: str
) -> None:
    async with opened(kms) as root:
        wrapped = await created(root, cmk)
        key = await unwrapped(root, cmk, wrapped)
        await kms.change(outage=outage)
        for outcome in await asyncio.gather(
            root.unwrap(cmk, context_of(), wrapped),
            root.authorise(cmk, context_of(), wrapped),
            root.create(cmk, context_of(number=2)),
            root.rewrap(cmk, context_of(), wrapped, CmkName(kms.roots[1].cmk)),
            root.mac(cmk, b"a"),
            root.status(cmk),
        ):
            assert refusal(outcome).fault is UNREACHABLE, outcome
        await kms.change(outage="none")
        assert await unwrapped(root, cmk, wrapped) == key
        assert await root.status(cmk) == Success(CmkStatus.ENABLED)


async def test_a_throttle_is_silence(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms) as root:
        await kms.change(requests_per_s=0.001)
        outcomes = [await root.status(cmk) for _ in range(3)]
        assert outcomes == [
            Success(CmkStatus.ENABLED),
            *[Failure(RootRefused(UNREACHABLE, "ThrottlingException"))] * 2,
        ]


async def test_an_error_that_passes_is_not_noticed(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms, attempts=3, read_timeout_s=2.0) as root:
        wrapped = await created(root, cmk)
        await kms.change(outage="error")
        asking = asyncio.create_task(root.unwrap(cmk, context_of(), wrapped))
        while kms.log.counts["Decrypt"] < 1:
            await asyncio.sleep(0.005)
        await kms.change(outage="none")
        assert isinstance(await asking, Success)


async def test_it_asks_in_so_many_threads_and_lets_so_many_wait(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms, threads=3, waiting_max=8, read_timeout_s=5.0) as root:
        await kms.change(outage="hang")
        asking = [asyncio.create_task(root.status(cmk)) for _ in range(12)]
        await hanging(kms, 3)
        assert len(root._threads._threads) == 3
        told = [task.result() for task in asking if task.done()]
        assert told == [Failure(RootRefused(UNREACHABLE, "TooManyWaiting"))] * 4
        await kms.change(outage="none", latency_s=0.0)
        outcomes = await asyncio.gather(*asking)
        assert sum(isinstance(outcome, Success) for outcome in outcomes) == 5
        assert isinstance(await root.status(cmk), Success)


async def test_a_call_ends_whatever_the_line_does(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms, threads=1, deadline_s=0.1, read_timeout_s=0.4) as root:
        await kms.change(outage="hang")
        outcomes = await asyncio.gather(*(root.status(cmk) for _ in range(3)))
        assert outcomes == [Failure(RootRefused(UNREACHABLE, "TimeoutError"))] * 3


async def test_those_who_wait_when_it_is_closed_are_told(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms, threads=1) as root:
        await kms.change(outage="hang")
        asking = [asyncio.create_task(root.status(cmk)) for _ in range(3)]
        await hanging(kms, 1)
        await root.close()
        codes = [refusal(await task).code for task in asking]
        assert codes == ["ReadTimeoutError", "Closed", "Closed"]
        assert refusal(await root.status(cmk)).code == "Closed"


async def test_who_gives_up_is_let_go(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms, threads=1) as root:
        await kms.change(outage="hang")
        asking = [asyncio.create_task(root.status(cmk)) for _ in range(2)]
        await hanging(kms, 1)
        for task in asking:
            task.cancel()
        assert all(
            isinstance(each, asyncio.CancelledError)
            for each in await asyncio.gather(*asking, return_exceptions=True)
        )


async def test_an_empty_answer_is_no_permission(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms) as root:
        wrapped = await created(root, cmk)
        root._client.decrypt = lambda **_: {"ResponseMetadata": {"HTTPStatusCode": 200}}
        silence = Failure(RootRefused(UNREACHABLE, "AnswerIncomplete"))
        assert await root.authorise(cmk, context_of(), wrapped) == silence
        assert await root.unwrap(cmk, context_of(), wrapped) == silence


async def test_a_new_grant_works_at_once_by_its_token(kms: SimulatedKms, cmk: CmkName) -> None:
    await kms.change(grant_delay_s=300)
    async with opened(kms) as root:
        wrapped = await created(root, cmk)
        kept = Wrapped(wrapped.blob, wrapped.grant)
        await unwrapped(root, cmk, wrapped)
        for outcome in (
            await root.unwrap(cmk, context_of(), kept),
            await root.authorise(cmk, context_of(), kept),
        ):
            assert refusal(outcome) == RootRefused(UNREACHABLE, "GrantNotAbout")
        assert refusal(await root.unwrap(cmk, context_of(livemode=False), kept)).fault is DENIED
        moved = success(await root.rewrap(cmk, context_of(), wrapped, CmkName(kms.roots[1].cmk)))
        await unwrapped(root, CmkName(kms.roots[1].cmk), moved)


async def test_a_grant_that_should_have_got_about_was_taken_back(
    kms: SimulatedKms, cmk: CmkName, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kms.change(grant_delay_s=300)
    async with opened(kms) as root:
        new, old = await created(root, cmk), await created(root, cmk, context_of(livemode=False))
        kms.as_bank("RevokeGrant", KeyId=cmk, GrantId=new.grant)
        assert refusal(await root.unwrap(cmk, context_of(), Wrapped(new.blob, new.grant))).fault is DENIED
        monkeypatch.setattr("fintech.adapters.crypto.kms_grants.ABOUT", timedelta(0))
        kept = Wrapped(old.blob, old.grant)
        assert refusal(await root.authorise(cmk, context_of(livemode=False), kept)).fault is DENIED


async def test_who_is_cut_off_gets_no_permission_elsewhere(kms: SimulatedKms, cmk: CmkName) -> None:
    other = CmkName(kms.roots[1].cmk)
    async with opened(kms) as root:
        wrapped = await created(root, cmk)
        kms.as_bank("RevokeGrant", KeyId=cmk, GrantId=wrapped.grant)
        assert refusal(await root.rewrap(cmk, context_of(), wrapped, other)).fault is DENIED
        assert kms.as_bank("ListGrants", KeyId=other)["Grants"] == []


async def test_a_blob_of_something_else_is_corrupt(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms) as root:
        wrapped = await created(root, cmk)
        short = kms.as_bank(
            "GenerateDataKey", KeyId=cmk, NumberOfBytes=16, EncryptionContext=dict(context_of().pairs())
        )
        blob = base64.b64decode(short["CiphertextBlob"])
        assert refusal(await root.unwrap(cmk, context_of(), Wrapped(blob, wrapped.grant))).fault is CORRUPT


async def test_states_that_it_does_not_know_are_unavailable(kms: SimulatedKms, cmk: CmkName) -> None:
    async with opened(kms) as root:
        kms.as_bank("ScheduleKeyDeletion", KeyId=cmk)
        assert await root.status(cmk) == Success(CmkStatus.PENDING_DELETION)
        object.__setattr__(kms.memory.key(cmk), "state", "Updating")
        assert await root.status(cmk) == Success(CmkStatus.UNAVAILABLE)


async def test_without_a_mac_key_nothing_is_derived(kms: SimulatedKms, cmk: CmkName) -> None:
    root: KeyRoot = KmsRoot(KmsSettings(region="ap-southeast-2", grantee="us", endpoint_url=kms.url))
    assert await root.mac(cmk, b"a") == Failure(RootRefused(DENIED, "NoMacKey", True))
    await root.close()


async def test_no_log_tells_a_key(kms: SimulatedKms, cmk: CmkName, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with opened(kms) as root:
            key = bytes(await unwrapped(root, cmk, await created(root, cmk)))
    told = caplog.text
    assert "urllib3" in told
    assert not [each for each in (key.hex(), base64.b64encode(key).decode(), repr(key)) if each in told]


def test_defaults_are_bounded() -> None:
    settings = KmsSettings(region="ap-southeast-2", grantee="us")
    assert (settings.connect_timeout_s, settings.read_timeout_s, settings.attempts) == (1.0, 2.0, 3)
    assert settings.threads == THREADS
