from datetime import timedelta

import pytest

from web.ui.times import coarse, duration_between


@pytest.mark.parametrize(
    ("shortest", "longest", "words"),
    [
        (20, 40, "20–40 s"),  # noqa: RUF001 - a range is written with an en dash
        (0.8, 1.24, "0.8–1.2 s"),  # noqa: RUF001 - a range is written with an en dash
        (20.1, 20.3, "about 20 s"),
        (120, 700, "2–12 min"),  # noqa: RUF001 - a range is written with an en dash
        (7200, 36000, "2–10 h"),  # noqa: RUF001 - a range is written with an en dash
    ],
)
def test_a_range_is_told_in_one_unit(shortest: float, longest: float, words: str) -> None:
    assert duration_between(timedelta(seconds=shortest), timedelta(seconds=longest)) == words


@pytest.mark.parametrize(("seconds", "words"), [(-3, "0 s"), (34, "34 s"), (180, "3 min"), (90000, "25 h")])
def test_a_length_is_told_coarsely(seconds: float, words: str) -> None:
    assert coarse(timedelta(seconds=seconds)) == words
