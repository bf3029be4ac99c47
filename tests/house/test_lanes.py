"""Lanes divide over workers: what shares a server stays together, and what is counted adds up."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.figures import FiguresPlugin
from tests.lanes import group_of


def a_test(nodeid: str, *fixtures: str) -> Any:
    return SimpleNamespace(nodeid=nodeid, fixturenames=fixtures)


@pytest.mark.parametrize(
    ("test", "group"),
    [
        (a_test("tests/a.py::test_it", "system"), None),
        (a_test("tests/a.py::test_it", "system", "idle_system"), "idle_system"),
        (a_test("tests/a.py::test_it[1]", "temporal_server"), "temporal_server of tests/a.py"),
        (a_test("tests/b.py::test_it", "idle_system", "temporal_server"), "temporal_server of tests/b.py"),
    ],
)
def test_what_shares_a_costly_server_is_one_group(test: Any, group: str | None) -> None:
    assert group_of(test) == group


def test_what_workers_count_adds_up_in_the_summary() -> None:
    summary: Any = FiguresPlugin(SimpleNamespace())  # type: ignore[arg-type]
    for pages in (2, 3):
        worker: Any = FiguresPlugin(SimpleNamespace(workeroutput={}))  # type: ignore[arg-type]
        worker.figures.of("every page")["pages"] += pages
        worker.figures.of("every page")["violations"] += 0
        worker.figures.left_out["a lane"] = "nothing to run it with"
        worker.pytest_sessionfinish()
        summary.pytest_testnodedown(SimpleNamespace(workeroutput=worker._handed_over))

    summary.pytest_testnodedown(SimpleNamespace())

    assert summary.figures.counts == {"every page": {"pages": 5, "violations": 0}}
    assert summary.figures.left_out == {"a lane": "nothing to run it with"}
