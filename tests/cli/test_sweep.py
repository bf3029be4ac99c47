"""`operationrun sweep`, against a real Temporal."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from models.base import utc_now
from models.operation_run import OperationRun
from runtime.cli.main import run_command
from runtime.temporal.setup import SWEEP_SCHEDULE
from services.database.session import Database
from tests.factories import compose_input, make_environment, request
from tests.system import System, wait_for
from tests.temporal_cli import TemporalCli

Run = Callable[..., Any]

SWEEPS = "WorkflowType = 'operation-run.sweep'"


@pytest.fixture(autouse=True)
def temporal(settings_in_environment: pytest.MonkeyPatch, idle_system: System) -> TemporalCli:
    settings_in_environment.setenv("OPERATIONRUN_TEMPORAL_ADDRESS", idle_system.ready["temporal_address"])
    return TemporalCli(idle_system)


@pytest.fixture
def unconfirmed(database: Database) -> OperationRun:
    """A run whose start never reached Temporal."""
    with database.transaction() as session:
        wanted = compose_input(make_environment(session), None)
        return request(session, wanted, clock=lambda: utc_now() - timedelta(minutes=5)).run


@pytest.fixture
def schedule(temporal: TemporalCli) -> Iterator[Callable[[], int]]:
    """How many sweeps the schedule has started; it starts none by itself meanwhile."""

    def toggle(flag: str) -> None:
        temporal("schedule", "toggle", "--schedule-id", SWEEP_SCHEDULE, flag, "--reason", "a test")

    def started() -> int:
        return int(temporal("workflow", "count", "--query", SWEEPS)["count"])

    def newest() -> datetime:
        # A system that has just started lists none yet, and its first one comes within seconds.
        listed = wait_for(
            lambda: temporal("workflow", "list", "--query", SWEEPS, "--limit", "1"), what="a sweep"
        )
        return datetime.fromisoformat(listed[0]["startTime"])

    newest()
    toggle("--pause")
    try:
        # Temporal names a sweep by the second: one that is triggered within another's would not start.
        wait_for(lambda: utc_now() - newest() > timedelta(seconds=1), what="the last sweep's second to pass")
        yield started
    finally:
        toggle("--unpause")


def test_a_dry_run_says_what_a_sweep_would_do_and_does_nothing(
    run: Run, database: Database, unconfirmed: OperationRun
) -> None:
    told = run("sweep", "--dry-run")

    assert (told["dry_run"], told["is_whole"]) == (True, True)
    assert [row for row in told["rows"] if row["run_id"] == str(unconfirmed.id)] == [
        {
            "run_id": str(unconfirmed.id),
            "step": "dispatch",
            "workflow": "not_found",
            "outcome": None,
            "reason_code": None,
            "cause": None,
            "why": "Temporal never confirmed the start and has no such workflow.",
        }
    ]
    with database.transaction() as session:
        left = session.get_one(OperationRun, unconfirmed.id)
    assert (left.context_json, left.updated_at) == (unconfirmed.context_json, unconfirmed.updated_at)


def test_people_read_a_table_and_how_many(
    unconfirmed: OperationRun, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["sweep", "--dry-run"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["run_id", "step", "workflow", "outcome", "reason_code", "cause", "why"]
    assert [line.split()[1:3] for line in lines if line.startswith(str(unconfirmed.id))] == [
        ["dispatch", "not_found"]
    ]
    assert lines[-1].startswith("Nothing was changed. A sweep would: ")


def test_without_it_a_worker_is_to_sweep_once_now(run: Run, schedule: Callable[[], int]) -> None:
    before = schedule()

    assert run("sweep") == {"dry_run": False, "requested": True}
    (entry,) = run("audit", "list", "--act", "sweep_triggered")["items"]
    assert entry["workspace_id"] is None

    wait_for(lambda: schedule() > before, what="the schedule to start a sweep")


def test_a_namespace_without_the_schedule_is_told_apart(
    settings_in_environment: pytest.MonkeyPatch, temporal: TemporalCli, capsys: pytest.CaptureFixture[str]
) -> None:
    temporal("operator", "namespace", "create", "--namespace", "without-sweep")
    settings_in_environment.setenv("OPERATIONRUN_TEMPORAL_NAMESPACE", "without-sweep")
    wait_for(lambda: _says(capsys, "operationrun setup-temporal"), what="the namespace to be known")


@pytest.mark.parametrize("arguments", [["sweep"], ["sweep", "--dry-run"]])
def test_a_temporal_that_does_not_answer_is_an_error(
    settings_in_environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    settings_in_environment.setenv("OPERATIONRUN_TEMPORAL_ADDRESS", "127.0.0.1:1")

    assert run_command(arguments) == 1

    assert re.search("did not answer|nothing answers", capsys.readouterr().err)


def _says(capsys: pytest.CaptureFixture[str], text: str) -> bool:
    assert run_command(["sweep"]) == 1
    return text in capsys.readouterr().err
