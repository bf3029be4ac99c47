import re

import pytest
from sqlalchemy import event

from models.access import Role
from models.lifecycle import Outcome
from models.reasons import ReasonCode
from models.reconciliation import Related
from services.operation_runs import OperationRunService
from services.restore_results import record_result
from tests.feature.pages.tests_of_pages import RESTORE, World, correlation_of


def _before_details(page: str) -> str:
    return page.split('<details id="technical-details"', maxsplit=1)[0]


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

    assert "The version that was asked for does not exist." in page
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
        counts = record_result(session, run, plan, "c0ffee" * 6 + "abcd", clock=world.clock)
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

    fragment = browser.read(f"/operations/{run.id}/fragment").strip()

    assert fragment in browser.read(f"/operations/{run.id}")
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

    assert len(counted) == 8
