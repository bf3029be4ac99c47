"""The three truths of a run side by side, how long it usually takes, and who else asked."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from models.access import Role
from models.actor import Actor
from models.base import utc_now
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.inputs import input_of
from services.runs.service import OperationRunService
from services.runs.typical_durations import ENOUGH
from tests.factories import correlation_of, request
from tests.world import COMPOSE, RESTORE, World

TRUTH = re.compile(r"<h3>([^<]+)</h3>.*?</svg>([^<]+)</span>.*?<p>([^<]+)</p>", re.DOTALL)


def truths(page: str) -> dict[str, tuple[str, str]]:
    panel = page.split('<ul class="truths">')[1].split("</ul>", maxsplit=1)[0]
    return {name: (word, sentence) for name, word, sentence in TRUTH.findall(panel)}


def verdict(page: str) -> str:
    found = re.search(r'id="agreement">.*?<span>([^<]+)</span>', page, re.DOTALL)
    assert found
    return found[1]


def test_all_three_agree_on_a_run_that_is_under_way(world: World) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert truths(page) == {
        "The record": ("Running", "It has not ended."),
        "The work": ("Under way", "The work is open."),
        "The result": ("Not there", "There is no review of this operation."),
    }
    assert verdict(page) == "They agree."
    assert page.count("Checked <time data-checked=") == 3


@pytest.mark.parametrize(
    ("attempts", "sentence"),
    [
        (1, "Now: Read the configuration."),
        (3, "Now: Read the configuration. This was begun 3 times so far."),
    ],
)
def test_work_under_way_says_which_step_it_is_at(world: World, attempts: int, sentence: str) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id, step="collect_evidence", step_attempts=attempts)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert truths(page)["The work"] == ("Under way", sentence)


def test_a_run_that_has_just_ended_does_not_look_under_way(world: World) -> None:
    world.now = utc_now()
    run = world.running()
    workflow_id = correlation_of(run).workflow_id
    world.engine.open(workflow_id, step="collect_evidence", step_attempts=1)
    browser = world.browser(Role.READER)
    assert truths(browser.read(f"/operations/{run.id}"))["The work"][0] == "Under way"

    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.engine.close(workflow_id, "activity_failed")

    assert truths(browser.read(f"/operations/{run.id}"))["The work"][0] == "Ended"


def test_work_that_is_closing_is_not_told_as_a_step(world: World) -> None:
    world.now = utc_now()
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id, step="compose_review", step_attempts=2)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert truths(page)["The work"] == ("About to end", "Its end is recorded, and the work has yet to close.")
    assert verdict(page) == "They agree: its end is recorded, and the work is just closing."


def test_work_that_has_ended_unrecorded_is_told_with_what_happens_next(world: World) -> None:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert truths(page)["The work"] == ("Ended", "Somebody stopped the work from outside before it was done.")
    assert "its end is not recorded yet" in verdict(page)
    assert "The regular check settles it" in verdict(page)


def test_an_engine_that_did_not_answer_is_a_failed_check_and_not_an_answer(world: World) -> None:
    run = world.running()
    world.engine.is_away = True

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    word, sentence = truths(page)["The work"]
    assert word == "Could not check"
    assert "did not answer in time" in sentence
    assert verdict(page) == "The record and the result agree. The work could not be asked about."


def test_a_result_that_could_not_be_read_is_not_told_as_missing(world: World) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)
    browser = world.browser(Role.READER)
    with world.database.transaction() as session:
        session.execute(text("ALTER TABLE environment_reviews RENAME TO away"))

    page = browser.read(f"/operations/{run.id}")

    assert truths(page)["The result"][0] == "Could not check"
    assert "Not there" not in page
    assert "The result could not be read." in verdict(page)


def test_a_review_that_is_there_while_the_record_says_failed_is_told(world: World) -> None:
    fingerprint = "f" * 64
    failed = world.running(ref="a")
    with world.database.transaction() as session:
        OperationRunService(session).record_fingerprint(failed.id, fingerprint)
    world.settle(failed, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.review(fingerprint=fingerprint)

    page = world.browser(Role.READER).read(f"/operations/{failed.id}")

    assert "Another operation&#39;s review" in truths(page)["The result"][1]
    assert "“Check now” settles this operation by it." in verdict(page)


def test_a_success_stands_although_its_work_was_stopped(world: World) -> None:
    review = world.review()
    world.engine.close(correlation_of(world.run(review.run_id)).workflow_id, "terminated")

    page = world.browser(Role.READER).read(f"/operations/{review.run_id}")

    assert truths(page)["The result"] == ("There", "The review of this operation is there. It is a draft.")
    assert "a success is never taken back" in verdict(page)


def test_a_restore_says_that_the_repository_is_not_asked_for_the_page(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "“Check now” looks there." in truths(page)["The result"][1]


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

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert ("Usually" in page) is is_told
    assert (f"The middle half of the last {ENOUGH} in this environment" in page) is is_told


def test_where_the_environment_has_too_few_the_workspace_tells(world: World) -> None:
    earlier(world, ENOUGH)
    run = world.running(environment=world.add_environment("Order portal"))

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    assert f"The middle half of the last {ENOUGH} in this workspace" in page


def test_a_run_that_takes_much_longer_is_marked_in_the_list_with_why(world: World) -> None:
    earlier(world, ENOUGH)
    world.now = utc_now() - timedelta(minutes=5)
    run = world.running()
    browser = world.browser(Role.READER)

    row = browser.read("/operations").split(f'id="run-{run.id}"')[1].split("</tr>", maxsplit=1)[0]

    assert re.search(
        r"It takes longer than others: they usually took .+, and this one 5(\.\d)? min so far\.", row
    )
    assert 'class="overdue' in browser.read(f"/operations/{run.id}")


def test_whoever_else_asked_is_named_and_their_key_is_not(world: World) -> None:
    run = world.queued()
    grace = Actor(kind="user", name="grace@contoso.example")
    with world.database.transaction() as session:
        request(session, input_of(run), key="a-key-of-grace", actor=grace)

    browser = world.browser(Role.READER)
    page = browser.read(f"/operations/{run.id}")
    askers = page.split('id="askers"')[1].split("</ul>", maxsplit=1)[0]

    assert re.findall(r'<span class="lead">([^<]+)</span>', askers) == ["grace@contoso.example"]
    assert "with a key to ask again by" in askers
    assert "a-key-of-grace" not in page + browser.read(f"/operations/{run.id}/evidence.json")


def test_a_run_that_nobody_else_asked_for_says_nothing_of_it(world: World) -> None:
    run = world.queued()

    assert "Who else asked" not in world.browser(Role.READER).read(f"/operations/{run.id}")


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

    assert found["engine"]["could_not_check"] == "Temporal did not answer in time."


def test_each_settlement_is_told_before_and_after_with_why_and_by_whom(world: World) -> None:
    run = world.running()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.settle(run, Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_LINEAGE_AMBIGUOUS)

    page = world.browser(Role.READER).read(f"/operations/{run.id}")

    changes = page.split('<h3 id="changes">')[1].split("</table>", maxsplit=1)[0]
    words = re.findall(r"</svg>([^<]+)</span>", changes)
    assert words == ["Running", "Failed", "Failed", "Needs attention"]
    assert changes.count("the regular check") == 2


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

    page = browser.read(f"/operations/{run.id}")
    answer = browser.submit(f"/operations/{run.id}/again", page=f"/operations/{run.id}")

    assert re.search(r'form="again" disabled aria-describedby="again-why-not">Run it again</button>', page)
    assert "It is still under way." in page
    assert answer.status_code == 409
    assert world.engine.starts == []
