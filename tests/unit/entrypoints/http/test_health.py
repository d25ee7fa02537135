import asyncio
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fintech.adapters.crypto.local import LocalRoot
from fintech.adapters.crypto.roots import FAILURES_MAX
from fintech.adapters.memory.clock import ManualClock
from fintech.domain.ids import MerchantId
from fintech.domain.scope import Scope
from fintech.entrypoints.container import Core
from fintech.entrypoints.http.app import HEALTH, build_app
from fintech.entrypoints.http.key_metrics import KeyFigures
from fintech.entrypoints.http.settings import HttpSettings
from fintech.ports.errors import StoreUnavailable
from tests.unit.entrypoints.http.driving import Api, driving

NAMES = ("method", "route", "status", "le")


async def test_probes_need_no_key(api: Api) -> None:
    for path, status in (("/livez", "live"), ("/readyz", "ready")):
        reply = await api.get(path, Authorization="")
        assert (reply.status, reply.body["status"]) == (200, status)


async def test_it_is_ready_without_its_keys_and_says_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing would be better if the process were restarted, or its neighbours got its requests."""
    scope, vault = Scope(api.core.ids().new(MerchantId), livemode=False), api.core.key_vault()
    assert (await vault.lease(scope)).unwrap().scope == scope
    reply = await api.get("/readyz")
    assert reply.body == {"status": "ready", "capabilities": {"protected_data": "ready"}}
    root = api.core.key_root()
    assert isinstance(root, LocalRoot)
    root.reachable = False
    clock = api.core.clock()
    assert isinstance(clock, ManualClock)
    for _ in range(FAILURES_MAX):
        clock.advance(timedelta(seconds=20))
        await vault.lease(Scope(scope.merchant, livemode=True))
    assert ((await api.get("/readyz")).status, (await api.get("/livez")).status) == (200, 200)
    assert (await api.get("/readyz")).body["capabilities"] == {"protected_data": "custody_unreachable"}


async def test_the_figures_of_keys_name_no_merchant(core: Core) -> None:
    also = [KeyFigures(core.key_vault(), core.key_sweep())]
    scope = Scope(core.ids().new(MerchantId), livemode=False)
    await core.key_sweep().try_root_keys()
    for _ in range(3):
        (await core.key_vault().lease(scope)).unwrap()
    async with driving(core, also=also) as api:
        text = (await api.get("/metrics")).text
    samples = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("fintech_key_")
    }
    assert samples["fintech_key_leases_lent_total", "hit"] == 2
    assert samples["fintech_key_leases_lent_total", "load"] == 1
    assert samples["fintech_key_leases_refused_total", "merchant_key_revoked"] == 0
    assert samples["fintech_key_root_faults_total", "denied"] == 0
    assert samples["fintech_key_leases",] == samples["fintech_key_custody_ready",] == 1
    assert samples["fintech_key_heartbeat_age_seconds", "local/1"] == 0
    assert samples["fintech_key_sweep_leads",] == 1
    assert scope.merchant not in text


async def test_it_is_not_ready_without_its_store(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise StoreUnavailable("no")

    monkeypatch.setattr(api.core.store(), "merchant", broken)
    assert ((await api.get("/readyz")).status, (await api.get("/livez")).status) == (503, 200)


async def test_a_store_that_does_not_answer_is_not_waited_for(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driving(core, HttpSettings(ready_timeout_s=0.01)) as api:

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(core.store(), "merchant", never)
        assert (await api.get("/readyz")).status == 503


async def test_a_server_that_is_told_to_stop_is_not_ready_but_goes_on(core: Core) -> None:
    app = build_app(core)
    app.freeze()
    await app.shutdown()
    assert all(each.draining for each in app[HEALTH].flights)


async def test_a_drain_shows_before_anything_is_closed(api: Api) -> None:
    api.app[HEALTH].drain()
    assert ((await api.get("/readyz")).status, (await api.get("/livez")).status) == (503, 200)
    last = await api.get("/v1/account")
    assert (last.status, last.headers["Connection"]) == (200, "close")


async def test_figures_are_in_the_format_that_prometheus_reads(api: Api) -> None:
    await api.paid(1000)
    await api.get("/v1/account")
    await api.get("/v1/account", Authorization="")
    await api.get("/nowhere")
    reply = await api.get("/metrics", Authorization="")
    assert reply.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    samples = {
        (sample.name, *(sample.labels[name] for name in NAMES if name in sample.labels)): sample.value
        for family in text_string_to_metric_families(reply.text)
        for sample in family.samples
    }
    requests, seconds = "fintech_http_requests_total", "fintech_http_request_duration_seconds"
    assert samples[requests, "POST", "/v1/payment_intents", "200"] == 1
    assert samples[requests, "GET", "/v1/account", "200"] == 1
    assert samples[requests, "GET", "/v1/account", "401"] == 1
    assert samples[requests, "ANY", "unknown", "404"] == 1
    assert samples[f"{seconds}_count", "GET", "/v1/account"] == 2
    assert samples[f"{seconds}_bucket", "GET", "/v1/account", "+Inf"] == 2
    assert 0 < samples[f"{seconds}_sum", "GET", "/v1/account"] < 5
    assert samples["fintech_http_requests_in_flight",] == 0


async def test_each_application_has_figures_of_its_own(core: Core) -> None:
    async with driving(core) as one, driving(core, shop=one.shop) as other:
        await one.get("/v1/account")
        assert 'route="/v1/account",status=' not in (await other.get("/metrics")).text
