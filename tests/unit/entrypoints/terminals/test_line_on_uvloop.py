"""Lines on the loop that a service runs on, whose transports and moments are other ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvloop

from tests.unit.entrypoints.terminals import test_line as lines
from tests.unit.entrypoints.terminals.driving import open_counter

ALONE: list[Callable[[], Awaitable[None]]] = [
    lines.test_a_frame_that_is_not_complete_in_time_closes_the_line,
    lines.test_a_frame_that_trickles_has_no_more_time_than_any,
    lines.test_a_line_that_says_nothing_is_closed,
    lines.test_a_line_that_does_not_listen_is_not_read_any_more,
    lines.test_too_many_lines_are_turned_away,
    lines.test_beyond_the_limit_a_purchase_is_refused_and_a_fact_comes_again,
    lines.test_a_gateway_that_stops_answers_what_it_has_and_closes,
    lines.test_when_the_time_is_over_what_is_left_is_cut_off,
]
AT_A_COUNTER: list[Callable[..., Awaitable[None]]] = [
    lines.test_what_was_asked_before_the_garbage_is_answered_first,
    lines.test_many_at_once_are_answered_each,
    lines.test_figures_count_messages_by_type_and_answer,
]


def run(work: Awaitable[None]) -> None:
    async def awaited() -> None:
        await work

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(awaited())


@pytest.mark.parametrize("body", ALONE, ids=lambda body: body.__name__)
def test_alone(body: Callable[[], Awaitable[None]]) -> None:
    run(body())


@pytest.mark.parametrize("body", AT_A_COUNTER, ids=lambda body: body.__name__)
def test_at_a_counter(body: Callable[..., Awaitable[None]]) -> None:
    async def at_counter() -> None:
        async with open_counter() as opened, opened.line() as hand:
            await body(opened, hand)

    run(at_counter())


def test_an_end_that_says_no_more_but_listens_hears_its_answer() -> None:
    async def half_open() -> None:
        async with open_counter() as opened, opened.line() as hand:
            body: Any = lines.test_an_end_that_says_no_more_but_listens_hears_its_answer
            await body(hand)

    run(half_open())
