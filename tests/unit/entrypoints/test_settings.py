"""The environment, as a service reads it."""

import pytest

from fintech.domain.abn import Abn
from fintech.domain.tax_invoices import SPECIMEN
from fintech.entrypoints import profiles
from fintech.entrypoints.settings import (
    LogLevel,
    Settings,
    SettingsInvalid,
    read_settings,
    read_supplier,
)

KEY = "ab" * 32
URL = "postgresql://fintech:word@db.internal:5433/fintech?sslmode=require"


def test_nothing_needs_to_be_said() -> None:
    assert read_settings({"PATH": "/bin", "FINTECH_LOG_LEVEL": " "}) == Settings()


def test_every_variable_is_named_after_its_field() -> None:
    read = read_settings(
        {
            "FINTECH_DATABASE_URL": URL,
            "FINTECH_DIGEST_KEY": KEY,
            "FINTECH_LOG_LEVEL": "Warning",
            "FINTECH_DRAIN_S": "2.5",
            "FINTECH_HTTP_IN_FLIGHT_MAX": "7",
            "FINTECH_HTTP_REQUEST_TIMEOUT_S": "3",
            "FINTECH_TERMINALS_IDLE_TIMEOUT_S": "9",
        }
    )
    assert read.addressed() == URL
    assert read.keyed() == bytes.fromhex(KEY)
    assert read.log_level is LogLevel.WARNING
    assert read.drain_s == 2.5
    assert (read.http.in_flight_max, read.http.request_timeout_s) == (7, 3.0)
    assert read.terminals.idle_timeout_s == 9.0


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_an_address_may_be_spelt_as_its_readers_do(scheme: str) -> None:
    assert (
        read_settings({"FINTECH_DATABASE_URL": f"{scheme}://u:w@h/d"}).database_url == "postgresql://u:w@h/d"
    )


@pytest.mark.parametrize(
    ("variable", "text", "reason"),
    [
        ("FINTECH_DATABASE_URL", "mysql://u:hushhush@h/d", "begins with postgresql://"),
        ("FINTECH_DATABASE_URL", "postgresql://u:hushhush@h:port/d", "not the address"),
        ("FINTECH_DIGEST_KEY", "hushhush", "not hexadecimal"),
        ("FINTECH_DIGEST_KEY", "ab" * 31, "at least 32 bytes"),
        ("FINTECH_LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("FINTECH_DRAIN_S", "soon", "is a number"),
        ("FINTECH_DRAIN_S", "-1", "must be >= 0"),
        ("FINTECH_DRAIN_S", "nan", "is a finite number"),
        ("FINTECH_HTTP_REQUEST_TIMEOUT_S", "inf", "is a finite number"),
        ("FINTECH_SWEEP_INTERVAL_S", "1e9", "must be <= 3600"),
        ("FINTECH_HTTP_IN_FLIGHT_MAX", "1.5", "is a whole number"),
        ("FINTECH_HTTP_IN_FLIGHT_MAX", "0", "must be >= 1"),
        ("FINTECH_TERMINALS_FRAME_MAX_BYTES", "1", "must be >= 64"),
        ("FINTECH_ENVIRONMENT", "Prod 1", "begins with a letter"),
        ("FINTECH_KEYS_ROOT", "hushhush", "is one of local, kms, pkcs11"),
        ("FINTECH_KEYS_NOTARY", "pkcs11", "is one of local, kms"),
        ("FINTECH_KEYS_CMKS", "one,,two", "has names with commas between them"),
        ("FINTECH_KEYS_CMKS", "one,one", "at most 16 names, each once"),
        ("FINTECH_KEYS_CMKS", ",".join(map(str, range(17))), "at most 16 names, each once"),
        ("FINTECH_KEYS_LEASE_S", "1", "must be >= 5"),
        ("FINTECH_KEYS_LEASE_S", "3601", "must be <= 3600"),
        ("FINTECH_KEYS_STRICT", "perhaps", "is true or false"),
        ("FINTECH_SUPPLIER_ABN", "51 824 753 557", "is an ABN: eleven digits"),
        ("FINTECH_SUPPLIER_LEGAL_NAME", "a\nb", "is one line of at most 120 characters"),
        ("FINTECH_SUPPLIER_ADDRESS", "a" * 121, "is one line of at most 120 characters"),
    ],
)
def test_what_is_wrong_is_said_by_the_name_of_its_variable(variable: str, text: str, reason: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"^{variable}: .*{reason}") as refused:
        read_settings({variable: text})
    assert "hushhush" not in str(refused.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(SettingsInvalid, match=r"FINTECH_LOG_LEVEL: .*; FINTECH_DRAIN_S: "):
        read_settings({"FINTECH_DRAIN_S": "soon", "FINTECH_LOG_LEVEL": "loud"})


def test_a_database_needs_a_digest_key() -> None:
    with pytest.raises(SettingsInvalid, match="FINTECH_DIGEST_KEY is missing"):
        read_settings({"FINTECH_DATABASE_URL": URL}).keyed()
    with pytest.raises(SettingsInvalid, match="FINTECH_DATABASE_URL is missing"):
        Settings().addressed()


def test_no_secret_is_in_a_repr() -> None:
    shown = repr(read_settings({"FINTECH_DATABASE_URL": URL, "FINTECH_DIGEST_KEY": KEY}))
    assert "word" not in shown
    assert "abab" not in shown
    assert r"\xab" not in shown


WHO = {
    "FINTECH_SUPPLIER_LEGAL_NAME": "Us Pty Ltd",
    "FINTECH_SUPPLIER_ABN": "53 004 085 616",
    "FINTECH_SUPPLIER_ADDRESS": "5 George Street, Sydney NSW 2000",
}


def test_who_we_are_on_tax_invoices() -> None:
    supplier = read_supplier(WHO)
    assert (supplier.legal_name, supplier.abn, supplier.specimen) == ("Us Pty Ltd", "53004085616", False)
    assert read_settings(WHO).supplier.named() == supplier
    assert read_supplier({}) is SPECIMEN
    assert SPECIMEN.abn == Abn.parse(SPECIMEN.abn)


@pytest.mark.parametrize("missing", WHO)
def test_half_of_who_we_are_is_nobody(missing: str) -> None:
    with pytest.raises(SettingsInvalid, match="FINTECH_SUPPLIER_ADDRESS: say all three, or none"):
        read_supplier({name: text for name, text in WHO.items() if name != missing})


async def test_a_deployment_knows_who_we_are(postgres_dsn: str) -> None:
    settings = read_settings({**WHO, "FINTECH_DATABASE_URL": postgres_dsn, "FINTECH_DIGEST_KEY": KEY})
    async with profiles.container(settings) as core:
        assert core.supplier().legal_name == "Us Pty Ltd"
