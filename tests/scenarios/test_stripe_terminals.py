"""Locations and readers by the official SDK."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from fintech.domain.scope import Actor, Face
from fintech.entrypoints import profiles
from tests.scenarios.test_stripe_sdk import Sdk, client_of
from tests.unit.entrypoints.http.driving import Served, driving, open_shop, served_in_thread

ADDRESS = {
    "line1": "1 George Street",
    "city": "Sydney",
    "state": "NSW",
    "postal_code": "2000",
    "country": "AU",
}
GATEWAY = Actor("a terminal", Face.WORKER)


@pytest.fixture
def served() -> Iterator[Served]:
    """A server in a thread, since this SDK blocks."""
    with served_in_thread() as served:
        yield served


@pytest.fixture
def sdk(served: Served) -> Iterator[Sdk]:
    """The SDK of a shop in test mode."""
    http = stripe.RequestsClient()
    yield client_of(served.url, served.shop.secret, http_client=http)
    http.close()


def test_a_fleet_from_its_first_place_to_its_last_reader(served: Served, sdk: Sdk) -> None:
    places, readers = sdk.v1.terminal.locations, sdk.v1.terminal.readers
    here = places.create({"display_name": "Kiosk", "address": ADDRESS, "metadata": {"floor": "2"}})
    assert (here.object, here.address.postal_code, here.address.line2) == ("terminal.location", "2000", None)
    there = places.update(
        places.create({"display_name": "x", "address": ADDRESS}).id, {"display_name": "Bar"}
    )
    assert [each.display_name for each in places.list({"limit": 1}).auto_paging_iter()] == ["Bar", "Kiosk"]
    made = readers.create(
        {"registration_code": "simulated-wpe", "location": here.id, "label": "Till 1", "expand": ["location"]}
    )
    assert (type(here), type(made)) == (stripe.terminal.Location, stripe.terminal.Reader)
    assert (made.label, made.status, made.serial_number) == ("Till 1", "offline", "simulated-wpe")
    assert (made.location.id, made.last_seen_at) == (here.id, None)
    served.run(served.core.sign_on_terminal()(GATEWAY, made.terminal_id)).unwrap()
    assert [each.id for each in readers.list({"status": "online"})] == [made.id]
    assert [each.id for each in readers.list({"location": there.id})] == []
    moved = readers.update(made.id, {"label": "Till 2", "location": there.id, "metadata": {"a": "b"}})
    assert (moved.label, moved.location, moved.metadata["a"]) == ("Till 2", there.id, "b")
    assert readers.retrieve(made.id).status == "online"
    with pytest.raises(stripe.InvalidRequestError) as raised:
        places.delete(there.id)
    error: Any = raised.value
    assert (error.http_status, error.code) == (400, "terminal_location_in_use")
    assert readers.delete(made.id).deleted is True
    assert places.delete(there.id).deleted is True
    assert readers.retrieve(made.id).deleted is True
    assert [each.id for each in places.list()] == [here.id]
    with pytest.raises(stripe.InvalidRequestError) as raised:
        readers.create({"registration_code": "simulated-wpe", "location": there.id})
    assert (raised.value.param, raised.value.http_status) == ("location", 404)
    told = [event.type for event in sdk.v1.events.list({"type": "terminal.*", "limit": 100})]
    assert (told.count("terminal.reader.deleted"), told.count("terminal.location.deleted")) == (1, 1)


def test_the_old_style_works_too(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stripe, "api_base", served.url)
    monkeypatch.setattr(stripe, "api_key", served.shop.secret)
    here = stripe.terminal.Location.create(display_name="Kiosk", address=ADDRESS)  # type: ignore[arg-type] # a plain dictionary
    reader = stripe.terminal.Reader.create(registration_code="simulated-1", location=here.id)
    assert stripe.terminal.Reader.modify(reader.id, label="Till").label == "Till"
    assert reader.delete().deleted is True
    assert here.delete().deleted is True


async def test_every_verb_asynchronously() -> None:
    async with profiles.testing() as core, driving(core, shop=await open_shop(core)) as api:
        sdk = client_of(api.url, api.shop.secret, http_client=stripe.AIOHTTPClient(session=api.session))
        places, readers = sdk.v1.terminal.locations, sdk.v1.terminal.readers
        here = await places.create_async({"display_name": "Kiosk", "address": ADDRESS})
        await places.update_async(here.id, {"address": {"line2": "Level 2"}})
        assert (await places.retrieve_async(here.id)).address.line2 == "Level 2"
        reader = await readers.create_async({"registration_code": "simulated-1", "location": here.id})
        await readers.update_async(reader.id, {"label": "Till"})
        assert (await readers.retrieve_async(reader.id)).label == "Till"
        assert len((await readers.list_async({"serial_number": "simulated-1"})).data) == 1
        assert (await readers.delete_async(reader.id)).deleted is True
        assert (await places.delete_async(here.id)).deleted is True
        assert (await places.list_async()).data == []
