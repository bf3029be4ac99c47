import re
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import event

from models.access import Role
from models.base import utc_now
from models.lifecycle import Outcome, Status
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from services.engine.port import QueueView, TaskLine
from services.restores.planned_items import PlannedItems
from services.restores.results import record_result
from services.runs.service import OperationRunService
from services.runs.wording import CAUSES, ENDINGS, REASONS
from tests.factories import correlation_of
from tests.page import page_of
from tests.world import RESTORE, World
from web.runs import workflow_steps
from web.runs.receipt import SOURCES
from web.ui.states import OF_RUN
from web.ui.times import duration

RECEIPT = '[aria-labelledby="receipt"]'


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def _before_details(page: str) -> str:
    return page.split('<details id="technical-details"', maxsplit=1)[0]


def _lasting(page: str) -> str:
    """Leave out when things were checked, which no two answers have alike."""
    return re.sub(r'<time data-checked="\w+" datetime="[^"]+">[^<]+</time>', "", page).strip()


def test_it_says_how_an_active_run_stands_and_follows_it(world: World) -> None:
    run = world.running()

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert page.one(".headline")["data-code"] == Status.RUNNING
    assert page.one("#headline").text == ENDINGS[Status.RUNNING].title
    assert page.one("#run")["data-completed"] == "false"
    assert page.has(f'[data-follow="/operations/{run.id}/fragment"]')
    assert page.has("noscript")
    to_come = page.one(".steps > .to-come")
    assert to_come.one(".what").text == "Settled"
    assert to_come.has('.when > [data-says="not-yet"]')


def test_a_failure_is_calm_and_its_details_are_closed(world: World) -> None:
    run = world.running(ref="v9")
    world.fail(run, "ref_not_found", "fatal: couldn't find remote ref v9")
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="activity_failed")

    text = world.browser(Role.READER).read(f"/operations/{run.id}")

    page = page_of(text)
    assert page.one(".headline")["data-code"] == "ref_not_found"
    assert page.one("#headline").text == REASONS["ref_not_found"].title
    assert page.facts(".headline")["What to do"] == REASONS["ref_not_found"].next
    details = page.one("details#technical-details:not([open])")
    assert "fatal:" in details.text
    assert "fatal:" not in _before_details(text)
    assert str(run.id) in details.text
    assert "operation-run.v1" not in _before_details(text)
    assert details.has('a[href^="http://temporal.example/namespaces/default/workflows/operation-run.v1."]')


def test_the_time_line_tells_each_step_and_its_length(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.settle(run, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    steps = page.texts(".steps > li .what")
    assert steps == ["Requested", "Dispatched", "Started", "Settled", "Corrected"]
    at = [datetime.fromisoformat(time["datetime"]) for time in page.all(".steps > li time")]
    lengths = [duration(after - before) for before, after in pairwise(at)]
    assert len(lengths) == 4
    later = page.texts('.steps > li [data-says="later"]')
    assert all(text.startswith(f"{length} ") for text, length in zip(later, lengths, strict=True))
    endings = [step.one(".say") for step in page.all(".steps > li")[-2:]]
    assert [ending["data-says"] for ending in endings] == ["by-check", "by-check"]
    outcomes = [OF_RUN[Outcome.FAILED].word, OF_RUN[Outcome.ATTENTION_REQUIRED].word]
    assert [ending.text.partition(", ")[0] for ending in endings] == outcomes


def test_a_failure_is_four_lines(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    items = ["policies/a.json", "policies/<b>.json"]
    world.settle(run, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED, cause=None, changed_items=items)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert [*page.facts(".headline")] == ["What it means", "What was done", "What to do"]
    assert page.one("#headline").text == REASONS[ReasonCode.ENVIRONMENT_CHANGED].title
    assert page.one(".headline")["data-code"] == ReasonCode.ENVIRONMENT_CHANGED
    assert page.texts(".headline code.path") == items


def test_the_receipt_says_what_settled_it_and_on_which_evidence(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated", matching_reviews=0)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    receipt = page.facts(RECEIPT)
    assert receipt["Because"] == REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title
    assert receipt["Settled by"] == SOURCES["sweep"]
    states = page.texts(f"{RECEIPT} .change .state")
    assert states == [OF_RUN[Status.RUNNING].word, OF_RUN[Outcome.FAILED].word]
    assert receipt["How the work ended"] == CAUSES["terminated"].happened
    assert receipt["Reviews that match"] == "0"


def test_a_run_that_settled_itself_has_a_receipt_too(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).page(f"/operations/{review.run_id}")

    assert page.facts(RECEIPT)["Settled by"] == SOURCES["result"]
    assert "What was done" not in page.text


def test_a_correction_is_told_as_one(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    before = world.browser(Role.READER).page(f"/operations/{run.id}")
    related = Related(type="environment_review", id=world.review().id)
    world.settle(run, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, related)

    text = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert not before.has('[id^="correction-"]')
    assert "Corrected" not in before.text
    correction = page_of(text).one(".headline #correction-1").text
    read = [OF_RUN[Outcome.FAILED].word, OF_RUN[Outcome.SUCCEEDED].word]
    assert re.findall("“([^”]+)”", correction) == read
    assert text.index("correction-1") < text.index("What it means")


STORY: dict[str, Any] = {
    "workflow_id": "w",
    "run_id": "r",
    "status": "failed",
    "started_at": "2026-11-17T09:30:00+00:00",
    "closed_at": "2026-11-17T09:30:40+00:00",
    "cause": "activity_failed",
    "steps": [
        {
            "step": "collect_evidence",
            "summary": "Fetch it",
            "scheduled_at": "2026-11-17T09:30:00+00:00",
            "started_at": "2026-11-17T09:30:10+00:00",
            "ended_at": "2026-11-17T09:30:30+00:00",
            "attempts": 4,
            "result": "failed",
            "failure": "environment_unreachable: fatal: no <route> to host",
        },
        {
            "step": "a_later_step",
            "summary": None,
            "scheduled_at": "2026-11-17T09:30:30+00:00",
            "started_at": None,
            "ended_at": None,
            "attempts": None,
            "result": None,
            "failure": None,
        },
    ],
    "steps_left_out": 3,
    "events": 11,
}


def test_the_kept_history_is_a_picture_of_steps_with_their_attempts(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="activity_failed")
    world.keep_history(run, STORY)

    text = world.browser(Role.READER).read(f"/operations/{run.id}")

    page = page_of(text)
    work = page.one('[aria-labelledby="work"]')
    first, left_out, later = work.all("ol.work > li")
    assert first.one(".what").text == "Read the configuration"
    assert _numbers(first.one(".end").says("tried")) == ["4"]
    bars = {bar["class"]: [bar[name] for name in ("x", "y", "width", "height")] for bar in first.all("rect")}
    assert bars["waited"] == ["0.0", "0", "25.0", "6"]
    assert bars["worked"] == ["25.0", "0", "50.0", "6"]
    assert later.one(".what").text == "A later step"
    assert later.one(".state").text == workflow_steps.RESULTS[None].word
    assert left_out["data-says"] == "left-out"
    assert _numbers(left_out.text) == ["3"]
    assert workflow_steps.ENDINGS["failed"] in work.texts("p.say")
    assert "fatal:" not in _before_details(text)
    assert "no <route> to host" in page.one("#technical-details").text


@pytest.mark.parametrize(
    ("outcome", "reason", "label"),
    [
        (Outcome.SUCCEEDED, ReasonCode.REVIEW_COMPOSED, "Read the configuration and compose the review"),
        # There was a review, or another run was at it: this one's only step composed nothing.
        (Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, "Read the configuration"),
        (Outcome.BLOCKED, ReasonCode.ALREADY_IN_PROGRESS, "Read the configuration"),
    ],
)
def test_a_review_of_one_step_is_told_as_one(
    world: World, outcome: Outcome, reason: ReasonCode, label: str
) -> None:
    run = world.running()
    world.settle(run, outcome, reason)
    step = STORY["steps"][0] | {"result": "completed", "failure": None}
    world.keep_history(run, STORY | {"status": "completed", "steps": [step], "steps_left_out": 0})

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert page.texts("ol.work > li .what") == [label]


@pytest.mark.parametrize(
    ("kept", "note"), [(True, "No work is known of this operation"), (False, "were not kept")]
)
def test_a_history_that_is_not_there_is_told_as_such(world: World, kept: object, note: str) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    if kept:
        world.keep_history(run, None)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert note in page


def test_a_page_follows_a_run_that_has_just_ended_until_its_history_is_kept(world: World) -> None:
    run = world.running()
    world.now = utc_now()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    browser = world.browser(Role.READER)
    path = f"/operations/{run.id}/fragment"
    assert 'data-completed="false"' in browser.read(path)

    world.keep_history(run, STORY)

    assert 'data-completed="true"' in browser.read(path)


def test_the_console_link_says_where_the_engine_has_let_go_of_the_workflow(world: World) -> None:
    kept, gone = world.running(ref="a"), world.running(ref="b")
    world.engine.close(correlation_of(kept).workflow_id, "terminated")
    for run in (kept, gone):
        world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    browser = world.browser(Role.READER)
    note = "does not know this workflow any more"

    assert note not in browser.read(f"/operations/{kept.id}")
    assert note in browser.read(f"/operations/{gone.id}")
    world.services.engine_cache._looks.clear()
    world.engine.is_away = True
    assert note not in browser.read(f"/operations/{gone.id}")


@pytest.mark.parametrize(
    ("workers", "sentence"),
    [(0, "No worker is known"), (1, "more to do than"), (None, "could not be checked")],
)
def test_a_run_that_waits_says_why(world: World, workers: int | None, sentence: str) -> None:
    run = world.queued()
    with world.database.transaction() as session:
        OperationRunService(session).record_dispatched(run.id, run.created_at)
    world.engine.is_away = workers is None
    tasks = TaskLine(last_polled_at=utc_now() if workers else None, backlog=2, oldest_waits=70.0)
    world.engine.queue_view = QueueView(
        pollers=workers or 0, workflow_tasks=tasks, activities=replace(tasks, backlog=0)
    )
    browser = world.browser(Role.READER)

    page = browser.read(f"/operations/{run.id}")
    browser.read(f"/operations/{run.id}/fragment")

    assert sentence in page
    assert world.engine.looks == ["describe", "queue operation-runs"]


def test_the_sweeps_queue_tells_that_workers_whose_activities_are_taken_are_frozen(world: World) -> None:
    run = world.queued()
    with world.database.transaction() as session:
        OperationRunService(session).record_dispatched(run.id, run.created_at)
    polled = TaskLine(last_polled_at=utc_now() - timedelta(seconds=40))
    waits = replace(polled, backlog=6, oldest_waits=39.0)
    world.engine.queue_view = QueueView(pollers=1, workflow_tasks=polled, activities=waits)
    world.engine.sweep_view = QueueView(pollers=1, workflow_tasks=waits, activities=polled)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "It may be frozen" in page
    assert world.engine.looks == ["describe", "queue operation-runs", "queue operation-runs-sweep"]


def test_a_run_that_made_a_review_leads_to_it(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).page(f"/operations/{review.run_id}")

    assert page.one('.actions a.primary[data-opens="environment_review"]')["href"] == f"/reviews/{review.id}"


def test_what_reconciliation_found_goes_before_what_the_run_made(world: World) -> None:
    review = world.review()
    run = world.running()
    related = Related(type="environment_review", id=review.id)
    world.settle(run, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, related)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert page.one('.actions a.primary[data-opens="environment_review"]')["href"] == f"/reviews/{review.id}"


def test_a_restore_shows_what_was_put_back(world: World) -> None:
    plan = world.plan()
    run = world.running(RESTORE, restore_plan_id=str(plan.id))
    with world.database.transaction() as session:
        planned = PlannedItems(plan, lambda: plan.changes)
        counts = record_result(session, run, planned, "c0ffee" * 6 + "abcd", clock=world.clock)
        OperationRunService(session, clock=world.clock).succeed(
            correlation_of(run), reason_code=ReasonCode.RESTORE_APPLIED, summary_counts=counts
        )

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert "1 written" in page.texts("#result .numbers li")
    assert page.has(f'a[href="/operations/{run.id}#result"]')
    assert page.has(f'a[href="/restore-plans/{plan.id}"]')


def test_the_fragment_is_a_part_of_the_page(world: World) -> None:
    run = world.running()
    browser = world.browser(Role.READER)

    fragment, page = (browser.read(f"/operations/{run.id}{part}") for part in ("/fragment", ""))

    assert _lasting(fragment) in _lasting(page)
    assert "<html" not in fragment


def test_the_fragment_is_304_until_something_changes(world: World) -> None:
    run = world.running()
    browser = world.browser(Role.READER)
    path = f"/operations/{run.id}/fragment"
    etag = browser.get(path).headers["ETag"]

    unchanged = browser.get(path, **{"If-None-Match": etag})
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    changed = browser.get(path, **{"If-None-Match": etag})

    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert changed.status_code == 200
    assert 'data-completed="true"' in changed.text


def test_what_people_and_programs_typed_is_only_text(world: World) -> None:
    run = world.running(ref="<script>alert(1)</script>", by="<b>ada</b>")
    world.fail(run, "unexpected_error", "</pre><script>alert(2)</script>")

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "<script>alert" not in page
    assert "<b>ada" not in page


@pytest.mark.parametrize("steps", [1, 4])
def test_a_page_takes_a_fixed_number_of_queries(world: World, steps: int) -> None:
    run = world.running()
    for reason in [ReasonCode.REVIEW_NOT_COMPOSED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS] * (steps // 2):
        world.settle(run, Outcome.FAILED, reason)
    browser = world.browser(Role.READER)
    counted: list[str] = []
    event.listen(world.database.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))

    browser.read(f"/operations/{run.id}")

    assert len(counted) == 14
