from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import TooManyRequests
from web.rate_limits import Buckets, Limit

LIMIT = Limit(per_minute=600, burst=5)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_it_lets_a_burst_through_and_not_one_more() -> None:
    buckets = Buckets(LIMIT, clock=Clock())
    assert [buckets.take("a").remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    with pytest.raises(TooManyRequests) as refused:
        buckets.take("a")
    assert refused.value.retry_after >= timedelta(seconds=0.1)
    assert buckets.take("b").remaining == 4


def test_a_refused_request_costs_nothing_and_each_comes_back_in_its_time() -> None:
    clock = Clock()
    buckets = Buckets(LIMIT, clock=clock)
    for _ in range(5):
        buckets.take("a")
    for _ in range(3):
        with pytest.raises(TooManyRequests):
            buckets.take("a")
    clock.now += 0.1001
    assert buckets.take("a").remaining == 0
    clock.now += 10
    assert buckets.take("a").remaining == 4


def test_what_is_given_back_can_be_taken_again() -> None:
    buckets = Buckets(LIMIT, clock=Clock())
    for _ in range(20):
        buckets.take("a")
        buckets.give_back("a")
    assert buckets.standing("a").remaining == 5


def test_it_forgets_who_is_full_again() -> None:
    clock = Clock()
    buckets = Buckets(LIMIT, clock=clock)
    for number in range(10_001):
        buckets.take(str(number))
        clock.now += 0.001
    assert not buckets.knows("0")
    assert buckets.knows("10000")


@given(st.lists(st.floats(min_value=0, max_value=3), max_size=200))
def test_it_never_lets_more_through_than_the_burst_and_the_rate(pauses: list[float]) -> None:
    clock = Clock()
    buckets = Buckets(LIMIT, clock=clock)
    taken = 0
    for pause in pauses:
        clock.now += pause
        try:
            buckets.take("a")
        except TooManyRequests:
            continue
        taken += 1
    assert taken <= LIMIT.burst + sum(pauses) / LIMIT.interval + 1
