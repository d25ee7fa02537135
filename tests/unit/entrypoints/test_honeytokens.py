"""What is planted raises the alarm through the faces that are served, and what was raised is written before the end."""

from datetime import UTC, datetime, timedelta

import pytest

from fintech.application.commits import Decision, NotFound, saved
from fintech.domain.audit import AuditAction, AuditEntry, entry_of
from fintech.domain.cards import CardDetails
from fintech.domain.events import EventType
from fintech.domain.ids import MerchantId, PaymentMethodId
from fintech.domain.keys.columns import BILLING_NAME, CARD_NUMBER
from fintech.domain.outcome import Failure, Success
from fintech.domain.payment_methods import PaymentMethod
from fintech.domain.scope import Actor, Face, Scope
from fintech.entrypoints import profiles
from fintech.entrypoints.container import Core
from fintech.ports.audit_trail import AuditQuery, AuditSink
from tests.unit.entrypoints.http.driving import driving, open_shop

ANN = Actor("ann", Face.CLI, "it is time")
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


async def alarms(sink: AuditSink) -> list[AuditEntry]:
    """What the audit trail has of alarms."""
    query = AuditQuery(
        since=BEGINNING, until=BEGINNING + timedelta(days=36_500), action=AuditAction.HONEYTOKEN_TOUCHED
    )
    found = [entry_of(each.document) for each in await sink.find(query, 100)]
    return [each for each in found if each is not None]


async def plant(core: Core, merchant: MerchantId | None = None) -> tuple[Scope, PaymentMethodId]:
    planted = await core.plant_honeytokens()(ANN, livemode=False, merchant=merchant, cards=1)
    assert await alarms(core.audit_sink()) == []
    return planted.unwrap().scope, planted.unwrap().records[0]


async def test_who_reads_what_is_planted_gets_it_and_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    async with profiles.testing() as core:
        sink = core.audit_sink()
        shop = await open_shop(core)
        scope, record = await plant(core, shop.scope.merchant)
        read = await core.protection().read_one(scope, CARD_NUMBER.at(record))
        assert read == Success(b"4242424242424242")
    (alarm,) = await alarms(sink)
    assert (alarm.subject, alarm.merchant, alarm.details) == (record, scope.merchant, {"what": "open"})
    assert "a honeytoken was touched" in [each.message for each in caplog.records]


async def test_a_ring_that_is_planted_is_not_lent_unheard() -> None:
    async with profiles.testing() as core:
        scope, record = await plant(core)
        await core.protection().read_one(scope, CARD_NUMBER.at(record))
        await core.alarm().settled()
        told = [each.details["what"] for each in await alarms(core.audit_sink())]
        assert sorted(map(str, told)) == ["lease", "open"]


async def test_who_asks_by_name_for_a_number_that_is_planted_is_heard_and_told_that_there_is_none() -> None:
    """As somebody would who has a list of sealed values, and may ask."""
    async with profiles.testing() as core:
        sink = core.audit_sink()
        shop = await open_shop(core)
        scope, record = await plant(core, shop.scope.merchant)
        nothing = PaymentMethodId("pm_" + "z" * 24)
        assert await core.reveal_card()(ANN, scope, nothing) == Failure(NotFound("payment_method", nothing))
        assert await core.reveal_card()(ANN, scope, record) == Failure(NotFound("payment_method", record))
    assert [each.subject for each in await alarms(sink)] == [record]


async def test_who_puts_one_into_the_books_to_have_it_opened_over_http_is_heard() -> None:
    async with profiles.testing() as core, driving(core) as api:
        scope, record = await plant(core, api.shop.scope.merchant)
        details = CardDetails(number="4242424242424242", exp_month=12, exp_year=2034)
        card = (await core.cards().recognise(scope, details)).unwrap()

        async def decide(_changeset: object, now: datetime) -> Success[Decision[PaymentMethod]]:
            method = PaymentMethod(
                id=record, version=0, card=card, created_at=now, sealed=(BILLING_NAME.name,)
            )
            changes = ((method, EventType.PAYMENT_METHOD_CREATED),)
            return Success(Decision(value=saved(method), changes=changes))

        assert isinstance(await core.commits().land(scope, ANN, decide), Success)
        shown = (await api.get(f"/v1/payment_methods/{record}")).body
        assert shown["billing_details"]["name"] == "Jo Citizen"
        await core.alarm().settled()
        (alarm,) = await alarms(core.audit_sink())
        assert (alarm.subject, alarm.details) == (record, {"what": "open"})


async def test_ordinary_requests_are_not_heard() -> None:
    async with profiles.testing() as core, driving(core) as api:
        await plant(core, api.shop.scope.merchant)
        card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034}
        owner = {"name": "Ada", "email": "jo@shop.example"}
        asked = {"type": "card", "card": card, "billing_details": owner}
        kept = (await api.post("/v1/payment_methods", asked)).body["id"]
        assert (await api.get(f"/v1/payment_methods/{kept}")).body["billing_details"]["name"] == "Ada"
        found = await api.post("/v1/payment_methods/find", {"email": "jo@shop.example"})
        assert [each["id"] for each in found.body["data"]] == [kept]
        await core.reveal_card()(ANN, api.shop.scope, PaymentMethodId(kept))
        await core.tend_keys()()
        await core.alarm().settled()
        assert await alarms(core.audit_sink()) == []
