from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from models.access import Role
from models.base import utc_now
from models.catalog import OperationType
from models.contracts.restore_execute import RestoreExecuteInput
from models.correlation import Correlation
from models.errors import DispatchFailed, StartUnconfirmed
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN
from services.engine.port import WorkflowView
from services.runs.queries import transitions_of
from services.runs.service import OperationRunService
from tests.clients import fields_of
from tests.runs.contexts import push_of
from tests.world import ABSENT, COMPOSE, World

ACTORS = [Role.OWNER, Role.OPERATOR]
ONLOOKERS = [Role.REVIEWER, Role.READER]


def started(api_world: World) -> str:
    run_id: str = api_world.api.start_compose().get_json()["id"]
    return run_id


def cancel(api_world: World, run_id: str, body: Any = None, **given: Any) -> TestResponse:
    return api_world.api.post(f"/api/v1/operations/{run_id}/cancel", body, **given)


def reconcile(api_world: World, run_id: str, body: Any = None, **given: Any) -> TestResponse:
    return api_world.api.post(f"/api/v1/operations/{run_id}/reconcile", body, **given)


def workflow_id(run_id: str) -> str:
    return f"operation-run.v1.{COMPOSE}.{run_id}"


def terminated(api_world: World) -> str:
    """Start a run whose workflow somebody has ended from outside."""
    run_id = started(api_world)
    api_world.engine.close(workflow_id(run_id), "terminated")
    return run_id


def row(api_world: World, run_id: str) -> str:
    """Return a run's row as PostgreSQL holds it, to the byte, its version included."""
    with api_world.services.database.transaction() as session:
        statement = text("SELECT run::text || run.xmin::text FROM operation_runs run WHERE id = :id")
        found: str = session.execute(statement, {"id": run_id}).scalar_one()
        return found


@pytest.mark.parametrize("role", ACTORS)
@pytest.mark.parametrize("body", [None, {}])
def test_a_cancellation_is_asked_for_and_delivered(api_world: World, role: Role, body: Any) -> None:
    run_id = started(api_world)

    response = cancel(api_world, run_id, body, role=role)

    run = response.get_json()
    assert response.status_code == 202
    assert (run["id"], run["status"], run["outcome"]) == (run_id, "queued", "pending")
    assert run["message"]["code"] == "cancellation_requested"
    cancellation = run["context"]["cancellation"]
    assert cancellation.pop("requested_at")
    assert cancellation.pop("delivered_at")
    assert cancellation == {
        "requested_by": f"own {role}",
        "acknowledged_at": None,
        "point_of_no_return": None,
    }
    assert api_world.engine.cancelled == [workflow_id(run_id)]


def test_asking_again_answers_the_same(api_world: World) -> None:
    run_id = started(api_world)
    first = cancel(api_world, run_id)

    second = cancel(api_world, run_id, role=Role.OPERATOR)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.get_json() == first.get_json()
    assert len(api_world.engine.cancelled) == 1


def test_a_cancellation_that_could_not_be_delivered_is_kept(api_world: World) -> None:
    run_id = started(api_world)
    api_world.engine.is_away = True

    response = cancel(api_world, run_id)

    assert response.status_code == 202
    assert response.get_json()["context"]["cancellation"]["delivered_at"] is None


def test_a_restore_names_the_commit_that_cancelling_cannot_undo(api_world: World) -> None:
    plan_id = api_world.api.make_plan()
    run_id = api_world.api.start_restore(plan_id).get_json()["id"]
    with api_world.services.database.transaction() as session:
        service = OperationRunService(session)
        correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=UUID(run_id))
        service.start(
            correlation,
            RestoreExecuteInput(
                workspace_id=api_world.workspace.id,
                environment_id=api_world.environment.id,
                restore_plan_id=UUID(plan_id),
            ),
        )
        service.begin_push(UUID(run_id), [push_of("c0ffee" * 6 + "abcd")], earlier=0)

    cancellation = cancel(api_world, run_id).get_json()["context"]["cancellation"]

    assert cancellation["point_of_no_return"] == "c0ffee" * 6 + "abcd"


def test_a_run_that_has_ended_cannot_be_cancelled(api_world: World) -> None:
    run_id = terminated(api_world)
    reconcile(api_world, run_id)
    before = row(api_world, run_id)

    response = cancel(api_world, run_id)

    assert (response.status_code, response.get_json()["code"]) == (409, "already_completed")
    assert row(api_world, run_id) == before


@pytest.mark.parametrize("action", ["cancel", "reconcile"])
@pytest.mark.parametrize("role", ONLOOKERS)
def test_who_may_only_look_may_not_act(api_world: World, action: str, role: Role) -> None:
    run_id = terminated(api_world)
    before = row(api_world, run_id)

    response = api_world.api.post(f"/api/v1/operations/{run_id}/{action}", {"more": 1}, role=role)

    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
    assert row(api_world, run_id) == before


@pytest.mark.parametrize("action", ["cancel", "reconcile"])
def test_what_is_out_of_scope_looks_like_what_is_missing(api_world: World, action: str) -> None:
    run_id = terminated(api_world)
    before = row(api_world, run_id)

    foreign = api_world.foreign_api.post(f"/api/v1/operations/{run_id}/{action}")
    missing = api_world.foreign_api.post(f"/api/v1/operations/{ABSENT}/{action}")
    malformed = api_world.foreign_api.post(f"/api/v1/operations/run/{action}")
    customer = api_world.api.post(f"/api/v1/operations/{run_id}/{action}", role=Role.CUSTOMER)

    answers = [(each.status_code, each.get_json()) for each in (foreign, missing, malformed, customer)]
    assert answers == [(404, answers[0][1])] * 4
    assert row(api_world, run_id) == before


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("cancel", {"force": True}, "force"),
        ("reconcile", {"dry_run": "yes"}, "dry_run"),
        ("reconcile", {"dry_run": None}, "dry_run"),
        ("reconcile", {"dryrun": True}, "dryrun"),
        ("reconcile", [], "body"),
    ],
)
def test_it_names_the_field_of_a_bad_body(api_world: World, action: str, body: Any, field: str) -> None:
    run_id = terminated(api_world)

    response = api_world.api.post(f"/api/v1/operations/{run_id}/{action}", body)

    assert response.status_code == 422
    assert fields_of(response) == [field]
    assert api_world.api.get(f"/api/v1/operations/{run_id}").get_json()["status"] == "queued"


def test_a_dry_run_says_what_it_would_decide_and_writes_nothing(api_world: World) -> None:
    run_id = terminated(api_world)
    before = row(api_world, run_id)

    response = reconcile(api_world, run_id, {"dry_run": True}, role=Role.OPERATOR)

    assert response.status_code == 200
    assert response.get_json() == {
        "result": "decision",
        "decision": {
            "adapter": COMPOSE,
            "outcome": "failed",
            "reason_code": "review_not_composed",
            "related": None,
            "evidence": {"cause": "terminated", "matching_reviews": 0},
        },
        "facts": {
            "execution": {"state": "closed", "cause": "terminated"},
            "cancellation_asked": False,
            "matches": [],
        },
    }
    assert row(api_world, run_id) == before
    with api_world.services.database.transaction() as session:
        assert len(transitions_of(session, UUID(run_id))) == 1


@pytest.mark.parametrize("body", [None, {}, {"dry_run": False}])
def test_a_check_settles_the_run_for_the_one_who_asked(api_world: World, body: Any) -> None:
    run_id = terminated(api_world)
    foreseen = reconcile(api_world, run_id, {"dry_run": True}).get_json()

    response = reconcile(api_world, run_id, body, role=Role.OPERATOR)

    assert (response.status_code, response.get_json()) == (200, foreseen)
    run = api_world.api.get(f"/api/v1/operations/{run_id}").get_json()
    assert (run["status"], run["outcome"]) == ("completed", "failed")
    assert run["context"]["reconciliation"]["source"] == "operator"
    with api_world.services.database.transaction() as session:
        last = transitions_of(session, UUID(run_id))[-1]
    assert (last.actor_kind, last.actor_name) == ("token", "own operator")


def test_the_same_check_again_changes_no_byte(api_world: World) -> None:
    run_id = terminated(api_world)
    first = reconcile(api_world, run_id).get_json()
    before = row(api_world, run_id)

    second = reconcile(api_world, run_id).get_json()

    assert second == first
    assert row(api_world, run_id) == before


def test_a_run_whose_workflow_is_open_is_not_decided(api_world: World) -> None:
    run_id = started(api_world)
    before = row(api_world, run_id)

    dry = reconcile(api_world, run_id, {"dry_run": True}).get_json()

    assert (dry["result"], dry["decision"]) == ("no_decision", None)
    assert dry["facts"]["execution"] == {"state": "open", "cause": None}
    assert row(api_world, run_id) == before
    assert reconcile(api_world, run_id).get_json()["result"] == "no_decision"
    assert api_world.api.get(f"/api/v1/operations/{run_id}").get_json()["status"] == "queued"


def test_a_success_is_never_taken_back(api_world: World) -> None:
    run_id = started(api_world)
    with api_world.services.database.transaction() as session:
        service = OperationRunService(session)
        correlation = Correlation(operation_type=OperationType(COMPOSE), run_id=UUID(run_id))
        service.start(correlation, api_world.engine.starts[-1].operation_input)
        service.succeed(correlation, reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={})
    api_world.engine.close(workflow_id(run_id), None)
    before = row(api_world, run_id)

    answers = [reconcile(api_world, run_id, {"dry_run": dry}).get_json() for dry in (True, False)]

    assert [answer["decision"]["outcome"] for answer in answers] == ["failed", "failed"]
    assert row(api_world, run_id) == before


def test_a_type_without_an_adapter_is_unsupported(api_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = terminated(api_world)
    monkeypatch.setattr(api_world.services.check._reconciler._registry, "find", lambda _: None)

    answers = [reconcile(api_world, run_id, {"dry_run": dry}).get_json() for dry in (True, False)]

    assert answers == [{"result": "unsupported", "decision": None, "facts": None}] * 2


@pytest.mark.parametrize("body", [{"dry_run": True}, {}])
def test_a_check_concludes_nothing_where_the_engine_does_not_answer(api_world: World, body: Any) -> None:
    run_id = terminated(api_world)
    before = row(api_world, run_id)
    api_world.engine.is_away = True

    response = reconcile(api_world, run_id, body)

    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (503, "engine_unavailable")
    assert problem["request_id"]
    assert "nobody there" not in response.text
    assert row(api_world, run_id) == before


def test_a_run_that_waits_says_why_where_it_is_shown_by_itself(api_world: World) -> None:
    run_id = started(api_world)

    shown = api_world.api.get(f"/api/v1/operations/{run_id}").get_json()
    listed = api_world.api.get("/api/v1/operations").get_json()["items"][0]

    assert shown["waiting"]["code"] == "starting"
    assert "waiting" not in listed


def test_a_run_that_fails_over_and_over_is_ended_and_settled(api_world: World) -> None:
    run_id = started(api_world)
    long_ago = api_world.services.check._clock().replace(year=2020)
    api_world.engine.views[workflow_id(run_id)] = WorkflowView(
        execution=OPEN, started_at=long_ago, failing_attempts=5, failing_since=long_ago
    )

    dry = reconcile(api_world, run_id, {"dry_run": True}).get_json()
    assert (dry["result"], api_world.engine.terminated) == ("no_decision", [])

    settled = reconcile(api_world, run_id).get_json()
    assert settled["decision"]["evidence"]["cause"] == "task_failing"
    assert api_world.engine.terminated == [workflow_id(run_id)]


def test_a_cancelled_run_stays_cancelled_when_it_is_checked_after_the_engine_forgot_it(
    api_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    api_world.engine.error = StartUnconfirmed()
    run_id = started(api_world)
    api_world.engine.views.clear()
    cancel(api_world, run_id)
    later = utc_now() + timedelta(minutes=1)
    monkeypatch.setattr(api_world.services.check, "_clock", lambda: later)
    first = reconcile(api_world, run_id).get_json()
    before = row(api_world, run_id)

    again = reconcile(api_world, run_id).get_json()

    assert (first["decision"]["outcome"], first["facts"]["execution"]["cause"]) == (
        "cancelled",
        "never_started",
    )
    assert again == first
    assert row(api_world, run_id) == before


def test_a_run_that_could_not_be_handed_over_has_nothing_to_settle(api_world: World) -> None:
    api_world.engine.error = DispatchFailed("INVALID_ARGUMENT: no such queue")
    run_id = started(api_world)
    api_world.engine.views.clear()
    before = row(api_world, run_id)

    answers = [reconcile(api_world, run_id, {"dry_run": dry}).get_json()["result"] for dry in (True, False)]

    assert answers == ["no_decision", "no_decision"]
    assert row(api_world, run_id) == before
