import pytest

from models.base import Json
from services.reports.settings import written_settings
from tests.review_documents import make_change


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ({"change": "changed", "before": 8, "after": "8"}, ("a", "8", '"8"')),
        ({"change": "added", "before": None, "after": "x"}, ("a", "not set", '"x"')),
        ({"change": "removed", "before": None, "after": None}, ("a", "null", "not set")),
        ({"change": "changed", "before": None, "after": False}, ("a", "null", "false")),
        ({"change": "moved", "before": [1, 2], "after": [2, 1]}, ("a (order)", "[1, 2]", "[2, 1]")),
        (
            {"change": "changed", "before": "ü" * 90, "after": {"b": 1, "a": 2}},
            ("a", f'"{"ü" * 48}…', '{"a": 2, "b": 1}'),
        ),
    ],
)
def test_it_tells_null_from_nothing_and_numbers_from_text(
    setting: Json, written: tuple[str, str, str]
) -> None:
    (found,) = written_settings(make_change(0, settings=[{"path": "a"} | setting]), length=50)
    assert (found.path, found.before, found.after) == written
