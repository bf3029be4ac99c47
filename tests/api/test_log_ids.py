"""A line of the log names the run, the workflow and the request that it is about."""

import json
from collections.abc import Sequence
from uuid import uuid4

import pytest
from structlog.contextvars import get_contextvars, merge_contextvars
from structlog.testing import capture_logs

from models.errors import DispatchFailed, StartUnconfirmed
from tests.system import Json, System, wait_for
from tests.world import ABSENT, World


@pytest.mark.parametrize(
    ("error", "event"),
    [(StartUnconfirmed(), "start_unconfirmed"), (DispatchFailed("no such queue"), "start_refused")],
)
def test_a_start_that_fails_is_told_with_all_three(api_world: World, error: Exception, event: str) -> None:
    api_world.engine.error = error
    with capture_logs(processors=[merge_contextvars]) as lines:
        response = api_world.api.start_compose()
    (line,) = [line for line in lines if line["event"] == event]
    run = response.get_json()
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert line["run_id"] == run["id"]
    assert line["workflow_id"] == f"operation-run.v1.{run['type']}.{run['id']}"


def test_a_request_about_a_run_names_it_in_every_line(
    api_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("web.api.runs.authorized", fail)
    run_id = str(uuid4())
    with capture_logs(processors=[merge_contextvars]) as lines:
        response = api_world.api.get(f"/api/v1/operations/{run_id}")
    assert response.status_code == 500
    (line,) = [line for line in lines if line["event"] == "request_failed"]
    assert (line["run_id"], line["request_id"]) == (run_id, response.headers["X-Request-ID"])


@pytest.mark.parametrize(
    "path", [f"/api/v1/operations/{ABSENT}", f"/operations/{ABSENT}", "/" + "x" * 5000], ids=len
)
def test_a_request_leaves_no_ids_behind(api_world: World, path: str) -> None:
    """The thread that answered it goes on to other requests, and to lines of the server's own."""
    api_world.app.test_client().get(path)
    assert get_contextvars() == {}


def test_a_worker_names_run_workflow_and_step(system: System) -> None:
    run = system.compose(system.environment(system.repository({"a.json": "1"}).url), "nowhere")
    system.settled(run)
    (line,) = wait_for(lambda: lines_about(system, run), what="the worker's line about the run")
    assert line["workflow_id"] == f"operation-run.v1.{run['type']}.{run['id']}"
    assert (line["operation_type"], line["step"]) == (run["type"], "settle_run")


def lines_about(system: System, run: Json) -> Sequence[Json]:
    log = system.ready_file.parent / "data" / "logs" / "worker.log"
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("run_id") == run["id"] and line["event"] == "run_reconciled"]
