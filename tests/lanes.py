from typing import Final

import pytest

LANES: Final = ("unit", "pgsql", "feature", "browser", "faults", "topology")

# What a test asks for decides its lane: the first that holds.
_BY_FIXTURE: Final = (
    ("browser", frozenset({"chromium"})),
    ("feature", frozenset({"system", "idle_system", "temporal_world", "remote"})),
    ("pgsql", frozenset({"postgres_url"})),
)


def lane_of(item: pytest.Item) -> str:
    """Return the lane of a test: as its module marks it, else by the servers that its fixtures start."""
    marked = [lane for lane in LANES if item.get_closest_marker(lane)]
    if marked:
        return marked[0]
    fixtures = frozenset(getattr(item, "fixturenames", ()))
    return next((lane for lane, asked in _BY_FIXTURE if asked & fixtures), "unit")
