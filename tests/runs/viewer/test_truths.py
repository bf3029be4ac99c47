"""The three truths of a run side by side, how long it usually takes, and who else asked."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from models.access import Role
from models.actor import Actor
from models.base import utc_now
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.engine.cache import Snapshot
from services.engine.port import WorkflowView
from services.runs.inputs import input_of
from services.runs.operations import why_not_again
from services.runs.queries import BusinessTruth
from services.runs.service import OperationRunService
from services.runs.typical_durations import ENOUGH, typical_durations
from services.runs.wording import CAUSES
from tests.factories import correlation_of, request
from tests.page import Part, page_of
from tests.world import COMPOSE, RESTORE, World
from web.runs import support_bundle
from web.runs.agreement import agreement_of
from web.runs.receipt import SOURCES
from web.runs.truths import (
    NOT_ASKED,
    NOT_READ,
    engine_sentence,
    engine_state,
    result_sentence,
    result_state,
    truths_of,
)
from web.runs.workflow_steps import LABELS
from web.ui.states import OF_RUN
from web.ui.times import duration_between

NOTHING = BusinessTruth()


def truths(page: Part) -> dict[str, tuple[str, str]]:
    """Return the state and the sentence of each source of truth."""
    return {
        truth["data-truth"]: (truth.one(".state").text, truth.says("found"))
        for truth in page.all("ul.truths > li")
    }


def verdict(page: Part) -> tuple[str, str]:
    """Return whether the truths agree, and the sentence that says so."""
    agreement = page.one("#agreement")
    return agreement["data-agrees"], agreement.text


def verdict_on(run: OperationRun, view: WorkflowView | None, truth: BusinessTruth | None) -> str:
    return agreement_of(run, view, truth, utc_now()).sentence


def workflow_of(world: World, run: OperationRun) -> WorkflowView:
    """Return what the engine knows of a run's work."""
    return world.engine.views[correlation_of(run).workflow_id]


def found_of_work(world: World, run: OperationRun) -> tuple[str, str]:
    """Return the state and the sentence that belong to a run's work."""
    settled, view = world.run(run.id), workflow_of(world, run)
    return engine_state(settled, view).word, engine_sentence(settled, view)


def found_of_result(run: OperationRun, truth: BusinessTruth) -> tuple[str, str]:
    """Return the state and the sentence that belong to a run's result."""
    return result_state(run, truth).word, result_sentence(run, truth)


def test_all_three_agree_on_a_run_that_is_under_way(world: World) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    told = truths_of(run, Snapshot(at=world.now, found=workflow_of(world, run)), NOTHING, world.now)
    assert page.texts("ul.truths h3") == [truth.name for truth in told.all]
    assert truths(page) == {
        "record": (OF_RUN[Status.RUNNING].word, told.record.sentence),
        "work": found_of_work(world, run),
        "result": found_of_result(run, NOTHING),
    }
    assert verdict(page) == ("true", verdict_on(run, workflow_of(world, run), NOTHING))
    assert [time["data-checked"] for time in page.all("time[data-checked]")] == ["page", "engine", "page"]
    assert len(page.all('ul.truths [data-says="checked"] > time')) == len(told.all)


@pytest.mark.parametrize("attempts", [1, 3])
def test_work_under_way_says_which_step_it_is_at(world: World, attempts: int) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id, step="collect_evidence", step_attempts=attempts)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    state, sentence = truths(page)["work"]
    assert (state, sentence) == found_of_work(world, run)
    assert LABELS["collect_evidence"] in sentence
    assert re.findall(r"\d+", sentence) == ["3"] * (attempts == 3)


def test_a_run_that_has_just_ended_does_not_look_under_way(world: World) -> None:
    world.now = utc_now()
    run = world.running()
    workflow_id = correlation_of(run).workflow_id
    world.engine.open(workflow_id, step="collect_evidence", step_attempts=1)
    browser = world.browser(Role.READER)
    under_way = found_of_work(world, run)
    assert truths(browser.page(f"/operations/{run.id}"))["work"] == under_way

    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.engine.close(workflow_id, "activity_failed")

    ended = truths(browser.page(f"/operations/{run.id}"))["work"]
    assert ended == found_of_work(world, run)
    assert ended != under_way


def test_work_that_is_closing_is_not_told_as_a_step(world: World) -> None:
    world.now = utc_now()
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id, step="compose_review", step_attempts=2)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert truths(page)["work"] == found_of_work(world, run)
    assert verdict(page) == ("true", verdict_on(world.run(run.id), workflow_of(world, run), NOTHING))


def test_work_that_has_ended_unrecorded_is_told_with_what_happens_next(world: World) -> None:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert truths(page)["work"] == (found_of_work(world, run)[0], CAUSES["terminated"].happened)
    assert verdict(page) == ("false", verdict_on(run, workflow_of(world, run), NOTHING))


def test_an_engine_that_did_not_answer_is_a_failed_check_and_not_an_answer(world: World) -> None:
    run = world.running()
    world.engine.is_away = True

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    work = page.one('[data-truth="work"]')
    assert truths(page)["work"] == (work.says("unknown"), NOT_ASKED)
    assert verdict(page) == ("none", verdict_on(run, None, NOTHING))


def test_a_result_that_could_not_be_read_is_not_told_as_missing(world: World) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)
    browser = world.browser(Role.READER)
    with world.database.transaction() as session:
        session.execute(text("ALTER TABLE environment_reviews RENAME TO away"))

    page = browser.page(f"/operations/{run.id}")

    result = page.one('[data-truth="result"]')
    assert truths(page)["result"] == (result.says("unknown"), NOT_READ)
    assert result_state(run, NOTHING).word not in page.text
    assert verdict(page) == ("none", verdict_on(run, workflow_of(world, run), None))


def test_a_review_that_is_there_while_the_record_says_failed_is_told(world: World) -> None:
    fingerprint = "f" * 64
    failed = world.running(ref="a")
    with world.database.transaction() as session:
        OperationRunService(session).record_fingerprint(failed.id, fingerprint)
    world.settle(failed, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    found = BusinessTruth(reviews=[world.review(fingerprint=fingerprint)])

    page = world.browser(Role.READER).page(f"/operations/{failed.id}")

    failed = world.run(failed.id)
    assert truths(page)["result"] == found_of_result(failed, found)
    assert verdict(page) == ("false", verdict_on(failed, None, found))


def test_a_success_stands_although_its_work_was_stopped(world: World) -> None:
    review = world.review()
    run, found = world.run(review.run_id), BusinessTruth(reviews=[review])
    world.engine.close(correlation_of(run).workflow_id, "terminated")

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert truths(page)["result"] == found_of_result(run, found)
    assert verdict(page) == ("false", verdict_on(run, workflow_of(world, run), found))


def test_a_restore_says_that_the_repository_is_not_asked_for_the_page(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert truths(page)["result"] == found_of_result(run, NOTHING)


def earlier(world: World, number: int, *, seconds: int = 30) -> None:
    """Make runs that succeeded, each in so many seconds, at one time after the other."""
    for _ in range(number):
        world.now += timedelta(seconds=seconds)
        world.review()


@pytest.mark.parametrize(("number", "is_told"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_how_long_it_usually_takes_is_told_from_ten_earlier_runs_on(
    world: World,
    number: int,
    is_told: bool,  # noqa: FBT001 - pytest's parameter
) -> None:
    earlier(world, number)
    run = world.running()

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert page.has("#typical") is is_told
    assert page.has('#typical [data-says="typical"][data-of="environment"]') is is_told
    assert not is_told or str(ENOUGH) in page.says("typical")


def test_where_the_environment_has_too_few_the_workspace_tells(world: World) -> None:
    earlier(world, ENOUGH)
    run = world.running(environment=world.add_environment("Order portal"))

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert page.has('#typical [data-says="typical"][data-of="workspace"]')
    assert str(ENOUGH) in page.says("typical")


def test_a_run_that_takes_much_longer_is_marked_in_the_list_with_why(world: World) -> None:
    earlier(world, ENOUGH)
    world.now = utc_now() - timedelta(minutes=5)
    run = world.running()
    browser = world.browser(Role.READER)

    why = browser.page("/operations").one(f"#run-{run.id} .stale").text

    with world.database.transaction() as session:
        typical = typical_durations(session, [run])[run.id]
    lengths = re.escape(duration_between(typical.shortest, typical.longest))
    assert re.search(rf"{lengths}.* 5(\.\d)? min\b", why)
    assert browser.page(f"/operations/{run.id}").has("#typical dd.overdue")


def test_whoever_else_asked_is_named_and_their_key_is_not(world: World) -> None:
    run = world.queued()
    grace = Actor(kind="user", name="grace@contoso.example")
    with world.database.transaction() as session:
        request(session, input_of(run), key="a-key-of-grace", actor=grace)

    browser = world.browser(Role.READER)
    page = browser.read(f"/operations/{run.id}")
    (asker,) = page_of(page).all("#askers ~ ul > li")

    assert asker.texts(".lead") == ["grace@contoso.example"]
    assert asker.has('[data-says="with-key"]')
    assert "a-key-of-grace" not in page + browser.read(f"/operations/{run.id}/evidence.json")


def test_a_run_that_nobody_else_asked_for_says_nothing_of_it(world: World) -> None:
    run = world.queued()

    assert not world.browser(Role.READER).page(f"/operations/{run.id}").has("#askers")


def test_the_evidence_is_one_file_with_all_that_is_known_and_no_secret(world: World) -> None:
    run = world.running(ref="v1")
    world.fail(run, "unexpected_error", "remote: password=hunter2 is wrong")
    world.engine.close(correlation_of(run).workflow_id, "activity_failed")
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="activity_failed")
    world.keep_history(run, {"steps": [], "status": "failed"})

    answer = world.browser(Role.READER).get(f"/operations/{run.id}/evidence.json")

    found = json.loads(answer.data)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="operation-{run.id}.json"'
    assert found["run"]["id"] == str(run.id)
    assert found["reconciliation"]["reason_code"] == "review_not_composed"
    assert [step["reason_code"] for step in found["transitions"]] == [
        "requested",
        "started",
        "review_not_composed",
    ]
    assert [request["actor_name"] for request in found["requests"]] == ["ada@contoso.example"]
    assert found["history"]["history"]["status"] == "failed"
    assert (found["engine"]["state"], found["engine"]["cause"]) == ("closed", "activity_failed")
    assert "hunter2" not in answer.text


def test_evidence_of_an_engine_that_is_away_says_that_it_could_not_be_asked(world: World) -> None:
    run = world.running()
    world.engine.is_away = True

    found = json.loads(world.browser(Role.READER).read(f"/operations/{run.id}/evidence.json"))

    assert found["engine"]["could_not_check"] == support_bundle._SILENT


def test_each_settlement_is_told_before_and_after_with_why_and_by_whom(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.settle(run, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    standings = [Status.RUNNING, Outcome.FAILED, Outcome.FAILED, Outcome.ATTENTION_REQUIRED]
    assert page.texts("#changes ~ table .state") == [OF_RUN[standing].word for standing in standings]
    assert page.texts("#changes ~ table th .say") == [SOURCES["sweep"].lower()] * 2


def test_run_it_again_starts_the_same_work_and_leads_to_it(world: World) -> None:
    run = world.running(ref="v1")
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    browser = world.browser(Role.OPERATOR)

    answer = browser.submit(f"/operations/{run.id}/again", page=f"/operations/{run.id}")

    assert answer.status_code == 303
    new = world.run(answer.headers["Location"].rsplit("/", maxsplit=1)[1])
    assert new.id != run.id
    assert (new.type, new.context.input) == (COMPOSE, run.context.input)
    assert [start.workflow_type for start in world.engine.starts] == [COMPOSE]


def test_what_is_under_way_cannot_be_run_again_and_says_so(world: World) -> None:
    run: OperationRun = world.running()
    browser = world.browser(Role.OPERATOR)

    page = browser.page(f"/operations/{run.id}")
    answer = browser.submit(f"/operations/{run.id}/again", page=f"/operations/{run.id}")

    assert page.one("#act-again")["form"] == "again"
    assert page.why_not("again") == why_not_again(run)
    assert answer.status_code == 409
    assert world.engine.starts == []
