"""An ending that a rule foresees is one line of a worker's log, without a traceback."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs
from temporalio.exceptions import ApplicationError, CancelledError

from runtime.telemetry.expected_failures import report_failures
from tests.slow_remotes import silence, speak
from tests.system import Json, System, wait_for
from tests.temporal_cli import TemporalCli

COMPOSE = "environment.review.compose"
RUN_ID = "01890000-0000-7000-8000-000000000000"
WORKFLOW_ID = f"operation-run.v1.{COMPOSE}.{RUN_ID}"
# A line of ids and codes, in bytes; the SDK's has a traceback, and takes thousands.
LINE = 700


@pytest.fixture(autouse=True)
def reporting() -> Iterator[logging.Logger]:
    logger = logging.getLogger("temporalio.activity")
    earlier = list(logger.filters)
    report_failures()
    yield logger
    logger.filters[:] = earlier


def failed(error: Exception, step: str = "apply_plan", *, attempt: int = 2) -> list[Json]:
    """Return the lines that a failed attempt writes, logged as the SDK does."""
    details = {"workflow_id": WORKFLOW_ID, "activity_type": step, "attempt": attempt}
    extra = {"temporal_activity": details, "__temporal_error_identifier": "ActivityFailure"}
    with capture_logs() as lines:
        logging.getLogger("temporalio.activity").warning("Failed", exc_info=error, extra=extra)
    return [dict(line) for line in lines]


def refusal(code: str, *, retryable: bool = False) -> ApplicationError:
    return ApplicationError("The remote said no.", type=code, non_retryable=not retryable)


@pytest.mark.parametrize(
    ("error", "step"),
    [
        (refusal("run_refused"), "collect_evidence"),
        (refusal("push_raced", retryable=True), "apply_plan"),
        (refusal("environment_unreachable", retryable=True), "collect_evidence"),
        (refusal("no_decision", retryable=True), "settle_run"),
        (refusal("environment_unreachable"), "settle_run"),
    ],
    ids=str,
)
def test_a_foreseen_failure_that_settles_nothing_is_one_line(error: ApplicationError, step: str) -> None:
    assert failed(error, step) == [
        {
            "event": "step_failed",
            "log_level": "warning",
            "run_id": RUN_ID,
            "workflow_id": WORKFLOW_ID,
            "step": step,
            "attempt": 2,
            "code": error.type,
            "detail": "The remote said no.",
        }
    ]


@pytest.mark.parametrize("code", ["ref_not_found", "push_refused", "environment_changed", "input_refused"])
def test_a_failure_that_ends_its_run_is_left_to_the_line_of_the_settling(code: str) -> None:
    assert failed(refusal(code)) == []


def test_a_step_that_was_stopped_has_no_traceback() -> None:
    (line,) = failed(CancelledError("cancelled at a safe point"))

    assert (line["event"], line["run_id"], "exc_info" in line) == ("step_stopped", RUN_ID, False)


@pytest.mark.parametrize(
    "error",
    [
        refusal("unexpected_error"),
        refusal("lifecycle_write_error"),
        refusal("not_found"),
        refusal("somebody_elses", retryable=True),
        ValueError("a bug"),
    ],
    ids=str,
)
def test_what_no_rule_foresees_keeps_its_traceback(error: Exception) -> None:
    (line,) = failed(error)

    assert (line["event"], line["run_id"], line["exc_info"]) == ("step_failed", RUN_ID, error)


def test_other_lines_of_the_sdk_stay(reporting: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    with capture_logs() as lines:
        reporting.error("Failed completing activity task", exc_info=refusal("run_refused"))

    assert (caplog.messages, lines) == (["Failed completing activity task"], [])


def lines_of(log: Path, run_id: str) -> list[str]:
    return [line for line in log.read_text().splitlines() if run_id in line]


def refused(temporal: TemporalCli, workflow_id: str, environment: Json, workspace_id: str) -> None:
    """Start a workflow that may not act, and wait until it has failed."""
    scope = {"workspace_id": workspace_id, "environment_id": environment["id"]}
    temporal.start(workflow_id, COMPOSE, scope)
    wait_for(lambda: temporal.status(workflow_id) == "failed", what="the workflow to be refused")


def refused_by_the_remote(system: System) -> Json:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    repository.hook("pre-receive", "echo protected branch; exit 1")
    return system.restore(environment, plan)


def test_each_expected_ending_is_one_line_of_the_workers_log(idle_system: System, tmp_path: Path) -> None:
    log, temporal = tmp_path / "worker.log", TemporalCli(idle_system)
    repository = idle_system.repository({"a.json": "1"})
    environment = idle_system.environment(repository.url)
    no_run, elsewhere = str(uuid4()), str(uuid4())

    with idle_system.worker(log=log):
        refused(temporal, no_run, environment, environment["workspace_id"])
        refused(temporal, f"operation-run.v1.{COMPOSE}.{elsewhere}", environment, str(uuid4()))
        without_ref = idle_system.settled(idle_system.compose(environment, "nowhere"))
        blocked = idle_system.settled(refused_by_the_remote(idle_system))
        silence(repository)
        run = idle_system.running(idle_system.compose(environment))
        idle_system.post(f"/operations/{run['id']}/cancel", {}, expect=202)
        cancelled = idle_system.settled(run)
    speak(repository)

    runs = (without_ref, blocked, cancelled)
    assert [each["outcome"] for each in runs] == ["failed", "blocked", "cancelled"]
    for run_id in (no_run, elsewhere, *(each["id"] for each in runs)):
        found = lines_of(log, run_id)
        assert [len(line.encode()) <= LINE for line in found] == [True], found
    (settled,) = map(json.loads, lines_of(log, without_ref["id"]))
    assert (settled["event"], settled["failure"]) == ("run_reconciled", "ref_not_found")
