"""Workflow code against the histories of every release: what runs already must be able to go on."""

import json
from pathlib import Path

import pytest
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.workflow import NondeterminismError

from activities.tracking import TrackingInterceptor
from runtime.worker import INTERCEPTORS, WORKFLOWS
from tests.replay.endings import ENDINGS
from tests.replay.reordered_compose import ReorderedComposeWorkflow
from tests.replay.replaying import HISTORIES, HOW_TO_RECORD, THIS_RELEASE, read, replay
from tests.replay.scrubbing import WORKER, scrub, written
from workflows.restore_execute import RestoreExecuteWorkflow

RECORDED = sorted(HISTORIES.glob("*/*.json"))
LARGEST = 20_000


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def recorded(name: str) -> Path:
    return THIS_RELEASE / f"{name}.json"


@pytest.mark.parametrize("path", RECORDED, ids=named)
def test_every_history_of_every_release_replays(path: Path) -> None:
    replay(read(path))


def test_a_run_goes_on_where_traces_are_switched_on_meanwhile() -> None:
    for name in ENDINGS:
        replay(read(recorded(name)), interceptors=[TracingInterceptor(), *INTERCEPTORS])


@pytest.mark.parametrize("name", sorted(ENDINGS))
def test_every_ending_is_recorded(name: str) -> None:
    assert recorded(name).exists(), f"{named(recorded(name))} is not recorded: run `{HOW_TO_RECORD}`."


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("compose-succeeded-at-once", ["collect_evidence"]),
        ("compose-succeeded", ["collect_evidence", "compose_review"]),
        ("restore-applied", ["check_plan", "apply_plan"]),
    ],
)
def test_a_step_is_there_where_it_is_worth_a_round_trip(name: str, steps: list[str]) -> None:
    scheduled = [event.activity_task_scheduled_event_attributes for event in read(recorded(name)).events]
    assert [each.activity_type.name for each in scheduled if each.activity_id] == steps


def test_a_changed_order_is_found() -> None:
    workflows = [ReorderedComposeWorkflow, RestoreExecuteWorkflow]
    with pytest.raises(NondeterminismError, match="compose_review"):
        replay(read(recorded("compose-succeeded")), workflows=workflows)


@pytest.mark.parametrize("name", ["compose-succeeded", "compose-failed", "restore-cancelled"])
def test_a_missing_failure_bridge_is_found(name: str) -> None:
    with pytest.raises(NondeterminismError):
        replay(read(recorded(name)), workflows=WORKFLOWS, interceptors=[TrackingInterceptor()])


@pytest.mark.parametrize("path", RECORDED, ids=named)
def test_no_history_names_the_machine_it_was_recorded_on(path: Path) -> None:
    text = path.read_text()
    # What has been scrubbed has nothing more to scrub.
    assert written(scrub(json.loads(text))) == text
    assert len(text) < LARGEST


def test_scrubbing_knows_a_path_from_a_ref_and_a_url() -> None:
    failure = {
        "message": "fatal: '/srv/git/environment.git' is gone",
        "stackTrace": 'File "/srv/app/x.py", line 1',
        "identity": "12@host.example",
        "cause": {"message": "see http://127.0.0.1:1/operations/1 for refs/heads/main or a/b.json"},
    }
    assert scrub(failure) == {
        "message": "fatal: '<path>' is gone",
        "identity": WORKER,
        "cause": failure["cause"],
    }
