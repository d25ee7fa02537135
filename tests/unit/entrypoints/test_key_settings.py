"""What settings say about keys, and what no production may be started with."""

from datetime import timedelta
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from fintech.domain.keys.periods import KeyPolicy
from fintech.entrypoints import profiles
from fintech.entrypoints.cli import cli
from fintech.entrypoints.key_settings import Environment, KeySettings, RootKind
from fintech.entrypoints.production import require_production_worthy
from fintech.entrypoints.settings import (
    Settings,
    SettingsInvalid,
    read_environment,
    read_settings,
)

OPERATIONS = Path(__file__).resolve().parents[3] / "docs/operations/README.md"

ARNS = "arn:aws:kms:ap-southeast-2:111111111111:key/1, arn:aws:kms:ap-southeast-2:111111111111:key/2"
KMS = {
    "FINTECH_KEYS_ROOT": "KMS",
    "FINTECH_KEYS_CMKS": ARNS,
    "FINTECH_KEYS_REGION": "ap-southeast-2",
    "FINTECH_KEYS_GRANTEE": "arn:aws:iam::222222222222:role/fintech",
}


def token(folder: Path) -> dict[str, str]:
    for name in ("module.so", "pin"):
        (folder / name).touch()
    return {
        "FINTECH_KEYS_ROOT": "pkcs11",
        "FINTECH_KEYS_CMKS": "bank-1",
        "FINTECH_KEYS_MODULE": str(folder / "module.so"),
        "FINTECH_KEYS_TOKEN": "bank",
        "FINTECH_KEYS_PIN_FILE": str(folder / "pin"),
    }


def test_keys_are_held_locally_where_nobody_says_otherwise() -> None:
    assert read_settings({}).custody() == KeySettings()
    assert read_settings({}).environment == "development"


def test_all_of_it_is_read() -> None:
    keys = read_settings(
        {**KMS, "FINTECH_KEYS_MAC_KEYS": "mac-1,mac-2", "FINTECH_KEYS_DERIVED": "yes"}
    ).custody()
    assert keys.root is RootKind.KMS
    assert [name.rpartition("/")[2] for name in keys.cmks] == ["1", "2"]
    assert (keys.mac_keys, keys.derived) == (("mac-1", "mac-2"), True)


@pytest.mark.parametrize(
    ("told", "lent_s"),
    [({}, 300), ({"LEASE_S": "120"}, 120), ({"STRICT": "1"}, 60), ({"STRICT": "1", "LEASE_S": "20"}, 20)],
)
def test_how_long_keys_are_lent(told: dict[str, str], lent_s: float) -> None:
    assert read_settings({f"FINTECH_KEYS_{name}": text for name, text in told.items()}).keys.lent_s == lent_s


def test_how_long_keys_live() -> None:
    assert read_settings({}).keys.policy == KeyPolicy()
    told = {
        "PERIOD_DAYS": "90",
        "MARGIN_DAYS": "7",
        "RETIRE_AFTER_DAYS": "15",
        "BACKUPS_KEPT_DAYS": "14.5",
        "UNCLAIMED_KEPT_DAYS": "0.5",
        "ENDED_KEPT_DAYS": "0",
    }
    policy = read_settings({f"FINTECH_KEYS_{name}": text for name, text in told.items()}).custody().policy
    assert policy == KeyPolicy(
        period=timedelta(days=90),
        margin=timedelta(days=7),
        retire_after=timedelta(days=15),
        backups_kept=timedelta(days=14, hours=12),
        unclaimed_kept=timedelta(hours=12),
        ended_kept=timedelta(),
    )


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("PERIOD_DAYS", "0.5"),
        ("PERIOD_DAYS", "731"),
        ("PERIOD_DAYS", "a year"),
        ("PERIOD_DAYS", "nan"),
        ("MARGIN_DAYS", "-1"),
        ("MARGIN_DAYS", "366"),
        ("RETIRE_AFTER_DAYS", "0.01"),
        ("RETIRE_AFTER_DAYS", "34"),
        ("RETIRE_AFTER_DAYS", "1e9"),
        ("UNCLAIMED_KEPT_DAYS", "0"),
        ("BACKUPS_KEPT_DAYS", "-1"),
        ("ENDED_KEPT_DAYS", "-1"),
    ],
)
def test_a_life_of_keys_that_cannot_be_is_named(variable: str, text: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"^FINTECH_KEYS_{variable}: "):
        read_settings({f"FINTECH_KEYS_{variable}": text}).custody()


@pytest.mark.parametrize("missing", ["CMKS", "REGION", "GRANTEE"])
def test_half_of_kms_is_none(missing: str) -> None:
    told = {name: text for name, text in KMS.items() if not name.endswith(missing)}
    with pytest.raises(SettingsInvalid, match=f"^FINTECH_KEYS_{missing}: "):
        read_settings(told).custody()


@pytest.mark.parametrize("missing", ["CMKS", "MODULE", "TOKEN", "PIN_FILE"])
def test_half_of_a_token_is_none(missing: str, tmp_path: Path) -> None:
    read_settings(token(tmp_path)).custody()
    told = {name: text for name, text in token(tmp_path).items() if not name.endswith(missing)}
    with pytest.raises(SettingsInvalid, match=f"^FINTECH_KEYS_{missing}: "):
        read_settings(told).custody()
    if missing in {"MODULE", "PIN_FILE"}:
        with pytest.raises(SettingsInvalid, match=f"^FINTECH_KEYS_{missing}: "):
            read_settings({**told, f"FINTECH_KEYS_{missing}": str(tmp_path / "nowhere")}).custody()


@pytest.mark.parametrize(
    ("told", "variable"),
    [
        ({**KMS, "FINTECH_KEYS_DERIVED": "1"}, "MAC_KEYS"),
        ({**KMS, "FINTECH_KEYS_MAC_KEYS": "only-one"}, "MAC_KEYS"),
        ({"FINTECH_KEYS_NOTARY": "kms", "FINTECH_KEYS_REGION": "ap-southeast-2"}, "NOTARY_KEY"),
        ({"FINTECH_KEYS_NOTARY": "kms", "FINTECH_KEYS_NOTARY_KEY": "arn"}, "REGION"),
    ],
)
def test_what_does_not_go_together_is_named(told: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"^FINTECH_KEYS_{variable}: "):
        read_settings(told).custody()


PRODUCTION = {
    **KMS,
    "FINTECH_ENVIRONMENT": "production",
    "FINTECH_DATABASE_URL": "postgresql://fintech:8sYw-2kQ@db.internal/fintech",
    "FINTECH_DIGEST_KEY": bytes(range(32)).hex(),
    "FINTECH_KEYS_OFFICERS_FILE": "/etc/fintech/officers.json",
    "FINTECH_KEYS_NOTARY": "kms",
    "FINTECH_KEYS_NOTARY_KEY": "arn:aws:kms:ap-southeast-2:333333333333:key/9",
    "FINTECH_AUDIT_CHECKPOINTS_FILE": "/mnt/worm/checkpoints.jsonl",
}


def test_a_production_that_has_everything_may_start() -> None:
    require_production_worthy(read_settings(PRODUCTION))


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("KEYS_ROOT", "local"),
        ("KEYS_NOTARY", "local"),
        ("KEYS_OFFICERS_FILE", ""),
        ("AUDIT_CHECKPOINTS_FILE", ""),
        ("KEYS_ENDPOINT_URL", "http://127.0.0.1:4566"),
        ("LOG_LEVEL", "debug"),
        ("DIGEST_KEY", "ab" * 32),
        ("DATABASE_URL", "postgresql://fintech:fintech@db/fintech"),
        ("DATABASE_URL", "postgresql://app:postgres@db/fintech"),
        ("DATABASE_URL", "postgresql://app:app@db/fintech"),
    ],
)
@pytest.mark.parametrize("environment", ["production", "prod", "prod-melbourne"])
async def test_production_does_not_start_with(variable: str, text: str, environment: str) -> None:
    settings = read_settings({**PRODUCTION, "FINTECH_ENVIRONMENT": environment, f"FINTECH_{variable}": text})
    with pytest.raises(
        SettingsInvalid, match=f"^not fit for {environment}: FINTECH_{variable}: [^;]*$"
    ) as told:
        async with profiles.container(settings):
            pytest.fail("it has started")
    assert "fintech:fintech" not in str(told.value)
    require_production_worthy(attrs.evolve(settings, environment=Environment("staging")))


def test_everything_that_is_not_fit_is_said_at_once() -> None:
    with pytest.raises(
        SettingsInvalid, match=r"KEYS_ROOT: .*; FINTECH_KEYS_NOTARY: .*; FINTECH_KEYS_OFFICERS"
    ):
        require_production_worthy(read_settings({"FINTECH_ENVIRONMENT": "production"}))


async def test_production_has_no_folder(tmp_path: Path) -> None:
    environment = read_environment({"FINTECH_ENVIRONMENT": "production"})
    with pytest.raises(SettingsInvalid, match="FINTECH_ENVIRONMENT: production has its data at"):
        async with profiles.embedded(tmp_path / "data", environment=environment):
            pytest.fail("it has started")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["serve", "--data", "data"], "has its data at FINTECH_DATABASE_URL"),
        (["merchant", "list", "--data", "data"], "has its data at FINTECH_DATABASE_URL"),
        (["serve", "--log-level", "debug"], "FINTECH_LOG_LEVEL"),
    ],
)
def test_no_command_opens_what_is_not_fit(
    arguments: list[str], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = CliRunner().invoke(cli, arguments, env=PRODUCTION, prog_name="fintech")
    assert ended.exit_code == 2
    assert reason in " ".join(ended.output.split())
    assert not list(tmp_path.iterdir())


def test_every_setting_is_in_the_manual() -> None:
    manual = OPERATIONS.read_text(encoding="utf-8")
    variables = [f"`FINTECH_KEYS_{each.name.upper()}`" for each in attrs.fields(KeySettings)]
    variables += [
        f"`FINTECH_{each.name.upper()}" for each in attrs.fields(Settings) if each.type is not KeySettings
    ]
    assert not sorted(name for name in variables if name not in manual)
