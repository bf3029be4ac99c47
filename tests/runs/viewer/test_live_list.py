"""The part of the list that is asked for again and again, its numbers, and what it says of them."""

import re

import pytest
from sqlalchemy import event, text

from models.access import Role
from models.base import utc_now
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from services.engine.port import QueueView
from services.runs.service import OperationRunService
from tests.world import RESTORE, World

TAB = re.compile(r"</svg>([^<]+?) <span class=\"number\">([^<]+)</span>")


def numbers(page: str) -> dict[str, str]:
    """Return the numbers that are not nought."""
    return {word: number for word, number in TAB.findall(page) if number != "0"}


def test_the_fragment_is_a_part_of_the_page(world: World) -> None:
    world.queued()
    browser = world.browser(Role.OPERATOR)

    fragment = browser.read("/operations/fragment?status=queued").strip()

    assert fragment in browser.read("/operations?status=queued")
    assert "<html" not in fragment


def test_the_fragment_is_304_until_something_changes(world: World) -> None:
    run = world.queued()
    browser = world.browser(Role.READER)
    etag = browser.get("/operations/fragment").headers["ETag"]

    unchanged = browser.get("/operations/fragment", **{"If-None-Match": etag})
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    changed = browser.get("/operations/fragment", **{"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert changed.status_code == 200


def test_every_state_has_its_number_under_the_other_filters(world: World) -> None:
    for ref in "ab":
        world.settle(world.running(ref=ref), Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.running(ref="c")
    world.queued(environment=world.add_environment("Order portal"))
    browser = world.browser(Role.READER)

    assert numbers(browser.read("/operations")) == {"Queued": "1", "Running": "1", "Failed": "2"}
    assert numbers(browser.read("/operations?outcome=failed")) == {
        "Queued": "1",
        "Running": "1",
        "Failed": "2",
    }
    assert numbers(browser.read("/operations?environment=order-portal")) == {"Queued": "1"}
    assert numbers(browser.read(f"/operations?type={RESTORE}")) == {}


def test_numbers_beyond_the_bound_are_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runs.search.counts.BOUND", 2)
    monkeypatch.setattr("web.runs.run_list.BOUND", 2)
    browser = world.browser(Role.READER)
    for ref in "ab":
        world.queued(ref=ref)
    assert numbers(browser.read("/operations")) == {"Queued": "2"}

    world.queued(ref="c")
    world.queued(ref="d")

    assert numbers(browser.read("/operations")) == {"Queued": "2+"}


def test_numbers_that_cannot_be_read_are_left_out_and_not_nought(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.queued()

    def slow(session: object, scans: object) -> None:
        del scans
        session.execute(text("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)"))  # type: ignore[attr-defined]

    monkeypatch.setattr("web.runs.run_list.count_standings", slow)

    page = world.browser(Role.READER).read("/operations")

    assert "The numbers could not be read just now." in page
    assert 'class="number"' not in page
    assert f'id="run-{run.id}"' in page


def test_a_queued_run_that_waits_is_marked_in_the_list_with_why(world: World) -> None:
    run = world.queued()
    with world.database.transaction() as session:
        OperationRunService(session).record_dispatched(run.id, run.created_at)
    world.engine.queue_view = QueueView(pollers=0, last_polled_at=None, backlog=3, oldest_waits=70.0)

    page = world.browser(Role.READER).read("/operations")

    assert "No worker is known to have asked for work in the last minutes." in page


def test_a_run_that_was_asked_for_just_now_is_not_marked(world: World) -> None:
    world.now = utc_now()
    world.queued()

    assert "stale" not in world.browser(Role.READER).read("/operations")


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("created_to=2026-11-17", True),
        ("created_to=2026-11-16", False),
        ("created_after=2026-11-17&created_to=2026-11-17", True),
        # Half past nine in UTC is 23:30 fourteen hours ahead, and 22:30 the day before in Samoa.
        ("created_to=2026-11-16&zone=Pacific/Pago_Pago", True),
        ("created_after=2026-11-17&zone=Pacific/Pago_Pago", False),
        ("created_to=2026-11-17&zone=Pacific/Kiritimati", True),
        ("created_after=2026-11-17&zone=Not/A-Zone", True),
    ],
)
def test_days_are_whole_and_those_of_the_reader(world: World, query: str, is_found: bool) -> None:  # noqa: FBT001
    run = world.queued()

    page = world.browser(Role.READER).read(f"/operations?{query}")

    assert (f'id="run-{run.id}"' in page) is is_found


def test_what_one_asked_for_oneself_is_one_link_away(world: World) -> None:
    page = world.browser(Role.READER).read("/operations")

    assert re.search(r'href="/operations\?initiator=reader-\w+@contoso.example">Asked for by me</a>', page)


@pytest.mark.parametrize("path", ["/operations?", "/operations/fragment?"])
@pytest.mark.parametrize("query", ["", "outcome=failed", "environment=windows-devices", "q=ada"])
def test_ten_and_two_hundred_runs_take_the_same_number_of_queries(
    world: World, path: str, query: str
) -> None:
    browser = world.browser(Role.OPERATOR)
    counted: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    taken = []
    for number in (10, 190):
        for _ in range(number // 2):
            world.queued(ref=f"v{world.now.timestamp()}")
            world.running(ref=f"v{world.now.timestamp()}")
        counted.clear()
        browser.read(path + query)
        taken.append(len(counted))

    assert taken[0] == taken[1]
