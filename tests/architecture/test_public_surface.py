"""What `import fintech` offers: frozen here, so that a name comes or goes on purpose only."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fintech
from fintech.entrypoints import container, profiles

STUB = Path(fintech.__file__).with_suffix(".pyi")

#: A name that is added is a promise; one that is taken away breaks somebody's program.
SURFACE = {
    # the core, put together
    "Core", "CannotOpen", "embedded", "in_memory", "on_postgres", "testing",
    # who asks, for whom, under which key, and what comes of it
    "Actor", "Face", "Scope", "Request", "RequestKey", "Reply", "Outcome", "Success", "Failure", "Page",
    # breakage
    "PortError", "StoreUnavailable", "StoreOverloaded", "ConcurrencyExhausted",
    # what use cases take and give
    "ApiKeyId", "BankAccountId", "CaptureMethod", "CardDetails", "Currency", "FeePlan", "Limits", "MerchantId", "Money", "PaymentId",
    "PaymentMethodId", "PaymentStatus", "PayoutId", "PayoutMethod", "PayoutStatus", "RefundId", "RefundStatus", "Scheme", "SchemeFee", "Standing",
}  # fmt: skip


def test_the_surface_is_what_was_agreed() -> None:
    assert set(fintech.__all__) == SURFACE
    assert len(fintech.__all__) == len(SURFACE)


def test_every_name_is_there() -> None:
    missing = [name for name in SURFACE if not hasattr(fintech, name)]
    assert not missing
    assert set(dir(fintech)) >= SURFACE


def test_a_name_is_the_thing_itself() -> None:
    assert fintech.Core is container.Core
    assert fintech.in_memory is profiles.in_memory


def test_what_is_not_public_is_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'MemoryStore'"):
        fintech.MemoryStore  # type: ignore[attr-defined] # noqa: B018 - this is what is tested


def test_the_stub_says_what_the_module_does() -> None:
    tree = ast.parse(STUB.read_text(encoding="utf-8"))
    imported = {
        name.name: f"{node.module}:{name.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert imported == vars(fintech)["_ORIGINS"]
    (listed,) = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    assert ast.literal_eval(listed) == fintech.__all__


def test_importing_it_imports_nothing_else() -> None:
    program = (
        "import sys; before = set(sys.modules); import fintech; print(*sorted(set(sys.modules) - before))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    third_party = {
        "attrs",
        "attr",
        "asyncio",
        "click",
        "cattrs",
        "returns",
        "sqlalchemy",
        "aiohttp",
        "dependency_injector",
    }
    loaded = ran.stdout.split()
    assert not [name for name in loaded if name.startswith("fintech.")]
    assert not third_party & {name.partition(".")[0] for name in loaded}


def test_memory_needs_no_database_driver() -> None:
    program = "import sys, fintech; fintech.in_memory; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {"asyncpg", "sqlalchemy", "alembic", "aiohttp"} & set(ran.stdout.split())


async def test_a_program_needs_nothing_more() -> None:
    async with fintech.in_memory() as core:
        scope = fintech.Scope(core.ids().new(fintech.MerchantId), livemode=False)
        me = fintech.Actor("me", fintech.Face.EMBEDDED)
        await core.onboard_merchant()(me, scope.merchant, livemode=False, name="Corner Shop")
        card = await core.find_method()(scope, "pm_card_visa")
        outcome = await core.create_payment()(
            fintech.Request(actor=me),
            scope,
            amount_minor=1250,
            currency=fintech.Currency.AUD,
            method=card,
            confirm=True,
        )
        assert isinstance(outcome, fintech.Success)
        assert outcome.unwrap().value.status is fintech.PaymentStatus.SUCCEEDED
