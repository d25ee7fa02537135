from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from fintech.adapters.memory.clock import ManualClock
from fintech.domain.scope import Actor, Face
from fintech.domain.terminals import ONLINE_FOR, Placing
from tests.leaks import shows_test_card
from tests.unit.application.shop import PLAIN
from tests.unit.entrypoints.http.driving import Api, Reply, open_shop

LOCATIONS, READERS = "/v1/terminal/locations", "/v1/terminal/readers"
ADDRESS: Mapping[str, str] = {
    "line1": "1 George Street",
    "city": "Sydney",
    "state": "NSW",
    "postal_code": "2000",
    "country": "AU",
}
NOWHERE, NOBODY = "tml_" + "9" * 24, "tmr_" + "9" * 24
GATEWAY = Actor("a terminal", Face.WORKER)


async def place(api: Api, **more: Any) -> Any:
    reply = await api.post(LOCATIONS, {"display_name": "Kiosk", "address": ADDRESS} | more)
    assert reply.status == 200, reply.text
    return reply.body


async def reader(api: Api, location: str, code: str = "simulated-1", **more: Any) -> Any:
    reply = await api.post(READERS, {"registration_code": code, "location": location} | more)
    assert reply.status == 200, reply.text
    return reply.body


async def delete(api: Api, path: str, **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await api.send("DELETE", path, headers=named)


async def test_a_location_from_its_creation_to_its_end(api: Api) -> None:
    made = await place(api, address=dict(ADDRESS) | {"line2": "Level 2"}, metadata={"floor": "2", "no": ""})
    assert made == {
        "id": made["id"],
        "object": "terminal.location",
        "address": {
            "city": "Sydney",
            "country": "AU",
            "line1": "1 George Street",
            "line2": "Level 2",
            "postal_code": "2000",
            "state": "NSW",
        },
        "display_name": "Kiosk",
        "livemode": False,
        "metadata": {"floor": "2"},
    }
    one = f"{LOCATIONS}/{made['id']}"
    form = {"display_name": "Stall", "address": {"line2": "", "postal_code": "2001"}, "metadata": ""}
    changed = (await api.post(one, form)).body
    assert changed["address"] == made["address"] | {"line2": None, "postal_code": "2001"}
    assert (changed["display_name"], changed["metadata"]) == ("Stall", {})
    assert (await api.get(one)).body == changed
    gone = {"id": made["id"], "object": "terminal.location", "deleted": True}
    assert (await delete(api, one)).body == gone
    assert (await api.get(one)).body == gone
    assert (await api.get(LOCATIONS)).body["data"] == []
    refused = await api.post(one, {"display_name": "x"})
    assert (refused.status, refused.error["code"], refused.error["param"]) == (
        404,
        "resource_missing",
        "location",
    )


async def test_taking_away_again_is_no_mistake_and_does_nothing_more(api: Api) -> None:
    made = await place(api)
    one = f"{LOCATIONS}/{made['id']}"
    first = await delete(api, one, Idempotency_Key="once")
    assert "Idempotent-Replayed" not in first.headers
    again = await delete(api, one, Idempotency_Key="once")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Key"] == "once"
    assert (await delete(api, one)).body == first.body
    (event,) = (await api.get("/v1/events", {"type": "terminal.location.deleted"})).body["data"]
    assert event["data"]["object"] == made
    other = await place(api)
    reused = await delete(api, f"{LOCATIONS}/{other['id']}", Idempotency_Key="once")
    assert (reused.status, reused.error["code"]) == (400, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"postal_code": "200"}, "address[postal_code]"),
        ({"postal_code": ""}, "address[postal_code]"),
        ({"state": "New South Wales"}, "address[state]"),
        ({"country": "NZ"}, "address[country]"),
        ({"line1": "   "}, "address[line1]"),
        ({"line1": "4242 4242 4242 4242"}, "address[line1]"),
        ({"city": "a\tb"}, "address[city]"),
        ({"planet": "Mars"}, "address[planet]"),
    ],
)
async def test_an_address_that_is_none_is_refused_by_its_part(
    api: Api, change: dict[str, str], param: str
) -> None:
    refused = await api.post(LOCATIONS, {"display_name": "Kiosk", "address": dict(ADDRESS) | change})
    assert (refused.status, refused.error["param"]) == (400, param)
    made = await place(api)
    refused = await api.post(f"{LOCATIONS}/{made['id']}", {"address": change})
    assert (refused.status, refused.error["param"]) == (400, param)


@pytest.mark.parametrize("part", ADDRESS)
async def test_every_part_of_an_address_is_needed(api: Api, part: str) -> None:
    address = {name: value for name, value in ADDRESS.items() if name != part}
    refused = await api.post(LOCATIONS, {"display_name": "Kiosk", "address": address})
    assert (refused.error["code"], refused.error["param"]) == ("parameter_missing", f"address[{part}]")


async def test_a_reader_from_its_registration_to_its_end(api: Api) -> None:
    here, there = await place(api), await place(api)
    made = await reader(api, here["id"], "PB04-1", label="Front till", metadata={"till": "3"})
    assert made == {
        "id": made["id"],
        "object": "terminal.reader",
        "action": None,
        "device_sw_version": None,
        "device_type": "eftpos_terminal",
        "ip_address": None,
        "label": "Front till",
        "last_seen_at": None,
        "lifecycle": "registered",
        "livemode": False,
        "location": here["id"],
        "metadata": {"till": "3"},
        "serial_number": "PB04-1",
        "status": "offline",
        "terminal_id": made["terminal_id"],
    }
    assert len(made["terminal_id"]) == 8
    one = f"{READERS}/{made['id']}"
    changed = (await api.post(one, {"label": "Bar", "location": there["id"], "metadata": {"till": ""}})).body
    assert changed == made | {"label": "Bar", "location": there["id"], "metadata": {}}
    assert (await api.get(one)).body == changed
    gone = {"id": made["id"], "object": "terminal.reader", "deleted": True}
    assert (await delete(api, one)).body == gone
    assert (await delete(api, one)).body == gone
    assert (await api.get(one, {"expand[]": "location"})).body == gone
    assert (await api.get(READERS)).body["data"] == []
    refused = await api.post(one, {"label": "x"})
    assert (refused.status, refused.error["param"]) == (404, "reader")


async def test_a_reader_is_called_by_its_code_where_it_has_no_label(api: Api) -> None:
    made = await reader(api, (await place(api))["id"])
    assert (made["label"], made["device_type"]) == ("simulated-1", "simulated_eftpos_terminal")


async def test_a_reader_is_on_line_when_it_has_reported_lately(api: Api, clock: ManualClock) -> None:
    here = (await place(api))["id"]
    made, other = await reader(api, here), await reader(api, here, "simulated-2")
    (await api.core.sign_on_terminal()(GATEWAY, made["terminal_id"])).unwrap()
    seen = (await api.get(f"{READERS}/{made['id']}")).body
    at = int(clock.now().timestamp() * 1000)
    assert seen == made | {"status": "online", "lifecycle": "active", "last_seen_at": at}

    async def ids(**query: Any) -> list[str]:
        return [each["id"] for each in (await api.get(READERS, query)).body["data"]]

    assert await ids(status="online") == [made["id"]]
    assert await ids(status="offline") == [other["id"]]
    clock.advance(ONLINE_FOR)
    assert await ids(status="online") == []
    assert (await api.get(f"{READERS}/{made['id']}")).body == seen | {"status": "offline"}
    (event, *_) = (await api.get("/v1/events", {"type": "terminal.reader.updated"})).body["data"]
    assert event["data"]["object"] == seen  # as it was then


async def test_readers_are_found_by_where_they_stand_and_what_they_are(api: Api) -> None:
    here, there = await place(api), await place(api)
    made = [await reader(api, each["id"], f"SN-{n}") for n, each in enumerate((here, here, there))]

    async def ids(**query: Any) -> list[str]:
        reply = await api.get(READERS, query)
        assert reply.status == 200, reply.text
        return [each["id"] for each in reply.body["data"]]

    assert await ids() == [each["id"] for each in made[::-1]]
    assert await ids(location=here["id"]) == [made[1]["id"], made[0]["id"]]
    assert await ids(serial_number="SN-2") == [made[2]["id"]]
    assert await ids(limit=1, starting_after=made[2]["id"]) == [made[1]["id"]]
    assert await ids(location=NOWHERE) == []
    expanded = (await api.get(READERS, {"expand[]": "data.location", "limit": 1})).body["data"][0]
    assert expanded["location"] == there


@pytest.mark.parametrize(
    ("form", "status", "param"),
    [
        ({"registration_code": "SN-1"}, 400, "location"),
        ({"location": NOWHERE}, 400, "registration_code"),
        ({"registration_code": "SN-1", "location": NOWHERE}, 404, "location"),
        ({"registration_code": "SN-1", "location": "tml_1"}, 404, "location"),
        ({"registration_code": "two words", "location": NOWHERE}, 400, "registration_code"),
        ({"registration_code": "4242424242424242", "location": NOWHERE}, 400, "registration_code"),
        ({"registration_code": "x" * 41, "location": NOWHERE}, 400, "registration_code"),
    ],
)
async def test_what_cannot_be_registered_is_refused_by_name(
    api: Api, form: dict[str, str], status: int, param: str
) -> None:
    refused = await api.post(READERS, form)
    assert (refused.status, refused.error["param"]) == (status, param)
    assert not shows_test_card(refused.text)


async def test_a_location_where_readers_stand_stays(api: Api) -> None:
    here = await place(api)
    await reader(api, here["id"])
    refused = await delete(api, f"{LOCATIONS}/{here['id']}")
    assert (refused.status, refused.error["code"]) == (400, "terminal_location_in_use")
    assert (await api.get(f"{LOCATIONS}/{here['id']}")).body == here


async def test_no_program_is_a_reader_in_live_mode(api: Api) -> None:
    live = api.of(await open_shop(api.core, 2, livemode=True))
    here = await place(live)
    form = {"registration_code": "simulated-1", "location": here["id"]}
    refused = await live.post(READERS, form)
    assert (refused.status, refused.error["param"]) == (400, "registration_code")
    assert (await reader(live, here["id"], "SN-1"))["livemode"] is True


async def test_a_suspended_reader_says_so(api: Api) -> None:
    made = await reader(api, (await place(api))["id"])
    (await api.core.sign_on_terminal()(GATEWAY, made["terminal_id"])).unwrap()
    terminal = await api.core.store().terminal_by_number(made["terminal_id"])
    assert terminal is not None
    request = evolve(PLAIN, actor=Actor("officer", Face.CLI, "stolen"))
    (await api.core.place_terminal()(request, api.shop.scope, terminal[1].id, Placing.SUSPEND)).unwrap()
    shown = (await api.get(f"{READERS}/{made['id']}")).body
    assert (shown["lifecycle"], shown["status"]) == ("suspended", "offline")


async def test_nobody_else_sees_or_takes_them_away(api: Api) -> None:
    here = await place(api)
    made = await reader(api, here["id"])
    strangers = (await open_shop(api.core, 2), await open_shop(api.core, 1 + 2, livemode=True))
    for stranger in map(api.of, strangers):
        for path in (f"{LOCATIONS}/{here['id']}", f"{READERS}/{made['id']}"):
            assert (await stranger.get(path)).status == 404
            assert (await delete(stranger, path)).status == 404
        form = {"registration_code": "SN-1", "location": here["id"]}
        assert (await stranger.post(READERS, form)).status == 404


async def test_what_is_not_there_cannot_be_taken_away(api: Api) -> None:
    for path in (f"{LOCATIONS}/{NOWHERE}", f"{READERS}/{NOBODY}", f"{READERS}/tmr_x", f"{LOCATIONS}/x"):
        assert (await delete(api, path)).status == 404
    refused = await delete(api, READERS)
    assert (refused.status, refused.headers["Allow"]) == (405, "GET, POST")
    surplus = await delete(api, f"{READERS}/{NOBODY}?force=true")
    assert (surplus.status, surplus.error["param"]) == (400, "force")


async def test_creating_is_done_once_however_often_it_is_sent(api: Api, clock: ManualClock) -> None:
    here = await place(api)
    form = {"registration_code": "simulated-1", "location": here["id"]}
    first = await api.post(READERS, form, Idempotency_Key="in")
    clock.advance(timedelta(days=1))
    again = await api.post(READERS, form, Idempotency_Key="in")
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert len((await api.get(READERS)).body["data"]) == 1
