"""Ids of the machine's clock and randomness keep the promise of `IdSource`, in every process."""

import os
import time

from fintech.adapters.system.id_source import RandomIdSource, time_prefix
from fintech.domain.ids import PaymentId
from fintech.ports.contracts.id_source import IdSourceContract


class TestRandomIdSource(IdSourceContract):
    def test_it_begins_with_the_time(self, ids: RandomIdSource) -> None:
        before = time_prefix(time.time_ns() // 1_000_000)
        body = ids.new(PaymentId).body
        assert before <= body[:10] <= time_prefix(time.time_ns() // 1_000_000)

    def test_a_child_has_ids_of_its_own(self, ids: RandomIdSource) -> None:
        ids.new(PaymentId)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, "".join(ids.new(PaymentId).body[10:] for _ in range(20)).encode())
            os._exit(0)
        os.waitpid(child, 0)
        theirs = os.read(reading, 4096).decode()
        os.close(reading)
        os.close(writing)
        ours = [ids.new(PaymentId).body[10:] for _ in range(20)]
        assert len(theirs) == 20 * 14
        assert not any(body in theirs for body in ours)

    def test_it_stays_in_order_when_the_machines_clock_is_set_back(
        self, ids: RandomIdSource, monkeypatch
    ) -> None:
        before = ids.new(PaymentId)
        monkeypatch.setattr(time, "time_ns", lambda: 0)
        assert ids.new(PaymentId).body[:10] == before.body[:10]
