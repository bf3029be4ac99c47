"""What a plan does, counted without reading it where the counts are kept."""

from models.restore import PlannedChange, RestorePlan
from services.restores.planned_items import PlannedItems, count

CHANGES = [
    {"path": str(number), "change": change}
    for number, change in enumerate([*PlannedChange, PlannedChange.UPDATE])
]


def unread() -> list[dict[str, str]]:
    raise AssertionError("read for nothing")


def test_counts_are_the_same_kept_or_not() -> None:
    kept = PlannedItems(RestorePlan(counts=count(CHANGES)), unread)
    counted = PlannedItems(RestorePlan(counts=None), lambda: CHANGES)
    assert kept.counts == counted.counts == dict.fromkeys(PlannedChange, 1) | {"update": 2}
    assert (kept.writes, kept.refuses) == (counted.writes, counted.refuses) == (4, 1)
