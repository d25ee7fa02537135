"""The served OpenAPI document, tried out by a machine: nothing that it permits breaks us, nor does what it does not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from fintech.domain.api_keys import OFFICERS
from fintech.entrypoints.http.settings import HttpSettings
from tests.unit.entrypoints.http.driving import OFFICER, Api, Served, driving, served_in_thread

#: What a schema cannot know: whether there is such a thing, whether two parameters exclude each other.
BEYOND_SCHEMAS: list[Any] = [negative_data_rejection, positive_data_acceptance]
EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A server in a thread, since the machine blocks."""
    with served_in_thread() as served:
        yield served


@pytest.fixture(scope="module")
def line() -> Iterator[requests.Session]:
    """A line that is kept: to make one takes a client longer than to ask a question."""
    with requests.Session() as session:
        session.trust_env = False  # the environment's proxies are looked up for every request
        yield session


@pytest.fixture(scope="module")
def known(served: Served) -> Mapping[str, str]:
    """Things that there are, by the parameter that names them."""

    async def make() -> Mapping[str, str]:
        async with driving(served.core, shop=served.shop) as api:
            return await things(api)

    made: Mapping[str, str] = served.run(make())
    return made


@pytest.fixture(scope="module")
def officer(served: Served) -> str:
    """The secret of a bank officer's key."""

    async def make() -> str:
        made = await served.core.create_api_key()(OFFICER, OFFICERS, "an officer")
        return made.unwrap().secret

    secret: str = served.run(make())
    return secret


async def things(api: Api) -> Mapping[str, str]:
    """One of everything."""
    held, paid = await api.authorised(10_000), await api.paid(50_000)
    refund = (await api.post("/v1/refunds", {"payment_intent": paid["id"], "amount": 10})).body
    event = (await api.get("/v1/events")).body["data"][0]
    account = await api.bank_account()
    payout = await api.paid_out(500, method="instant")
    address = {"line1": "1 High St", "city": "Hay", "state": "NSW", "postal_code": "2711", "country": "AU"}
    place = (await api.post("/v1/terminal/locations", {"display_name": "Kiosk", "address": address})).body
    reader = {"registration_code": "simulated-1", "location": place["id"]}
    return {
        "location": place["id"],
        "reader": (await api.post("/v1/terminal/readers", reader)).body["id"],
        "intent": held["id"],
        "payment_intent": paid["id"],
        "charge": paid["latest_charge"],
        "refund": refund["id"],
        "source": refund["id"],
        "payment_method": "pm_card_visa",
        "number": "4242424242424242",
        "currency": "aud",
        "account": api.shop.scope.merchant,
        "destination": account["id"],
        "payout": payout["id"],
        "/v1/accounts/{account}/external_accounts/{id}": account["id"],
        "/v1/events/{id}": event["id"],
        "/v1/balance_transactions/{id}": refund["balance_transaction"],
    }


def put(values: Any, known: Mapping[str, str]) -> None:
    """Known things instead of invented ones, however deep."""
    if isinstance(values, dict):
        for name, value in values.items():
            if name in known and isinstance(value, str):
                values[name] = known[name]
            put(value, known)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_nothing_breaks_and_every_answer_is_as_documented(
    served: Served,
    known: Mapping[str, str],
    officer: str,
    line: requests.Session,
    mode: schemathesis.GenerationMode,
) -> None:
    schema = schemathesis.openapi.from_url(f"{served.url}/v1/openapi.json")
    statuses: Counter[int] = Counter()

    def try_out(operation: schemathesis.APIOperation) -> None:
        @EXAMPLES
        @given(case=operation.as_strategy(generation_mode=mode), knows=st.booleans())
        def one(case: schemathesis.Case, knows: bool) -> None:
            if knows:
                named = {"id": known[operation.path]} if operation.path in known else {}
                put(case.path_parameters, {**known, **named})
                put(case.query, known)
                put(case.body, known)
            secret = officer if operation.path.startswith("/v1/custody/") else served.shop.secret
            response = case.call(headers={"Authorization": f"Bearer {secret}"}, session=line)
            too_long = len(str(response.request.url)) > HttpSettings().header_max_bytes
            if too_long and response.status_code == 400 and "text/plain" in str(response.headers):
                return  # said by the protocol itself, before there is a request
            statuses[response.status_code] += 1
            case.validate_response(response, excluded_checks=BEYOND_SCHEMAS)

        one()

    results: list[Any] = list(schema.get_all_operations())
    operations = [result.ok() for result in results]
    for operation in operations:
        try:
            try_out(operation)
        except Unsatisfiable:
            assert mode is schemathesis.GenerationMode.NEGATIVE  # nothing can be wrong about it
    assert len(operations) > 20
    assert statuses[200] > 60 or mode is schemathesis.GenerationMode.NEGATIVE
    assert statuses[400] > 60 or mode is schemathesis.GenerationMode.POSITIVE
    assert not [status for status in statuses if status >= 500]
