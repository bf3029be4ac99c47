"""The part of the list that is asked for again and again, its numbers, and what it says of them."""

import re
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from models.access import Role
from models.base import utc_now
from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode
from services.engine.port import TaskLine
from services.runs.service import OperationRunService
from services.runs.waiting.queue_status import waiting_reason
from tests.fake_engine import IDLE
from tests.page import Part
from tests.runs.viewer.test_saved_views import names_for_everybody
from tests.world import RESTORE, World
from web.runs import run_list
from web.ui.states import OF_RUN

QUEUED, RUNNING, FAILED = (OF_RUN[each].word for each in (Status.QUEUED, Status.RUNNING, Outcome.FAILED))


def numbers(page: Part) -> dict[str, str]:
    """Return the numbers that are not nought, by the word of their tab."""
    tabs = [(tab, tab.one(".number").text) for tab in page.all(".standings > a:has(.number)")]
    return {tab.text.removesuffix(f" {number}"): number for tab, number in tabs if number != "0"}


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

    assert numbers(browser.page("/operations")) == {QUEUED: "1", RUNNING: "1", FAILED: "2"}
    assert numbers(browser.page("/operations?outcome=failed")) == {QUEUED: "1", RUNNING: "1", FAILED: "2"}
    assert numbers(browser.page("/operations?environment=order-portal")) == {QUEUED: "1"}
    assert numbers(browser.page(f"/operations?type={RESTORE}")) == {}


def test_numbers_beyond_the_bound_are_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.runs.search.counts.BOUND", 2)
    monkeypatch.setattr("web.runs.run_list.BOUND", 2)
    browser = world.browser(Role.READER)
    for ref in "ab":
        world.queued(ref=ref)
    assert numbers(browser.page("/operations")) == {QUEUED: "2"}

    world.queued(ref="c")
    world.queued(ref="d")

    assert numbers(browser.page("/operations")) == {QUEUED: "2+"}


def test_numbers_that_cannot_be_read_are_left_out_and_not_nought(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = world.queued()

    def slow(session: object, scans: object) -> None:
        del scans
        session.execute(text("SET LOCAL statement_timeout = 20; SELECT pg_sleep(5)"))  # type: ignore[attr-defined]

    monkeypatch.setattr("web.runs.run_list.count_standings", slow)

    page = world.browser(Role.READER).page("/operations")

    assert page.says("uncounted") == run_list._FAILED
    assert not page.has(".number")
    assert page.has(f"#run-{run.id}")


def test_a_queued_run_that_waits_is_marked_in_the_list_with_why(world: World) -> None:
    run = world.queued()
    with world.database.transaction() as session:
        OperationRunService(session).record_dispatched(run.id, run.created_at)
    world.engine.queue_view = replace(
        IDLE, workflow_tasks=TaskLine(last_polled_at=None, backlog=3, oldest_waits=70.0)
    )

    page = world.browser(Role.READER).page("/operations")

    waiting = waiting_reason(world.run(run.id), world.engine.queue_view, utc_now())
    assert waiting.code == "no_worker"
    assert page.one(f"#run-{run.id} .stale").text == waiting.sentence


def test_a_run_that_was_asked_for_just_now_is_not_marked(world: World) -> None:
    world.now = utc_now()
    world.queued()

    assert not world.browser(Role.READER).page("/operations").has(".stale")


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

    page = world.browser(Role.READER).page(f"/operations?{query}")

    assert page.has(f"#run-{run.id}") is is_found


def test_what_one_asked_for_oneself_is_one_link_away(world: World) -> None:
    everything, mine = world.browser(Role.READER).page("/operations").all(".views > a")

    assert everything["href"] == "/operations"
    assert re.fullmatch(r"/operations\?initiator=reader-\w+@contoso\.example", mine["href"])
    assert [everything.text, mine.text] == names_for_everybody(world)


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
