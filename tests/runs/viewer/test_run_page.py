import re
from typing import Any

import pytest
from sqlalchemy import event

from models.access import Role
from models.base import utc_now
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from services.engine.port import QueueView
from services.restores.planned_items import PlannedItems
from services.restores.results import record_result
from services.runs.service import OperationRunService
from tests.factories import correlation_of
from tests.world import RESTORE, World


def _before_details(page: str) -> str:
    return page.split('<details id="technical-details"', maxsplit=1)[0]


def _lasting(page: str) -> str:
    """Leave out when things were checked, which no two answers have alike."""
    return re.sub(r'<time data-checked="\w+" datetime="[^"]+">[^<]+</time>', "", page).strip()


def test_it_says_how_an_active_run_stands_and_follows_it(world: World) -> None:
    run = world.running()

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "Under way." in page
    assert 'data-completed="false"' in page
    assert f'data-follow="/operations/{run.id}/fragment"' in page
    assert "<noscript>" in page
    assert "not yet" in page


def test_a_failure_is_calm_and_its_details_are_closed(world: World) -> None:
    run = world.running(ref="v9")
    world.fail(run, "ref_not_found", "fatal: couldn't find remote ref v9")
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="activity_failed")

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "The version to work from does not exist." in page
    assert "What to do" in page
    assert "fatal:" in page
    assert "fatal:" not in _before_details(page)
    assert str(run.id) in page
    assert "operation-run.v1" not in _before_details(page)
    assert '<details id="technical-details" open' not in page
    assert "http://temporal.example/namespaces/default/workflows/operation-run.v1." in page


def test_the_time_line_tells_each_step_and_its_length(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.settle(run, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    steps = re.findall(r'<span class="what">(\w+)</span>', page)
    assert steps == ["Requested", "Dispatched", "Started", "Settled", "Corrected"]
    assert page.count("s later</span>") == 4
    assert "Needs attention, found by the regular check" in page


def test_a_failure_is_four_lines(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    items = ["policies/a.json", "policies/<b>.json"]
    world.settle(run, Outcome.BLOCKED, ReasonCode.ENVIRONMENT_CHANGED, cause=None, changed_items=items)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert re.findall(r"<dt>(What [\w ]+)</dt>", page) == ["What it means", "What was done", "What to do"]
    assert "The restore was held back, because the environment changed." in page
    assert '<code class="path">policies/a.json</code>' in page
    assert "policies/&lt;b&gt;.json" in page


def test_the_receipt_says_what_settled_it_and_on_which_evidence(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated", matching_reviews=0)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    receipt = page.split('<h2 id="receipt">')[1].split("</section>")[0]
    assert "No review was made." in receipt
    assert "The regular check" in receipt
    assert re.search(r"Running.*→.*Failed", receipt, re.DOTALL)
    assert "Somebody stopped the work from outside" in receipt
    assert "<dt>Reviews that match</dt><dd>0</dd>" in receipt


def test_a_run_that_settled_itself_has_a_receipt_too(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).read(f"/operations/{review.run_id}")

    assert "The operation itself, together with its result" in page
    assert "What was done" not in page


def test_a_correction_is_told_as_one(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    before = world.browser(Role.READER).read(f"/operations/{run.id}")
    related = Related(type="environment_review", id=world.review().id)
    world.settle(run, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, related)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "Corrected" not in before
    assert "this first read “Failed”, and reads “Succeeded” since." in page
    assert page.index("this first read") < page.index("What it means")


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

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    work = page.split('<h2 id="work">')[1].split("</section>")[0]
    assert "Read the configuration" in work
    assert "tried 4 times" in work
    assert '<rect class="waited" x="0.0" y="0" width="25.0" height="6"/>' in work
    assert '<rect class="worked" x="25.0" y="0" width="50.0" height="6"/>' in work
    assert "A later step" in work
    assert "Not finished" in work
    assert "3 more steps are not shown." in work
    assert "The work ended before all of it was done." in work
    assert "fatal:" not in _before_details(page)
    assert "no &lt;route&gt; to host" in page


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

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert f'class="what">{label}<' in page


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
    world.engine.queue_view = QueueView(
        pollers=workers or 0, last_polled_at=utc_now() if workers else None, backlog=2, oldest_waits=70.0
    )
    browser = world.browser(Role.READER)

    page = browser.read(f"/operations/{run.id}")
    browser.read(f"/operations/{run.id}/fragment")

    assert sentence in page
    assert world.engine.looks == ["describe", "queue operation-runs"]


def test_a_run_that_made_a_review_leads_to_it(world: World) -> None:
    review = world.review()

    page = world.browser(Role.READER).read(f"/operations/{review.run_id}")

    assert f'href="/reviews/{review.id}">Open the review' in page


def test_what_reconciliation_found_goes_before_what_the_run_made(world: World) -> None:
    review = world.review()
    run = world.running()
    related = Related(type="environment_review", id=review.id)
    world.settle(run, Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, related)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert f'href="/reviews/{review.id}">Open the review' in page


def test_a_restore_shows_what_was_put_back(world: World) -> None:
    plan = world.plan()
    run = world.running(RESTORE, restore_plan_id=str(plan.id))
    with world.database.transaction() as session:
        planned = PlannedItems(plan, lambda: plan.changes)
        counts = record_result(session, run, planned, "c0ffee" * 6 + "abcd", clock=world.clock)
        OperationRunService(session, clock=world.clock).succeed(
            correlation_of(run), reason_code=ReasonCode.RESTORE_APPLIED, summary_counts=counts
        )

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "<strong>1</strong> written" in page
    assert f'href="/operations/{run.id}#result"' in page
    assert f'href="/restore-plans/{plan.id}"' in page


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

    assert len(counted) == 13
