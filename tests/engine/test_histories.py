"""What the engine keeps of a workflow for later: its steps and why they ended."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from models.base import utc_now
from tests.engine.stand_ins import SECRET
from tests.engine.temporal_server import TemporalServer
from tests.system import wait_for


def test_the_story_of_a_retried_step_tells_its_attempts_and_no_secret(
    temporal_server: TemporalServer,
) -> None:
    workflow_id = temporal_server.run_to_end("retry")

    story = temporal_server.story(workflow_id)

    assert (story["workflow_id"], story["status"], story["cause"]) == (workflow_id, "completed", None)
    assert str(UUID(story["run_id"])) == story["run_id"]
    [step] = story["steps"]
    assert (step["step"], step["summary"]) == ("reach_the_remote", "Fetch it")
    assert (step["attempts"], step["result"]) == (3, "completed")
    assert step["failure"].startswith("environment_unreachable: could not read https://***@git.example.org")
    assert len(step["failure"]) == 300
    assert SECRET not in json.dumps(story)
    moments = [story["started_at"], step["scheduled_at"], step["started_at"], step["ended_at"]]
    assert sorted(moments) == moments
    assert datetime.fromisoformat(story["closed_at"]).tzinfo == UTC
    history = temporal_server.connection.call(
        lambda client: client.get_workflow_handle(workflow_id).fetch_history()
    )
    assert story["events"] == len(history.events)
    assert story["steps_left_out"] == 0


def test_the_story_of_a_failed_step_tells_why_down_to_the_root(temporal_server: TemporalServer) -> None:
    story = temporal_server.story(temporal_server.run_to_end("fail"))
    assert (story["status"], story["cause"]) == ("failed", "activity_failed")
    [step] = story["steps"]
    assert (step["attempts"], step["result"]) == (1, "failed")
    assert step["failure"] == "push_refused: the remote refused the push / ValueError: a hook said no"


def test_the_story_of_a_step_that_nobody_took_tells_the_time_out(temporal_server: TemporalServer) -> None:
    [step] = temporal_server.story(temporal_server.run_to_end("time_out_a_step"))["steps"]
    assert (step["result"], step["started_at"], step["attempts"]) == ("timed_out", None, None)
    assert "ScheduleToStart" in step["failure"]


def test_the_story_of_a_cancelled_step_says_so(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait_for_a_step")
    wait_for(lambda: temporal_server.story(workflow_id)["steps"], what="the step to be scheduled")
    temporal_server.engine.cancel(workflow_id)
    temporal_server.closed(workflow_id)

    story = temporal_server.story(workflow_id)

    assert (story["status"], story["cause"]) == ("cancelled", "cancelled")
    assert [(step["result"], step["failure"]) for step in story["steps"]] == [("cancelled", None)]


def test_the_story_of_a_terminated_workflow_leaves_its_step_open(temporal_server: TemporalServer) -> None:
    workflow_id = temporal_server.start("wait_for_a_step")
    wait_for(lambda: temporal_server.story(workflow_id)["steps"], what="the step to be scheduled")
    temporal_server.engine.terminate(workflow_id, "for a test")
    story = temporal_server.story(workflow_id)
    assert story["cause"] == "terminated"
    assert [(step["result"], step["ended_at"]) for step in story["steps"]] == [(None, None)]


def test_the_story_of_an_open_workflow_tells_its_steps_so_far_with_their_attempts(
    temporal_server: TemporalServer,
) -> None:
    workflow_id = temporal_server.start("retry_for_long")
    story = wait_for(
        lambda: story if (story := temporal_server.story(workflow_id))["steps"][1:] else None,
        what="the second step to be scheduled",
    )

    def tried() -> dict[str, Any] | None:
        found: dict[str, Any] = temporal_server.story(workflow_id)["steps"][1]
        return found if found["attempts"] == 2 else None

    assert (story["status"], story["closed_at"]) == ("open", None)
    assert (story["steps"][0]["step"], story["steps"][0]["result"]) == ("prepare", "completed")
    step = wait_for(tried, what="its second attempt to be waited for")
    assert (step["step"], step["started_at"], step["result"]) == ("reach_the_remote", None, None)
    assert step["failure"].startswith("environment_unreachable: could not read https://***@git.example.org")
    temporal_server.engine.terminate(workflow_id, "for a test")


def test_the_story_of_an_open_workflow_tells_since_when_a_step_is_at_work(
    temporal_server: TemporalServer,
) -> None:
    workflow_id = temporal_server.start("hold")
    story = wait_for(
        lambda: story if (story := temporal_server.story(workflow_id))["steps"] else None,
        what="the step to be scheduled",
    )

    step = wait_for(
        lambda: step if (step := temporal_server.story(workflow_id)["steps"][0])["started_at"] else None,
        what="the step to be begun",
    )

    assert (step["attempts"], step["result"], step["failure"]) == (1, None, None)
    assert story["started_at"] <= step["scheduled_at"] <= step["started_at"] <= utc_now().isoformat()
    temporal_server.engine.terminate(workflow_id, "for a test")


def test_a_long_story_keeps_its_beginning_and_its_end(temporal_server: TemporalServer) -> None:
    story = temporal_server.story(temporal_server.run_to_end("many_steps"))
    kept = [int(step["summary"].split()[0]) for step in story["steps"]]
    assert len(json.dumps(story)) <= 8192
    assert len(kept) > 10
    assert (kept[0], kept[-1], sorted(kept)) == (0, 39, kept)
    assert story["steps_left_out"] == 40 - len(kept)
