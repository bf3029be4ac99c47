"""What platform engineers find in Temporal's console: the server's answers to its pages and commands."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runtime.temporal.search_attributes import SEARCH_ATTRIBUTES
from tests.slow_remotes import gate_of, held_restore, silence, speak
from tests.system import MANY, Json, System, wait_for
from tests.temporal_cli import TemporalCli

CONSOLE = Path(__file__).parents[2] / "docs" / "console.md"
COMPOSE, RESTORE = "environment.review.compose", "restore.execute"
# The payloads as they are, in every command alike.
RAW = "--no-json-shorthand-payloads"
OURS = {"OperationRunId", "OperationType", "WorkspaceId", "EnvironmentId", "OperationOutcome"}


@pytest.fixture
def temporal(system: System) -> TemporalCli:
    return TemporalCli(system)


def asked_for(system: System, operation_type: str) -> tuple[Json, Json]:
    """Return a new environment and a run of the type on it, of two steps."""
    repository = system.repository(MANY)
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    if operation_type == COMPOSE:
        return environment, system.compose(environment)
    return environment, system.restore(environment, system.plan(environment, "release-1"))


def workflow_id_of(run: Json) -> str:
    return f"operation-run.v1.{run['type']}.{run['id']}"


def value(payload: Json) -> Any:
    return json.loads(base64.b64decode(payload["data"]))


def described(temporal: TemporalCli, run: Json) -> Json:
    found: Json = temporal("workflow", "describe", "--workflow-id", workflow_id_of(run), RAW)
    return found


def search_attributes(described: Json) -> Json:
    fields = described["workflowExecutionInfo"]["searchAttributes"]["indexedFields"]
    return {name: value(payload) for name, payload in fields.items() if name in OURS}


def current_details(temporal: TemporalCli, run: Json) -> str:
    found = temporal("workflow", "metadata", "--workflow-id", workflow_id_of(run))
    details: str = found["queryResult"][0].get("currentDetails", "")
    return details


def found_by(temporal: TemporalCli, query: str) -> set[str]:
    return {each["execution"]["workflowId"] for each in temporal("workflow", "list", "--query", query)}


def wait_until_found(temporal: TemporalCli, query: str, run: Json) -> None:
    """Wait until a query finds that one workflow and no other: visibility lags a little behind."""
    wait_for(lambda: found_by(temporal, query) == {workflow_id_of(run)}, what=f"{query} to find {run['id']}")


@pytest.fixture(params=[COMPOSE, RESTORE])
def ended(request: pytest.FixtureRequest, system: System) -> tuple[Json, Json]:
    environment, run = asked_for(system, request.param)
    run = system.settled(run)
    assert run["outcome"] == "succeeded", run["message"]
    return environment, run


def test_a_run_is_told_in_words_and_by_its_search_attributes(
    system: System, temporal: TemporalCli, ended: tuple[Json, Json]
) -> None:
    environment, run = ended
    wait_for(lambda: temporal.status(workflow_id_of(run)) == "completed", what="the workflow to close")

    shown = described(temporal, run)

    assert search_attributes(shown) == {
        "OperationRunId": run["id"],
        "OperationType": run["type"],
        "WorkspaceId": environment["workspace_id"],
        "EnvironmentId": environment["id"],
        "OperationOutcome": "succeeded",
    }
    words = shown["executionConfig"]["userMetadata"]
    label = {COMPOSE: "Environment review", RESTORE: "Restore"}[run["type"]]
    assert value(words["summary"]).startswith(f"{label} of {environment['name']}")
    page = f"{system.ready['web_url']}/operations/{run['id']}"
    assert f"]({page})" in value(words["details"])
    assert run["initiator_name"] in value(words["details"])
    assert "succeeded" in current_details(temporal, run)


def test_every_step_says_in_the_event_list_what_it_does(
    temporal: TemporalCli, ended: tuple[Json, Json]
) -> None:
    _, run = ended
    history = temporal("workflow", "show", "--workflow-id", workflow_id_of(run), RAW)

    steps = [event for event in history["events"] if event["eventType"].endswith("ACTIVITY_TASK_SCHEDULED")]

    said = [value(step["userMetadata"]["summary"]) for step in steps]
    assert len({*said}) == 2
    assert all(re.fullmatch(r"[A-Z][a-z ,]+", words) for words in said), said


def test_a_run_and_its_workflow_link_to_each_other(system: System, ended: tuple[Json, Json]) -> None:
    _, run = ended
    link = run["links"]["temporal"]
    assert link.startswith(f"{system.ready['temporal_ui_url']}/")
    assert link.endswith(workflow_id_of(run))
    api = link.replace("/namespaces/", "/api/v1/namespaces/")
    answer = system.client.get(api, headers={"Authorization": ""})
    assert answer.json()["workflowExecutionInfo"]["execution"]["workflowId"] == workflow_id_of(run)


def test_a_run_that_failed_shows_its_outcome(system: System, temporal: TemporalCli) -> None:
    environment = system.environment(system.repository({"a.json": "1"}).url)
    run = system.settled(system.compose(environment, "no-such-ref"))
    wait_for(lambda: temporal.status(workflow_id_of(run)) == "failed", what="the workflow to close")
    assert search_attributes(described(temporal, run))["OperationOutcome"] == "failed"
    assert "failed" in current_details(temporal, run)


@pytest.mark.parametrize("operation_type", [COMPOSE, RESTORE])
def test_the_first_phase_is_named_while_it_lasts(
    system: System, temporal: TemporalCli, operation_type: str
) -> None:
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    silence(repository)
    run = system.compose(environment) if operation_type == COMPOSE else system.restore(environment, plan)
    wait_for(lambda: "Phase 1" in current_details(temporal, run), what="the first phase")
    assert "OperationOutcome" not in search_attributes(described(temporal, run))
    speak(repository)
    assert system.settled(run)["outcome"] == "succeeded"


def test_the_second_phase_of_a_review_is_named_while_it_lasts(system: System, temporal: TemporalCli) -> None:
    repository = system.repository(MANY)
    environment = system.environment(repository.url)
    with psycopg.connect(system.ready["database_url"]) as connection:
        # Reviews may be read, and none can be written until this transaction ends.
        connection.execute("LOCK TABLE environment_reviews IN SHARE MODE")
        run = system.compose(environment)
        wait_for(lambda: "2 of 2" in current_details(temporal, run), what="the second phase")
    assert system.settled(run)["outcome"] == "succeeded"


def test_the_second_phase_of_a_restore_is_named_while_it_lasts(system: System, temporal: TemporalCli) -> None:
    repository, _, run = held_restore(system)
    assert "2 of 2" in current_details(temporal, run)
    gate_of(repository).touch()
    assert system.settled(run)["outcome"] == "succeeded"


def test_a_run_is_found_by_what_one_knows_of_it(system: System, temporal: TemporalCli) -> None:
    repository, environment, run = held_restore(system)
    here = f"EnvironmentId = '{environment['id']}'"
    wait_until_found(temporal, f"OperationRunId = '{run['id']}'", run)
    wait_until_found(temporal, f"{here} AND ExecutionStatus = 'Running'", run)
    assert found_by(temporal, f"{here} AND OperationOutcome IS NOT NULL") == set()

    gate_of(repository).touch()
    system.settled(run)

    wait_until_found(temporal, f"{here} AND OperationOutcome = 'succeeded'", run)
    wait_until_found(temporal, f"{here} AND OperationType = 'restore.execute'", run)
    assert found_by(temporal, f"{here} AND ExecutionStatus = 'Running'") == set()


def test_a_workflow_that_could_not_say_how_it_ended_is_found_too(
    system: System, temporal: TemporalCli
) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    silence(repository)
    run = system.running(system.compose(environment))
    temporal.terminate(workflow_id_of(run))
    here = f"EnvironmentId = '{environment['id']}'"
    wait_until_found(temporal, f"{here} AND OperationOutcome IS NULL AND ExecutionStatus = 'Terminated'", run)
    assert system.settled(run)["outcome"] == "failed"


def queries_of_the_page() -> list[str]:
    block = CONSOLE.read_text().split("```sql\n")[1].split("```")[0]
    return [line for line in block.splitlines() if line and not line.startswith("--")]


@pytest.mark.parametrize("query", queries_of_the_page())
def test_temporal_takes_every_query_that_the_page_names(temporal: TemporalCli, query: str) -> None:
    assert isinstance(temporal("workflow", "list", "--query", query), list)


def test_the_page_names_every_search_attribute() -> None:
    assert {*SEARCH_ATTRIBUTES} == OURS
    page = CONSOLE.read_text()
    assert [name for name in SEARCH_ATTRIBUTES if f"`{name}`" not in page] == []


def reset(temporal: TemporalCli, run: Json, to: str) -> None:
    temporal("workflow", "reset", "--workflow-id", workflow_id_of(run), "--type", to, "--reason", "by hand")


@pytest.mark.parametrize("to", ["FirstWorkflowTask", "LastWorkflowTask"])
def test_a_reset_of_a_completed_run_changes_nothing(
    system: System, temporal: TemporalCli, ended: tuple[Json, Json], to: str
) -> None:
    _, run = ended
    workflow_id = workflow_id_of(run)
    wait_for(lambda: temporal.status(workflow_id) == "completed", what="the workflow to close")

    reset(temporal, run, to)

    wait_for(lambda: temporal.status(workflow_id) != "running", what="the reset workflow to close")
    after = system.get(f"/operations/{run['id']}")
    assert {name: after[name] for name in ("outcome", "completed_at", "context", "links")} == {
        name: run[name] for name in ("outcome", "completed_at", "context", "links")
    }


def test_a_reset_of_a_restore_under_way_goes_on_with_its_run(system: System, temporal: TemporalCli) -> None:
    repository, _, run = held_restore(system)
    reset(temporal, run, "FirstWorkflowTask")
    gate_of(repository).touch()

    run = system.settled(run)

    assert (run["outcome"], run["message"]["code"]) == ("succeeded", "restore_applied")
    trailers = repository.read("log", "--format=%(trailers:key=Operation-Run,valueonly,separator=)", "main")
    assert trailers.split() == [run["id"]]
