import sqlite3
from collections import Counter
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as NoConnection

from services.database.pool import PoolFigure, WatchedPool


@pytest.fixture
def pool() -> WatchedPool:
    def connect() -> Any:
        return sqlite3.connect(":memory:")

    return WatchedPool(connect, pool_size=1, max_overflow=1, timeout=0.01)


@pytest.fixture
def figures(pool: WatchedPool) -> Counter[PoolFigure]:
    counted = Counter[PoolFigure]()
    pool.watch(lambda figure, change: counted.update({figure: change}))
    return counted


def test_it_tells_of_connections_as_they_come_and_go(pool: WatchedPool, figures: Counter[PoolFigure]) -> None:
    first, second = pool.connect(), pool.connect()
    assert (figures[PoolFigure.OPEN], figures[PoolFigure.IN_USE], figures[PoolFigure.LIMIT]) == (2, 2, 2)
    first.close()
    # One more than the pool keeps.
    second.close()
    assert (figures[PoolFigure.OPEN], figures[PoolFigure.IN_USE]) == (1, 0)
    pool.dispose()
    assert figures[PoolFigure.OPEN] == 0


def test_a_connection_that_was_never_lent_is_not_taken_back() -> None:
    answers = [sqlite3.connect(":memory:")]

    def connect() -> Any:
        return answers.pop()

    pool = WatchedPool(connect, pool_size=1)
    figures = Counter[PoolFigure]()
    pool.watch(lambda figure, change: figures.update({figure: change}))
    broken = pool.connect()
    broken.invalidate()
    broken.close()
    with pytest.raises(IndexError):
        pool.connect()
    assert (figures[PoolFigure.OPEN], figures[PoolFigure.IN_USE]) == (0, 0)
    answers.append(sqlite3.connect(":memory:"))
    lent = pool.connect()
    assert (figures[PoolFigure.OPEN], figures[PoolFigure.IN_USE]) == (1, 1)
    lent.close()
    pool.dispose()


def test_it_tells_of_those_who_wait(pool: WatchedPool) -> None:
    told: list[tuple[PoolFigure, int]] = []
    pool.watch(lambda *change: told.append(change))
    held = [pool.connect(), pool.connect()]
    told.clear()
    with pytest.raises(NoConnection):
        pool.connect()
    assert told == [(PoolFigure.WAITED_FOR, 1), (PoolFigure.WAITED_FOR, -1)]
    for connection in held:
        connection.close()
    pool.dispose()
