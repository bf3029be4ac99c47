from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from models.access import Role
from models.environment import Environment
from models.errors import DispatchFailed, StartUnconfirmed
from tests.clients import fields_of
from tests.world import ABSENT, COMPOSE, World


def test_it_starts_an_operation_and_says_where_its_run_is(api_world: World) -> None:
    response = api_world.api.start_compose("before", role=Role.OPERATOR)
    run = response.get_json()
    assert response.status_code == 202
    assert (run["status"], run["outcome"], run["deduplicated"]) == ("queued", "pending", False)
    assert (run["initiator_kind"], run["initiator_name"]) == ("token", "own operator")
    assert run["context"]["input"] == {"ref": "before"}
    assert run["context"]["dispatch"]["dispatched_at"] is not None
    assert response.headers["Location"] == f"/api/v1/operations/{run['id']}"
    assert [start.workflow_id for start in api_world.engine.starts] == [
        f"operation-run.v1.{COMPOSE}.{run['id']}"
    ]


def test_it_tells_temporal_names_as_they_are_and_not_as_markdown(api_world: World) -> None:
    with api_world.services.database.transaction() as session:
        session.get_one(
            Environment, api_world.environment.id
        ).name = "[the run](https://example.org/) <img src=x>"
    api_world.api.start_compose("before", role=Role.OPERATOR)
    assert api_world.engine.starts[-1].summary == (
        r"Environment review of \[the run\](https://example.org/) \<img src=x\> from before"
    )


def test_it_shows_a_run_with_its_message_and_links(api_world: World) -> None:
    started = api_world.api.start_compose().get_json()
    run = api_world.api.get(f"/api/v1/operations/{started['id']}", role=Role.READER).get_json()
    assert run.pop("waiting") == {"code": "starting", "sentence": "It was asked for a moment ago."}
    assert run == started
    assert all(run["message"][part] for part in ("code", "title", "body", "next"))
    assert run["links"] == {
        "html": f"http://runs.example/operations/{run['id']}",
        "temporal": "http://temporal.example/namespaces/default/workflows/"
        f"operation-run.v1.environment.review.compose.{run['id']}",
        "related": None,
    }


def test_it_answers_the_same_work_with_the_run_that_is_there(api_world: World) -> None:
    first, second = api_world.api.start_compose(), api_world.api.start_compose()
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.get_json()["id"] == first.get_json()["id"]
    assert second.get_json()["deduplicated"] is True
    assert second.headers["Location"] == first.headers["Location"]
    assert len(api_world.engine.starts) == 1


def test_it_answers_a_replayed_key_with_the_same_run(api_world: World) -> None:
    headers = {"Idempotency-Key": "k" * 255}
    first = api_world.api.start_compose("before", headers=headers)
    second = api_world.api.start_compose("before", headers=headers)
    assert (first.status_code, second.status_code) == (202, 200)
    assert second.get_json()["id"] == first.get_json()["id"]


def test_it_refuses_a_replayed_key_with_another_body(api_world: World) -> None:
    api_world.api.start_compose("before", headers={"Idempotency-Key": "k"})
    response = api_world.api.start_compose("main", headers={"Idempotency-Key": "k"})
    assert (response.status_code, response.get_json()["code"]) == (409, "idempotency_key_reused")
    assert fields_of(response) == ["input.ref"]


def test_it_keeps_the_keys_of_workspaces_apart(api_world: World) -> None:
    headers = {"Idempotency-Key": "k"}
    body = {"type": COMPOSE, "environment_id": str(api_world.foreign_api.environment.id), "input": {}}
    assert api_world.api.start_compose(headers=headers).status_code == 202
    assert api_world.foreign_api.post("/api/v1/operations", body, headers=headers).status_code == 202


@pytest.mark.parametrize("key", ["", "k" * 256, "two words", "kéy"])
def test_it_refuses_a_malformed_key(api_world: World, key: str) -> None:
    response = api_world.api.start_compose(headers={"Idempotency-Key": key})
    assert response.status_code == 422
    assert fields_of(response) == ["Idempotency-Key"]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"type": "review.compose"}, "type"),
        ({"type": "RESTORE.EXECUTE"}, "type"),
        ({"type": 7}, "type"),
        ({"environment_id": 7}, "environment_id"),
        ({"input": []}, "input"),
        ({"input": {"ref": 7}}, "input.ref"),
        ({"input": {"ref": "\x00"}}, "input.ref"),
        ({"input": {"branch": "main"}}, "input.branch"),
        ({"input": {"workspace_id": ABSENT}}, "input.workspace_id"),
        ({"input": {"environment_id": ABSENT}}, "input.environment_id"),
        ({"type": "restore.execute", "input": {}}, "input.restore_plan_id"),
        ({"type": "restore.execute", "input": {"restore_plan_id": "x"}}, "input.restore_plan_id"),
        ({"type": "restore.execute", "input": {"restore_plan_id": ABSENT}}, "input.restore_plan_id"),
        ({"more": 1}, "more"),
    ],
)
def test_it_names_the_field_of_a_bad_request(api_world: World, given: Mapping[str, Any], field: str) -> None:
    body = {"type": COMPOSE, "environment_id": str(api_world.environment.id), "input": {}}
    response = api_world.api.post("/api/v1/operations", {**body, **given})
    assert response.status_code == 422
    assert fields_of(response) == [field]
    assert api_world.engine.starts == []


def test_it_names_the_known_types_to_who_asks_for_another(api_world: World) -> None:
    body = {"type": "backup", "environment_id": str(api_world.environment.id), "input": {}}
    problem = api_world.api.post("/api/v1/operations", body).get_json()
    assert problem["code"] == "unknown_operation_type"
    assert "environment.review.compose, restore.execute" in problem["detail"]


def test_it_refuses_the_plan_of_another_environment(api_world: World) -> None:
    plan = api_world.api.make_plan()
    body = {
        "type": "restore.execute",
        "environment_id": str(api_world.foreign_api.environment.id),
        "input": {"restore_plan_id": plan},
    }
    response = api_world.foreign_api.post("/api/v1/operations", body)
    assert response.status_code == 422
    assert fields_of(response) == ["input.restore_plan_id"]


def test_it_refuses_another_restore_while_one_is_active_and_names_it(api_world: World) -> None:
    first = api_world.api.start_restore(api_world.api.make_plan("one"))
    assert first.status_code == 202
    response = api_world.api.start_restore(api_world.api.make_plan("two"))
    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (409, "restore_in_progress")
    assert problem["run_id"] == first.get_json()["id"]


def test_it_answers_with_the_failed_run_where_temporal_refuses_the_start(api_world: World) -> None:
    api_world.engine.error = DispatchFailed("INVALID_ARGUMENT: no such queue")
    response = api_world.api.start_compose()
    run = response.get_json()
    assert response.status_code == 202
    assert (run["status"], run["outcome"]) == ("completed", "failed")
    assert run["message"]["code"] == "dispatch_failed"
    assert [failure["code"] for failure in run["failures"]] == ["dispatch_failed"]
    assert "reconciliation" not in run["context"]


def test_it_answers_with_the_queued_run_where_temporal_does_not_answer(api_world: World) -> None:
    api_world.engine.error = StartUnconfirmed()
    response = api_world.api.start_compose()
    run = response.get_json()
    assert response.status_code == 202
    assert (run["status"], run["outcome"]) == ("queued", "pending")
    assert run["context"]["dispatch"]["dispatched_at"] is None


def _listed(api_world: World, query: str) -> list[str]:
    response = api_world.api.get(f"/api/v1/operations?{query}")
    assert response.status_code == 200, response.get_json()
    return [run["id"] for run in response.get_json()["items"]]


def test_it_lists_runs_by_any_filter(api_world: World) -> None:
    run = api_world.api.start_compose().get_json()["id"]
    for query in (
        "",
        "workspace=own",
        f"workspace={api_world.workspace.id}",
        "environment=production",
        f"environment={api_world.environment.id}",
        "type=environment.review.compose",
        "status=queued",
        "outcome=pending",
        "q=own+owner",
        "initiator=own+owner",
        "created_after=2020-01-01&created_before=2099-12-31T23:59:59Z",
    ):
        assert _listed(api_world, query) == [run], query
    for query in (
        "workspace=foreign",
        f"environment={api_world.foreign_api.environment.id}",
        f"environment={ABSENT}",
        "type=restore.execute",
        "status=running",
        "outcome=failed",
        "q=%25",
        "initiator=own",
        "created_after=2099-01-01",
        "created_before=2020-01-01T00:00:00%2B02:00",
    ):
        assert _listed(api_world, query) == [], query


@pytest.mark.parametrize(
    "query",
    [
        "type=review",
        "status=done",
        "outcome=ok",
        "created_after=soon",
        "created_before=0001-01-01T00:00:00%2B14:00",
        "after=x",
        "limit=0",
        "limit=201",
    ],
)
def test_it_names_the_filter_that_cannot_be_used(api_world: World, query: str) -> None:
    response = api_world.api.get(f"/api/v1/operations?{query}")
    assert response.status_code == 422
    assert fields_of(response) == [query.split("=", maxsplit=1)[0]]


def test_it_pages_through_runs_newest_first(api_world: World) -> None:
    runs = [api_world.api.start_compose(ref).get_json()["id"] for ref in ("one", "two", "three")]
    seen, after = [], ""
    for _ in runs:
        page = api_world.api.get(f"/api/v1/operations?limit=1{after}").get_json()
        seen += [run["id"] for run in page["items"]]
        after = f"&after={page['next']}"
    assert seen == runs[::-1]
    assert page["next"] is None
    assert [UUID(run).version for run in seen] == [7, 7, 7]
