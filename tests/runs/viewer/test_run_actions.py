import re

import pytest

from models.access import Role
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.queries import transitions_of
from services.runs.queue_status import JUST_ASKED
from services.runs.service import OperationRunService
from tests.clients import Browser
from tests.factories import correlation_of
from tests.world import COMPOSE, RESTORE, World

RUNG = re.compile(r'<li class="([\w-]+) tone-\w+">\s*<span class="what">(\w+)</span>')
DISABLED = '<button disabled aria-describedby="cancel-why-not">Cancel</button>'


def rungs(page: str) -> list[tuple[str, str]]:
    ladder = page.split('<ol class="ladder">')[1].split("</ol>", maxsplit=1)[0]
    return [(label, state) for state, label in RUNG.findall(ladder)]


def open_run(world: World) -> OperationRun:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)
    return run


def stopped_from_outside(world: World) -> OperationRun:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")
    return run


def press(browser: Browser, run: OperationRun, action: str) -> str:
    """Press a button of a run's page and return the page it leads to."""
    answer = browser.submit(f"/operations/{run.id}/{action}", page=f"/operations/{run.id}")
    assert answer.status_code in {200, 303}, answer.text
    return browser.read(answer.headers["Location"]) if answer.status_code == 303 else str(answer.text)


def test_cancel_asks_once_more_and_changes_nothing_by_asking(world: World) -> None:
    run = open_run(world)
    browser = world.browser(Role.OPERATOR)
    assert f'href="/operations/{run.id}/cancellation">Cancel…</a>' in browser.read(f"/operations/{run.id}")

    page = browser.read(f"/operations/{run.id}/cancellation")

    assert "Yes, cancel it" in page
    assert "never reads “Cancelled” while it may still act" in page
    assert world.run(run.id).context == run.context


def test_the_ladder_shows_how_far_a_cancellation_has_come(world: World) -> None:
    run = open_run(world)
    browser = world.browser(Role.OPERATOR)

    page = press(browser, run, "cancel")

    assert "Somebody asked to cancel this." in page
    assert rungs(page) == [
        ("Asked", "done"),
        ("Delivered", "done"),
        ("Acknowledged", "to-come"),
        ("Settled", "to-come"),
    ]
    assert re.search(r'id="cancel-why-not">Cancel</span>: Its cancellation was asked for already\.', page)
    assert DISABLED in page
    assert world.engine.cancelled == [correlation_of(run).workflow_id]


def test_the_ladder_comes_to_its_end(world: World) -> None:
    run = open_run(world)
    world.ask_to_cancel(run)
    with world.database.transaction() as session:
        OperationRunService(session).acknowledge_cancel(run.id, world.clock())
    world.settle(run, Outcome.CANCELLED, ReasonCode.REVIEW_NOT_COMPOSED, cause="cancelled")

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert [state for _, state in rungs(page)] == ["done"] * 4
    assert "as cancelled" in page
    assert "The operation was cancelled." in page


def test_a_cancellation_that_nobody_needed_any_more_says_so(world: World) -> None:
    run = open_run(world)
    world.ask_to_cancel(run, delivered=False)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert [state for _, state in rungs(page)] == ["done", "left-out", "left-out", "done"]
    assert "there was nothing left to stop" in page
    assert "not yet" not in page


def test_the_point_of_no_return_is_named_before_and_after_asking(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    world.engine.open(correlation_of(run).workflow_id)
    with world.database.transaction() as session:
        OperationRunService(session).intend_commit(run.id, "1a2b3c4d" * 5)
    sentence = "Commit 1a2b3c4 is already pushed or being pushed; cancelling cannot undo it."
    browser = world.browser(Role.OWNER)

    assert sentence in browser.read(f"/operations/{run.id}/cancellation")
    page = press(browser, run, "cancel")

    assert sentence in page
    assert "stops nowhere in between" in page


@pytest.mark.parametrize("role", [Role.READER, Role.REVIEWER])
def test_what_the_reader_may_not_do_is_greyed_with_the_reason(world: World, role: Role) -> None:
    run = open_run(world)

    page = world.browser(role).read(f"/operations/{run.id}")

    for action in ("check", "again"):
        assert re.search(rf'form="{action}"[^>]* disabled aria-describedby="{action}-why-not">', page)
    assert DISABLED in page
    assert f"Your role here ({role}) may not start, check or cancel operations" in page


def test_what_has_ended_cannot_be_cancelled_and_says_so(world: World) -> None:
    run = stopped_from_outside(world)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    browser = world.browser(Role.OWNER)

    page = browser.read(f"/operations/{run.id}")
    answer = browser.submit(f"/operations/{run.id}/cancel", page=f"/operations/{run.id}")

    assert DISABLED in page
    assert re.search(r'id="cancel-why-not">Cancel</span>: It has already ended\.', page)
    assert answer.status_code == 409
    assert "This run has already ended." in answer.text


def test_check_now_shows_what_it_would_decide_and_writes_nothing(world: World) -> None:
    run = stopped_from_outside(world)

    page = press(world.browser(Role.OPERATOR), run, "check")

    assert "No review was made." in page
    assert re.search(r"Running.*→.*Failed", page, re.DOTALL)
    assert "Somebody stopped the work from outside" in page
    assert "Settle it so" in page
    assert world.run(run.id).status == "running"


def test_settle_it_so_settles_it_for_the_person_who_asked(world: World) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)

    page = press(browser, run, "settle")

    assert "Failed" in page
    assert "A person who asked to check: operator-" in page
    assert world.run(run.id).context["reconciliation"]["source"] == "operator"
    with world.database.transaction() as session:
        assert transitions_of(session, run.id)[-1].actor_kind == "user"


def test_a_check_of_work_that_is_not_over_offers_nothing_to_settle(world: World) -> None:
    run = open_run(world)

    page = press(world.browser(Role.OPERATOR), run, "check")

    assert "Nothing to settle: the work is not over." in page
    assert f"/operations/{run.id}/settle" not in page
    assert "<dt>The work</dt><dd>Under way</dd>" in page


def test_a_check_of_what_is_recorded_already_offers_nothing_to_settle(world: World) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)
    press(browser, run, "settle")

    page = press(browser, run, "check")

    assert "This is what is recorded already. Nothing would change." in page
    assert f"/operations/{run.id}/settle" not in page


def test_a_start_that_was_never_confirmed_can_be_handed_over_again(world: World) -> None:
    run = world.queued()
    browser = world.browser(Role.OPERATOR)
    world.services.check._clock = lambda: run.created_at + JUST_ASKED * 2

    page = press(browser, run, "check")

    assert "Hand it over again" in page
    assert world.engine.starts == []
    press(browser, run, "settle")
    assert [start.workflow_type for start in world.engine.starts] == [COMPOSE]


@pytest.mark.parametrize("action", ["check", "settle"])
def test_an_engine_that_is_away_is_a_calm_503_and_concludes_nothing(world: World, action: str) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)
    world.engine.is_away = True

    answer = browser.submit(f"/operations/{run.id}/{action}", page=f"/operations/{run.id}")

    assert answer.status_code == 503
    assert "This could not be checked right now." in answer.text
    assert "nobody there" not in answer.text
    assert world.run(run.id).status == "running"


def test_an_engine_that_is_away_keeps_no_page_from_being_read(world: World) -> None:
    runs = [world.queued(), world.running(ref="a"), stopped_from_outside(world)]
    world.settle(runs[-1], Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.engine.is_away = True
    browser = world.browser(Role.OPERATOR)

    for run in runs:
        browser.read(f"/operations/{run.id}")
        browser.read(f"/operations/{run.id}/cancellation")
