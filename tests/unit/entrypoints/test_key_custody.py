"""Who keeps root keys and who signs, as each deployment has it."""

import json
import subprocess
import sys
from base64 import b64encode
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fintech.adapters.crypto.kms import KmsRoot
from fintech.adapters.crypto.local import LOCAL_CMK, LocalRoot
from fintech.adapters.crypto.notary import KmsNotary, LocalNotary
from fintech.adapters.crypto.signatures import Ed25519Checker
from fintech.domain.ids import MerchantId
from fintech.domain.keys.custody import CmkName, CmkStatus, Derivation
from fintech.domain.keys.timing import STRICT
from fintech.domain.outcome import Success
from fintech.domain.scope import Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.key_custody import (
    NOTARY_FILE,
    OFFICERS_FILE,
    ROOT_FILE,
    Custody,
    custody_as_set,
    custody_in_folder,
    custody_in_memory,
)
from fintech.entrypoints.settings import SettingsInvalid, read_settings
from fintech.ports.key_root import RootFault, WrapContext, Wrapped
from tests.softhsm import SoftHsm

SHOP = WrapContext("development", Scope(MerchantId("acct_" + "1" * 24), livemode=False), 1)
ALICE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OFFICERS = json.dumps({"alice": b64encode(ALICE.public_key().public_bytes_raw()).decode()})


async def wrapped_by(custody: Custody) -> Wrapped:
    root, (cmk, *_) = custody.key_root(), custody.terms.cmks
    assert await root.status(cmk) == Success(CmkStatus.ENABLED)
    return (await root.create(cmk, SHOP)).unwrap()


def in_folder(closing: AsyncExitStack, folder: Path) -> Custody:
    return custody_in_folder(closing, folder, hanging=False)


async def test_in_memory_nobody_has_the_keys_afterwards() -> None:
    async with AsyncExitStack() as closing:
        one, other = custody_in_memory(closing), custody_in_memory(closing)
        assert one.terms.cmks == (LOCAL_CMK,)
        wrapped = await wrapped_by(one)
        refused = (await other.key_root().unwrap(LOCAL_CMK, SHOP, wrapped)).failure()
        assert refused.fault is RootFault.CORRUPT
    assert (await one.key_root().status(LOCAL_CMK)).failure().fault is RootFault.UNREACHABLE


async def test_a_test_scripts_the_root_and_the_officers() -> None:
    root, officers = LocalRoot(), Ed25519Checker({"alice": ALICE.public_key().public_bytes_raw()})
    async with profiles.testing(root=root, officers=officers) as core:
        assert core.key_root() is root
        assert core.officers() is officers
        assert core.officers().check("alice", b"x", ALICE.sign(b"x"))
        assert (await core.notary().sign(b"checkpoint"))[0].startswith("local/")
    async with profiles.testing() as core:
        assert isinstance(core.key_root(), LocalRoot)
        assert core.officers().keys == frozenset()


async def test_a_folder_keeps_what_its_root_keys_are_made_of(tmp_path: Path) -> None:
    (tmp_path / OFFICERS_FILE).write_text(OFFICERS)
    async with AsyncExitStack() as closing:
        custody, beside = in_folder(closing, tmp_path), in_folder(closing, tmp_path)
        wrapped = await wrapped_by(custody)
        assert isinstance(await beside.key_root().unwrap(beside.terms.cmks[0], SHOP, wrapped), Success)
        assert custody.officers().keys == {"alice"}
        assert (await custody.notary().sign(b"x")) == (await beside.notary().sign(b"x"))
    for name in (ROOT_FILE, NOTARY_FILE):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert bytes.fromhex((tmp_path / name).read_text())


async def test_what_hung_from_a_lost_secret_is_missed_and_not_taken_for_forged(tmp_path: Path) -> None:
    async with AsyncExitStack() as closing:
        before = in_folder(closing, tmp_path)
        wrapped = await wrapped_by(before)
        (tmp_path / ROOT_FILE).unlink()
        after = in_folder(closing, tmp_path)
        assert after.terms.cmks != before.terms.cmks
        refused = (await after.key_root().unwrap(before.terms.cmks[0], SHOP, wrapped)).failure()
        assert (refused.fault, refused.code) == (RootFault.DENIED, "NotFoundException")


async def test_where_something_hangs_from_it_a_lost_secret_is_not_made_anew(tmp_path: Path) -> None:
    async with AsyncExitStack() as closing:
        with pytest.raises(OSError, match=f"{ROOT_FILE} is gone, .*: restore it"):
            custody_in_folder(closing, tmp_path, hanging=True)
        assert list(tmp_path.iterdir()) == []
        made = in_folder(closing, tmp_path)
        assert custody_in_folder(closing, tmp_path, hanging=True).terms == made.terms


async def test_a_secret_that_is_damaged_opens_nothing(tmp_path: Path) -> None:
    (tmp_path / ROOT_FILE).write_text("zz")
    async with AsyncExitStack() as closing:
        with pytest.raises(OSError, match=f"{ROOT_FILE} is damaged: restore it"):
            in_folder(closing, tmp_path)


LOCAL = {"FINTECH_DIGEST_KEY": bytes(range(32)).hex()}
KMS = {
    **LOCAL,
    "FINTECH_ENVIRONMENT": "staging",
    "FINTECH_KEYS_ROOT": "kms",
    "FINTECH_KEYS_CMKS": "arn:aws:kms:ap-southeast-2:111111111111:key/1",
    "FINTECH_KEYS_MAC_KEYS": "arn:aws:kms:ap-southeast-2:111111111111:key/2",
    "FINTECH_KEYS_DERIVED": "true",
    "FINTECH_KEYS_STRICT": "true",
    "FINTECH_KEYS_REGION": "ap-southeast-2",
    "FINTECH_KEYS_GRANTEE": "arn:aws:iam::222222222222:role/fintech",
    "FINTECH_KEYS_ENDPOINT_URL": "http://127.0.0.1:1",
    "FINTECH_KEYS_NOTARY": "kms",
    "FINTECH_KEYS_NOTARY_KEY": "arn:aws:kms:ap-southeast-2:333333333333:key/9",
}


async def test_a_deployments_keys_live_as_long_as_its_settings_say(postgres_dsn: str) -> None:
    told = {**LOCAL, "FINTECH_DATABASE_URL": postgres_dsn, "FINTECH_KEYS_PERIOD_DAYS": "90"}
    async with profiles.container(read_settings(told)) as core:
        scope = Scope(MerchantId("acct_" + "1" * 24), livemode=False)
        await core.key_vault().lease(scope)
        ring = await core.key_table().ring(scope)
        assert ring is not None
        assert core.key_policy().period == timedelta(days=90)
        assert not core.tend_keys().policy.due(ring.keys[0], core.clock().now() + timedelta(days=89))
        assert core.tend_keys().policy.due(ring.keys[0], core.clock().now() + timedelta(days=90))


async def test_processes_with_the_same_settings_have_the_same_local_keys() -> None:
    async with AsyncExitStack() as closing:
        one, other = (custody_as_set(closing, read_settings(LOCAL)) for _ in range(2))
        wrapped = await wrapped_by(one)
        assert isinstance(await other.key_root().unwrap(other.terms.cmks[0], SHOP, wrapped), Success)
        assert isinstance(one.notary(), LocalNotary)
        assert await one.notary().sign(b"x") == await other.notary().sign(b"x")


async def test_kms_as_the_settings_have_it() -> None:
    async with AsyncExitStack() as closing:
        custody = custody_as_set(closing, read_settings(KMS))
        terms = custody.terms
        assert (terms.environment, terms.derivation) == ("staging", Derivation.DERIVED)
        assert terms.timing == STRICT
        assert terms.cmks == (CmkName(KMS["FINTECH_KEYS_CMKS"]),)
        assert isinstance(custody.key_root(), KmsRoot)
        assert isinstance(custody.notary(), KmsNotary)


async def test_a_token_as_the_settings_have_it(softhsm: SoftHsm, tmp_path: Path) -> None:
    pin = tmp_path / "pin"
    pin.write_text(softhsm.pin + "\n")
    told = {"ROOT": "pkcs11", "MODULE": softhsm.module, "TOKEN": softhsm.token, "PIN_FILE": str(pin)}
    told["CMKS"] = softhsm.new_key()
    settings = read_settings({**LOCAL, **{f"FINTECH_KEYS_{name}": text for name, text in told.items()}})
    assert softhsm.pin not in repr(settings)
    async with AsyncExitStack() as closing:
        custody = custody_as_set(closing, settings)
        wrapped = await wrapped_by(custody)
        assert isinstance(await custody.key_root().unwrap(custody.terms.cmks[0], SHOP, wrapped), Success)


@pytest.mark.parametrize("content", [None, "[]", '{"alice": "AAAA"}'])
async def test_officers_that_cannot_be_read_are_told_at_the_start(
    content: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "officers.json"
    if content is not None:
        path.write_text(content)
    async with AsyncExitStack() as closing:
        with pytest.raises(SettingsInvalid, match=r"^FINTECH_KEYS_OFFICERS_FILE: "):
            custody_as_set(closing, read_settings({**LOCAL, "FINTECH_KEYS_OFFICERS_FILE": str(path)}))
        path.write_text(OFFICERS)
        custody = custody_as_set(closing, read_settings({**LOCAL, "FINTECH_KEYS_OFFICERS_FILE": str(path)}))
        assert custody.officers().keys == {"alice"}


def test_nobody_who_asks_for_no_key_pays_for_it() -> None:
    program = "import sys, fintech; fintech.testing; import fintech.entrypoints.settings; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"cryptography", "boto3", "pkcs11"} & set(ran.stdout.split())
