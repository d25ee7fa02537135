from typing import Any

import pytest

from tests.unit.entrypoints.http.driving import Api

LISTS = ["payment_intents", "payment_methods", "charges", "refunds", "balance_transactions", "events"]
#: An id of each kind that nobody has.
NOBODY = {
    "payment_intents": "pi_000000000000000000000zzz",
    "payment_methods": "pm_000000000000000000000zzz",
    "charges": "ch_000000000000000000000zzz00",
    "refunds": "re_000000000000000000000zzz",
    "balance_transactions": "txn_000000000000000000000zzz00",
    "events": "evt_000000000000000000000zzz00",
}


@pytest.mark.parametrize("noun", LISTS)
@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"limit": 0}, 400, "limit"),
        ({"limit": 101}, 400, "limit"),
        ({"limit": "ten"}, 400, "limit"),
        ({"limit": ""}, 400, "limit"),
        ({"starting_after": "nobody"}, 404, "starting_after"),
        ({"ending_before": "cus_1"}, 404, "ending_before"),
        ({"created": "yesterday"}, 400, "created"),
        ({"created": {"since": 1}}, 400, "created"),
        ({"created": {"gte": "x"}}, 400, "created[gte]"),
        ({"created": {"gte": 10**12}}, 400, "created[gte]"),
        ({"created": [1]}, 400, "created"),
        ({"sort": "asc"}, 400, "sort"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    api: Api, noun: str, query: dict[str, Any], status: int, param: str
) -> None:
    refused = await api.get(f"/v1/{noun}", query)
    assert (refused.status, refused.error["param"]) == (status, param)


@pytest.mark.parametrize("noun", LISTS)
async def test_two_cursors_are_one_too_many(api: Api, noun: str) -> None:
    query = {"starting_after": NOBODY[noun], "ending_before": NOBODY[noun]}
    assert (await api.get(f"/v1/{noun}", query)).error["code"] == "parameters_exclusive"


@pytest.mark.parametrize("noun", LISTS)
async def test_a_list_knows_where_it_is_from(api: Api, noun: str) -> None:
    body = (await api.get(f"/v1/{noun}", {"limit": 100, "created": {"gt": 4_000_000_000}})).body
    assert body == {"object": "list", "url": f"/v1/{noun}", "has_more": False, "data": []}
