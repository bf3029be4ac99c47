from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from werkzeug.test import TestResponse

from models.access import Role
from models.base import utc_now
from models.catalog import OperationType
from models.contracts import RestoreExecuteInput
from models.correlation import Correlation
from models.errors import StartRefused, StartUnconfirmed
from models.reason_codes import ReasonCode
from models.reconciliation import OPEN
from services.engine.port import WorkflowView
from services.runs.queries import transitions_of
from services.runs.service import OperationRunService
from tests.feature.api.api_world import ABSENT, COMPOSE, World, fields_of

ACTORS = [Role.OWNER, Role.OPERATOR]
ONLOOKERS = [Role.REVIEWER, Role.READER]


def started(world: World) -> str:
    run_id: str = world.start_compose().get_json()["id"]
    return run_id


def cancel(world: World, run_id: str, body: Any = None, **given: Any) -> TestResponse:
    return world.api.post(f"/api/v1/operations/{run_id}/cancel", body, **given)


def reconcile(world: World, run_id: str, body: Any = None, **given: Any) -> TestResponse:
    return world.api.post(f"/api/v1/operations/{run_id}/reconcile", body, **given)


def workflow_id(run_id: str) -> str:
    return f"operation-run.v1.{COMPOSE}.{run_id}"


def terminated(world: World) -> str:
    """Start a run whose workflow somebody has ended from outside."""
    run_id = started(world)
    world.starter.close(workflow_id(run_id), "terminated")
    return run_id


def row(world: World, run_id: str) -> str:
    """Return a run's row as PostgreSQL holds it, to the byte, its version included."""
    with world.services.database.transaction() as session:
        statement = text("SELECT run::text || run.xmin::text FROM operation_runs run WHERE id = :id")
        found: str = session.execute(statement, {"id": run_id}).scalar_one()
        return found


@pytest.mark.parametrize("role", ACTORS)
@pytest.mark.parametrize("body", [None, {}])
def test_a_cancellation_is_asked_for_and_delivered(world: World, role: Role, body: Any) -> None:
    run_id = started(world)

    response = cancel(world, run_id, body, role=role)

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
    assert world.starter.cancelled == [workflow_id(run_id)]


def test_asking_again_answers_the_same(world: World) -> None:
    run_id = started(world)
    first = cancel(world, run_id)

    second = cancel(world, run_id, role=Role.OPERATOR)

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.get_json() == first.get_json()
    assert len(world.starter.cancelled) == 1


def test_a_cancellation_that_could_not_be_delivered_is_kept(world: World) -> None:
    run_id = started(world)
    world.starter.is_away = True

    response = cancel(world, run_id)

    assert response.status_code == 202
    assert response.get_json()["context"]["cancellation"]["delivered_at"] is None


def test_a_restore_names_the_commit_that_cancelling_cannot_undo(world: World) -> None:
    plan_id = world.make_plan()
    run_id = world.start_restore(plan_id).get_json()["id"]
    with world.services.database.transaction() as session:
        service = OperationRunService(session)
        correlation = Correlation(operation_type=OperationType.RESTORE_EXECUTE, run_id=UUID(run_id))
        service.start(
            correlation,
            RestoreExecuteInput(
                workspace_id=world.workspace_id,
                environment_id=world.environment_id,
                restore_plan_id=UUID(plan_id),
            ),
        )
        service.intend_commit(UUID(run_id), "c0ffee" * 6 + "abcd")

    cancellation = cancel(world, run_id).get_json()["context"]["cancellation"]

    assert cancellation["point_of_no_return"] == "c0ffee" * 6 + "abcd"


def test_a_run_that_has_ended_cannot_be_cancelled(world: World) -> None:
    run_id = terminated(world)
    reconcile(world, run_id)
    before = row(world, run_id)

    response = cancel(world, run_id)

    assert (response.status_code, response.get_json()["code"]) == (409, "already_completed")
    assert row(world, run_id) == before


@pytest.mark.parametrize("action", ["cancel", "reconcile"])
@pytest.mark.parametrize("role", ONLOOKERS)
def test_who_may_only_look_may_not_act(world: World, action: str, role: Role) -> None:
    run_id = terminated(world)
    before = row(world, run_id)

    response = world.api.post(f"/api/v1/operations/{run_id}/{action}", {"more": 1}, role=role)

    assert (response.status_code, response.get_json()["code"]) == (403, "forbidden")
    assert row(world, run_id) == before


@pytest.mark.parametrize("action", ["cancel", "reconcile"])
def test_what_is_out_of_scope_looks_like_what_is_missing(world: World, action: str) -> None:
    run_id = terminated(world)
    before = row(world, run_id)

    foreign = world.foreign_api.post(f"/api/v1/operations/{run_id}/{action}")
    missing = world.foreign_api.post(f"/api/v1/operations/{ABSENT}/{action}")
    malformed = world.foreign_api.post(f"/api/v1/operations/run/{action}")
    customer = world.api.post(f"/api/v1/operations/{run_id}/{action}", role=Role.CUSTOMER)

    answers = [(each.status_code, each.get_json()) for each in (foreign, missing, malformed, customer)]
    assert answers == [(404, answers[0][1])] * 4
    assert row(world, run_id) == before


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
def test_it_names_the_field_of_a_bad_body(world: World, action: str, body: Any, field: str) -> None:
    run_id = terminated(world)

    response = world.api.post(f"/api/v1/operations/{run_id}/{action}", body)

    assert response.status_code == 422
    assert fields_of(response) == [field]
    assert world.api.get(f"/api/v1/operations/{run_id}").get_json()["status"] == "queued"


def test_a_dry_run_says_what_it_would_decide_and_writes_nothing(world: World) -> None:
    run_id = terminated(world)
    before = row(world, run_id)

    response = reconcile(world, run_id, {"dry_run": True}, role=Role.OPERATOR)

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
    assert row(world, run_id) == before
    with world.services.database.transaction() as session:
        assert len(transitions_of(session, UUID(run_id))) == 1


@pytest.mark.parametrize("body", [None, {}, {"dry_run": False}])
def test_a_check_settles_the_run_for_the_one_who_asked(world: World, body: Any) -> None:
    run_id = terminated(world)
    foreseen = reconcile(world, run_id, {"dry_run": True}).get_json()

    response = reconcile(world, run_id, body, role=Role.OPERATOR)

    assert (response.status_code, response.get_json()) == (200, foreseen)
    run = world.api.get(f"/api/v1/operations/{run_id}").get_json()
    assert (run["status"], run["outcome"]) == ("completed", "failed")
    assert run["context"]["reconciliation"]["source"] == "operator"
    with world.services.database.transaction() as session:
        last = transitions_of(session, UUID(run_id))[-1]
    assert (last.actor_kind, last.actor_name) == ("token", "own operator")


def test_the_same_check_again_changes_no_byte(world: World) -> None:
    run_id = terminated(world)
    first = reconcile(world, run_id).get_json()
    before = row(world, run_id)

    second = reconcile(world, run_id).get_json()

    assert second == first
    assert row(world, run_id) == before


def test_a_run_whose_workflow_is_open_is_not_decided(world: World) -> None:
    run_id = started(world)
    before = row(world, run_id)

    dry = reconcile(world, run_id, {"dry_run": True}).get_json()

    assert (dry["result"], dry["decision"]) == ("no_decision", None)
    assert dry["facts"]["execution"] == {"state": "open", "cause": None}
    assert row(world, run_id) == before
    assert reconcile(world, run_id).get_json()["result"] == "no_decision"
    assert world.api.get(f"/api/v1/operations/{run_id}").get_json()["status"] == "queued"


def test_a_success_is_never_taken_back(world: World) -> None:
    run_id = started(world)
    with world.services.database.transaction() as session:
        service = OperationRunService(session)
        correlation = Correlation(operation_type=OperationType(COMPOSE), run_id=UUID(run_id))
        service.start(correlation, world.starter.starts[-1].operation_input)
        service.succeed(correlation, reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts={})
    world.starter.close(workflow_id(run_id), None)
    before = row(world, run_id)

    answers = [reconcile(world, run_id, {"dry_run": dry}).get_json() for dry in (True, False)]

    assert [answer["decision"]["outcome"] for answer in answers] == ["failed", "failed"]
    assert row(world, run_id) == before


def test_a_type_without_an_adapter_is_unsupported(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = terminated(world)
    monkeypatch.setattr(world.services.check._reconciler._registry, "find", lambda _: None)

    answers = [reconcile(world, run_id, {"dry_run": dry}).get_json() for dry in (True, False)]

    assert answers == [{"result": "unsupported", "decision": None, "facts": None}] * 2


@pytest.mark.parametrize("body", [{"dry_run": True}, {}])
def test_a_check_concludes_nothing_where_the_engine_does_not_answer(world: World, body: Any) -> None:
    run_id = terminated(world)
    before = row(world, run_id)
    world.starter.is_away = True

    response = reconcile(world, run_id, body)

    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (503, "engine_unavailable")
    assert problem["request_id"]
    assert "nobody there" not in response.text
    assert row(world, run_id) == before


def test_a_run_that_waits_says_why_where_it_is_shown_by_itself(world: World) -> None:
    run_id = started(world)

    shown = world.api.get(f"/api/v1/operations/{run_id}").get_json()
    listed = world.api.get("/api/v1/operations").get_json()["items"][0]

    assert shown["waiting"]["code"] == "starting"
    assert "waiting" not in listed


def test_a_run_that_fails_over_and_over_is_ended_and_settled(world: World) -> None:
    run_id = started(world)
    long_ago = world.services.check._clock().replace(year=2020)
    world.starter.views[workflow_id(run_id)] = WorkflowView(
        execution=OPEN, started_at=long_ago, failing_attempts=5, failing_since=long_ago
    )

    dry = reconcile(world, run_id, {"dry_run": True}).get_json()
    assert (dry["result"], world.starter.terminated) == ("no_decision", [])

    settled = reconcile(world, run_id).get_json()
    assert settled["decision"]["evidence"]["cause"] == "task_failing"
    assert world.starter.terminated == [workflow_id(run_id)]


def test_a_cancelled_run_stays_cancelled_when_it_is_checked_after_the_engine_forgot_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.starter.error = StartUnconfirmed()
    run_id = started(world)
    world.starter.views.clear()
    cancel(world, run_id)
    later = utc_now() + timedelta(minutes=1)
    monkeypatch.setattr(world.services.check, "_clock", lambda: later)
    first = reconcile(world, run_id).get_json()
    before = row(world, run_id)

    again = reconcile(world, run_id).get_json()

    assert (first["decision"]["outcome"], first["facts"]["execution"]["cause"]) == (
        "cancelled",
        "never_started",
    )
    assert again == first
    assert row(world, run_id) == before


def test_a_run_that_could_not_be_handed_over_has_nothing_to_settle(world: World) -> None:
    world.starter.error = StartRefused("INVALID_ARGUMENT: no such queue")
    run_id = started(world)
    world.starter.views.clear()
    before = row(world, run_id)

    answers = [reconcile(world, run_id, {"dry_run": dry}).get_json()["result"] for dry in (True, False)]

    assert answers == ["no_decision", "no_decision"]
    assert row(world, run_id) == before
