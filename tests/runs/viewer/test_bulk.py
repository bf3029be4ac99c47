"""Acting on several runs at once, over a set that is chosen, named and then frozen."""

import re
from typing import Any
from uuid import uuid4

import pytest

from models.access import Role
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.runs.cancellation import why_not_cancel
from services.runs.wording import REASONS
from tests.clients import Browser
from tests.factories import correlation_of
from tests.page import page_of
from tests.world import World
from web.runs.bulk import NO_TIME, NOT_NOW, NOT_THERE


def choose(browser: Browser, deed: str, *run_ids: Any) -> Any:
    chosen: Any = [*map(str, run_ids)]
    return browser.submit("/operations/chosen", page="/operations", deed=deed, run=chosen)


def do(browser: Browser, deed: str, *run_ids: Any) -> Any:
    chosen: Any = [*map(str, run_ids)]
    return browser.submit(f"/operations/chosen/{deed}", page="/operations", run=chosen)


def results(page: str) -> list[tuple[str, str]]:
    """Return what came of each run, in the order in which they were named: the word, and the sentence."""
    rows = page_of(page).all("table.rows tbody tr")
    return [(row.one("td:first-child .state").text, row.one("th .say").text) for row in rows]


def under_way(world: World, ref: str) -> OperationRun:
    run = world.running(ref=ref)
    world.engine.open(correlation_of(run).workflow_id)
    return run


def test_only_those_who_may_act_can_choose(world: World) -> None:
    run = world.queued()
    box = f'input[name="run"][value="{run.id}"]'

    assert world.browser(Role.OPERATOR).page("/operations").has(box)
    assert not world.browser(Role.READER).page("/operations").has(box)


def test_the_set_is_named_and_frozen_before_anything_is_done(world: World) -> None:
    chosen, ended = under_way(world, "a"), under_way(world, "b")
    world.settle(ended, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    other = under_way(world, "c")

    answer = choose(world.browser(Role.OPERATOR), "cancel", chosen.id, ended.id).text

    page = page_of(answer)
    assert [each["value"] for each in page.all('[name="run"]')] == [str(chosen.id)]
    assert page.has('form#deed input[name="run"]')
    assert re.findall(r"\d+", page.says("about-these")) == ["1"]
    assert page.one("tr.left-out code").text == str(ended.id)
    left_out = page.one("tr.left-out th > .say:not(code)").text
    assert left_out.partition(": ")[2] == why_not_cancel(world.run(ended.id))
    assert str(other.id) not in answer
    assert world.engine.cancelled == []


def test_each_chosen_run_is_cancelled_and_has_its_own_result(world: World) -> None:
    first, ended, asked = (under_way(world, ref) for ref in "abc")
    world.settle(ended, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.ask_to_cancel(asked)

    page = do(world.browser(Role.OPERATOR), "cancel", first.id, ended.id, asked.id, uuid4()).text

    assert results(page) == [
        ("Done", "Its cancellation was asked for and handed on to the work."),
        ("Left as it was", "It had ended already."),
        ("Left as it was", "Its cancellation had been asked for already."),
        ("Not done", NOT_THERE),
    ]
    assert world.engine.cancelled == [correlation_of(first).workflow_id]


def test_each_chosen_run_is_checked_and_settled_by_what_is_true(world: World) -> None:
    stopped, going_on = under_way(world, "a"), under_way(world, "b")
    world.engine.close(correlation_of(stopped).workflow_id, "terminated")

    page = do(world.browser(Role.OPERATOR), "check", stopped.id, going_on.id).text

    assert results(page) == [
        ("Done", f"It was settled. {REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title}"),
        ("Left as it was", "There is nothing to settle: its work goes on, or it is recorded how it ended."),
    ]
    assert getattr(world.run(stopped.id).context.reconciliation, "source", None) == "operator"
    assert world.run(going_on.id).status == "running"


def test_an_engine_that_is_away_is_a_result_and_not_an_error(world: World) -> None:
    run = under_way(world, "a")
    world.engine.is_away = True

    page = do(world.browser(Role.OPERATOR), "check", run.id).text

    assert results(page) == [("Not done", NOT_NOW)]


def test_what_there_was_no_time_for_is_said_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run = under_way(world, "a")
    monkeypatch.setattr("web.runs.bulk.WITHIN", -world.clock().resolution)

    page = do(world.browser(Role.OPERATOR), "cancel", run.id).text

    assert results(page) == [("Not done", NO_TIME)]
    assert world.engine.cancelled == []


@pytest.mark.parametrize("deed", ["cancel", "check"])
def test_a_reader_changes_nothing_and_a_stranger_learns_nothing(world: World, deed: str) -> None:
    run = under_way(world, "a")
    stranger = world.browser(Role.OWNER, world.add_workspace("fabrikam", "Fabrikam"))

    read = do(world.browser(Role.READER), deed, run.id).text
    foreign = do(stranger, deed, run.id).text

    assert results(read) == [("Not done", "Your role does not allow this.")]
    assert results(foreign) == [("Not done", NOT_THERE)]
    assert "Environment review" not in foreign + choose(stranger, deed, run.id).text
    assert world.run(run.id).context_json == run.context_json


@pytest.mark.parametrize(
    ("run_ids", "message"),
    [
        ([], "choose at least one"),
        ([uuid4() for _ in range(101)], "100 operations at most"),
        (["x"], "choose"),
    ],
)
def test_a_set_that_is_empty_too_large_or_no_set_is_refused(
    world: World, run_ids: list[Any], message: str
) -> None:
    answer = do(world.browser(Role.OPERATOR), "cancel", *run_ids)

    assert answer.status_code == 422
    assert message in answer.text
