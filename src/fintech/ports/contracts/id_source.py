"""The promise of `IdSource`, for every adapter's tests."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from fintech.domain.ids import (
    ApiKeyId,
    ChangesetId,
    Id,
    MerchantId,
    PaymentId,
    PaymentMethodId,
    RefundId,
    SettlementId,
)
from fintech.ports.id_source import IdSource

MANY = 20_000


class IdSourceContract:
    """Subclass it and provide the fixture ``ids``."""

    @pytest.mark.parametrize(
        "kind", [ApiKeyId, ChangesetId, MerchantId, PaymentId, PaymentMethodId, RefundId, SettlementId]
    )
    def test_it_is_an_id_of_its_kind(self, ids: IdSource, kind: type[Id]) -> None:
        id = ids.new(kind)
        assert type(id) is kind
        assert kind.parse(id) == id

    def test_nobody_has_had_it(self, ids: IdSource) -> None:
        assert len({ids.new(PaymentId) for _ in range(MANY)}) == MANY

    def test_the_body_is_nobodys_either(self, ids: IdSource) -> None:
        bodies = {ids.new(kind).body for kind in (PaymentId, RefundId, ChangesetId) for _ in range(1_000)}
        assert len(bodies) == 3_000

    def test_threads_share_no_id(self, ids: IdSource) -> None:
        def take(_: int) -> list[PaymentId]:
            return [ids.new(PaymentId) for _ in range(2_000)]

        with ThreadPoolExecutor(4) as threads:
            taken = [id for some in threads.map(take, range(4)) for id in some]
        assert len(set(taken)) == len(taken)

    def test_it_sorts_by_the_time_of_its_making(self, ids: IdSource) -> None:
        made = []
        for _ in range(20):
            made.append(ids.new(PaymentId))
            time.sleep(0.002)
        assert made == sorted(made)

    def test_a_secret_is_letters_and_digits_and_nobodys(self, ids: IdSource) -> None:
        secrets = {ids.secret() for _ in range(1_000)}
        assert len(secrets) == 1_000
        # 128 bits take 22 characters of the 62 letters and digits at least.
        assert all(len(secret) >= 22 and secret.isascii() and secret.isalnum() for secret in secrets)
