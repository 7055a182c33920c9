"""How many requests are made at the same time, without a clock or an endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radprompter.backends.pace import Window


def round_trip(window: Window) -> int:
    """As many answers as there were places; the limit after them."""
    ticket = window.ticket
    for _ in range(window.limit):
        window.answered(ticket)
    return window.limit


@pytest.mark.parametrize(("most", "fallen"), [(1, 1), (2, 1), (32, 24), (256, 192), (1024, 768)])
def test_a_limit_falls_once_however_many_requests_of_one_round_trip_fail(most: int, fallen: int) -> None:
    window = Window(most)
    tickets = [window.ticket] * most
    for ticket in tickets:
        window.congested(ticket)
    assert window.limit == fallen


def test_a_request_that_began_after_a_fall_makes_it_fall_again() -> None:
    window = Window(100)
    early = window.ticket
    window.congested(early)
    late = window.ticket
    window.congested(early)
    assert window.limit == 75
    window.congested(late)
    assert window.limit == 56


def test_answers_to_requests_from_before_a_fall_do_not_raise_it() -> None:
    window = Window(64)
    early = window.ticket
    window.congested(early)
    for _ in range(1000):
        window.answered(early)
    assert window.limit == 48


@pytest.mark.parametrize(("most", "limits"), [(32, [25, 26, 27, 28]), (256, [199, 207, 215, 223])])
def test_it_rises_by_a_step_in_each_round_trip(most: int, limits: list[int]) -> None:
    window = Window(most)
    window.congested(window.ticket)
    risen = [round_trip(window) for _ in limits]
    assert risen == pytest.approx(limits, abs=1)


@pytest.mark.parametrize("most", [1, 8, 32, 256, 1024])
def test_what_one_fall_took_is_back_within_nine_round_trips_and_never_more_than_the_most(most: int) -> None:
    window = Window(most)
    window.congested(window.ticket)
    assert [round_trip(window) for _ in range(9)][-1] == most
    assert round_trip(window) == most


@pytest.mark.parametrize(
    ("most", "limits"),
    [(1, [1, 1, 1]), (8, [1, 2, 4, 6, 7]), (64, [6, 12, 24, 48, 50]), (256, [24, 48, 96, 192, 200])],
)
def test_after_a_pause_it_begins_with_few_and_doubles_up_to_three_quarters(most: int, limits: list[int]) -> None:
    window = Window(most)
    window.paused(window.ticket)
    assert [window.limit, *(round_trip(window) for _ in limits[1:])] == pytest.approx(limits, abs=1)


def test_a_pause_that_many_requests_are_told_of_counts_as_one() -> None:
    window = Window(64)
    tickets = [window.ticket] * 64
    for ticket in tickets:
        window.paused(ticket)
    assert [window.limit, *(round_trip(window) for _ in range(3))] == [6, 12, 24, 48]


def test_a_request_from_before_a_pause_does_not_raise_the_limit_after_it() -> None:
    window = Window(64)
    early = window.ticket
    window.paused(early)
    for _ in range(1000):
        window.answered(early)
    assert window.limit == 6


@given(st.integers(1, 4096), st.lists(st.sampled_from(["answered", "congested", "paused"]), max_size=300))
def test_a_limit_stays_between_one_and_the_most_whatever_happens(most: int, events: list[str]) -> None:
    window = Window(most)
    for event in events:
        getattr(window, event)(window.ticket)
        assert 1 <= window.limit <= most
