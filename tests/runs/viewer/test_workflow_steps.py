"""The picture of work that goes on: its steps so far with their attempts."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from models.access import Role
from models.base import utc_now
from models.lifecycle import Outcome
from models.reason_codes import ReasonCode
from services.engine.port import EngineUnreachable
from tests.factories import correlation_of
from tests.page import Part, page_of
from tests.runs.viewer.test_run_page import STORY
from tests.world import World
from web.runs.truths import engine_sentence
from web.runs.workflow_steps import ENDINGS, LABELS, NOT_READ, RESULTS, UNDER_WAY, WAITING


def live_story(*steps: dict[str, Any], **values: Any) -> dict[str, Any]:
    """Make the story of a workflow that goes on, whose first step took half of the time so far."""
    untold = {"summary": None, "ended_at": None, "result": None, "failure": None}
    done = {
        "scheduled_at": _at(0),
        "started_at": _at(10),
        "ended_at": _at(30),
        "attempts": 2,
        "result": "completed",
    }
    told = [untold | {"step": "collect_evidence"} | done, *(untold | step for step in steps)]
    return STORY | {"status": "open", "closed_at": None, "steps_left_out": 0, "steps": told, **values}


def _at(seconds: int) -> str:
    return (datetime(2026, 11, 17, 9, 30, tzinfo=UTC) + timedelta(seconds=seconds)).isoformat()


COMPOSING = {"step": "compose_review", "scheduled_at": _at(30), "started_at": _at(60), "attempts": 3}


def work_on(page: Part) -> Part:
    return page.one('[aria-labelledby="work"]')


def numbers(text: str) -> list[str]:
    return re.findall(r"\d+", text)


def place(bar: Part) -> list[str]:
    return [bar[name] for name in ("x", "y", "width", "height")]


def test_work_under_way_is_a_picture_of_its_steps_so_far(world: World) -> None:
    run = world.running()
    workflow_id = correlation_of(run).workflow_id
    world.engine.open(workflow_id)
    world.engine.stories[workflow_id] = live_story(COMPOSING | {"failure": "fatal: no <route> to host"})

    text = world.browser(Role.READER).read(f"/operations/{run.id}")

    work = work_on(page_of(text))
    assert work.texts(".what") == [LABELS["collect_evidence"], LABELS["compose_review"]]
    assert work.texts(".state") == [RESULTS["completed"].word, UNDER_WAY.word]
    tries = [(say["data-says"], numbers(say.text)) for say in work.all("li .say")]
    assert tries == [("tried", ["2"]), ("attempt", ["3"])]
    # 60 s are known of, and what goes on has the last quarter of the picture.
    assert place(work.one("rect.worked")) == ["12.5", "0", "25.0", "6"]
    assert place(work.one("rect.goes-on")) == ["75.0", "0", "25.0", "6"]
    assert work.has(f'span[data-since="{_at(30)}"]')
    assert work.has('[data-says="checked"] > time[data-checked="engine"]')
    assert "fatal:" not in text.split("<details")[0]
    assert "no &lt;route&gt; to host" in text


def test_a_step_that_waits_to_be_tried_again_says_so(world: World) -> None:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)
    world.engine.stories[correlation_of(run).workflow_id] = live_story(COMPOSING | {"started_at": None})

    work = work_on(world.browser(Role.READER).page(f"/operations/{run.id}"))

    assert work.texts(".state") == [RESULTS["completed"].word, WAITING.word]


def test_a_picture_of_work_under_way_is_not_told_twice(world: World) -> None:
    run = world.running()
    workflow_id = correlation_of(run).workflow_id
    world.engine.open(workflow_id)
    world.engine.stories[workflow_id] = live_story(COMPOSING)
    browser, path = world.browser(Role.READER), f"/operations/{run.id}/fragment"
    known = browser.get(path).headers["ETag"]

    world.services.engine_cache._looks.clear()
    again = browser.get(path, **{"If-None-Match": known})
    world.services.engine_cache._looks.clear()
    world.engine.stories[workflow_id] = live_story(COMPOSING | {"attempts": 4})
    changed = browser.get(path, **{"If-None-Match": known})

    assert (again.status_code, changed.status_code) == (304, 200)


def test_steps_that_could_not_be_read_are_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def unread(_: str, **__: object) -> None:
        raise EngineUnreachable("history service is away")

    run = world.running()
    world.engine.open(correlation_of(run).workflow_id, step="collect_evidence")
    monkeypatch.setattr(world.engine, "compact_history", unread)

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    view = world.engine.views[correlation_of(run).workflow_id]
    assert work_on(page).says("note") == NOT_READ
    assert LABELS["collect_evidence"] in engine_sentence(run, view)
    assert page.one('[data-truth="work"]').says("found") == engine_sentence(run, view)


def test_the_steps_stay_while_the_history_of_ended_work_is_being_kept(world: World) -> None:
    run = world.running()
    world.now = utc_now()
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.engine.close(correlation_of(run).workflow_id, "activity_failed")
    world.engine.stories[correlation_of(run).workflow_id] = STORY

    work = work_on(world.browser(Role.READER).page(f"/operations/{run.id}"))

    assert numbers(work.says("tried")) == ["4"]
    assert RESULTS[None].word in work.texts(".state")
    assert work.says("ending") == ENDINGS["failed"]


def test_a_run_that_waits_is_not_asked_for_steps(world: World) -> None:
    run = world.queued()

    world.browser(Role.READER).read(f"/operations/{run.id}")

    assert "compact_history" not in world.engine.looks
