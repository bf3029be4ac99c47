"""Where a test runs: its lane, by the servers that it needs, and with `-n` which tests share a worker."""

from typing import Final

import pytest

LANES: Final = ("unit", "pgsql", "pooler", "feature", "browser", "faults", "topology")

# What a test asks for decides its lane: the first that holds.
_BY_FIXTURE: Final = (
    ("browser", frozenset({"chromium"})),
    ("pooler", frozenset({"pooler"})),
    ("feature", frozenset({"system", "idle_system", "temporal_server", "remote"})),
    ("pgsql", frozenset({"postgres_url"})),
)
# Fixtures that cost seconds and few tests ask for: those tests share one worker, so that only one pays.
_SHARED_BY_SESSION: Final = ("composed", "idle_system")
_SHARED_BY_MODULE: Final = ("temporal_server", "traced", "planted")


def lane_of(item: pytest.Item) -> str:
    """Return the lane of a test: as its module marks it, else by the servers that its fixtures start."""
    marked = [lane for lane in LANES if item.get_closest_marker(lane)]
    if marked:
        return marked[0]
    fixtures = _fixtures_of(item)
    return next((lane for lane, asked in _BY_FIXTURE if asked & fixtures), "unit")


def group_of(item: pytest.Item) -> str | None:
    """Return the group that `--dist loadgroup` keeps in one worker; None for a test that runs in any."""
    fixtures = _fixtures_of(item)
    module = item.nodeid.partition("::")[0]
    by_module = (f"{fixture} of {module}" for fixture in _SHARED_BY_MODULE if fixture in fixtures)
    by_session = (fixture for fixture in _SHARED_BY_SESSION if fixture in fixtures)
    return next(by_module, None) or next(by_session, None)


def _fixtures_of(item: pytest.Item) -> frozenset[str]:
    return frozenset(getattr(item, "fixturenames", ()))
