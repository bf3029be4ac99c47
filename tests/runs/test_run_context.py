"""`RunContext` is what a run's row stores in `context`, and the one place that names its keys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.orm import Session

from models import run_context
from models.lifecycle import Outcome, Standing, Status
from models.reconciliation import Related
from models.run_context import RunContext, RunReconciliation
from services.database.session import Database
from services.runs.service import OperationRunService
from services.runs.stored_shapes import ContextShape
from tests.factories import ADA, decision, make_environment, make_run
from tests.runs.contexts import push_of, stored_cancellation, stored_context, stored_reconciliation
from tests.runs.seen_runs import see

WHOLE = stored_context(
    reconciliation=stored_reconciliation("review_superseded", cause="terminated", matching_reviews=1),
    cancellation=stored_cancellation(point_of_no_return="1" * 40),
    fingerprint="f" * 64,
    intended_commit="1" * 40,
    pushes=[push_of("1" * 40).as_json()],
    look_claimed_until="2026-06-01T13:00:00+00:00",
)
PATHS = {name: value for name, value in vars(run_context).items() if isinstance(value, tuple)}


@pytest.mark.parametrize("stored", [stored_context(), stored_context(dispatched_at=None), WHOLE])
def test_what_is_read_is_stored_the_same(stored: dict[str, Any]) -> None:
    assert RunContext.model_validate(stored).as_json() == stored


def test_times_are_stored_as_every_release_wrote_them() -> None:
    at = datetime(2026, 6, 1, 12, 0, 0, 5, tzinfo=UTC)
    previous = Standing(status=Status.RUNNING, outcome=Outcome.PENDING)

    settled = RunReconciliation.of(decision(Outcome.FAILED), previous=previous, source="sweep", at=at)

    assert settled.as_json()["reconciled_at"] == "2026-06-01T12:00:00.000005+00:00"


def test_a_word_and_a_key_of_a_newer_release_are_no_error() -> None:
    reconciliation = stored_reconciliation("from_a_later_version") | {"source": "satellite", "signed": True}

    context = RunContext.model_validate(stored_context(reconciliation=reconciliation, notes=["new"]))

    assert context.reconciliation is not None
    assert (context.reconciliation.reason_code, context.reconciliation.source) == (
        "from_a_later_version",
        "satellite",
    )


def test_a_decision_is_the_same_only_with_the_same_outcome_reason_and_related() -> None:
    made = decision(Outcome.FAILED)
    previous = Standing(status=Status.RUNNING, outcome=Outcome.PENDING)
    settled = RunReconciliation.of(made, previous=previous, source="sweep", at=datetime.now(UTC))
    read_back = RunReconciliation.model_validate(settled.as_json())
    related = Related(type="operation_run", id=UUID(int=1))

    assert read_back.is_same(made)
    assert read_back.is_same(made.model_copy(update={"evidence": {}}))
    for change in (
        {"outcome": Outcome.CANCELLED},
        {"reason_code": "review_superseded"},
        {"related": related},
    ):
        assert not read_back.is_same(made.model_copy(update=change))


def fields_of(model: type[BaseModel], path: tuple[str, ...]) -> Iterator[str]:
    for name in path:
        field = model.model_fields[name]
        yield name
        found = [each for each in (field.annotation, *get_args(field.annotation)) if isinstance(each, type)]
        model = next((each for each in found if issubclass(each, BaseModel)), BaseModel)


@pytest.mark.parametrize("name", PATHS)
def test_every_path_that_sql_uses_is_a_field(name: str) -> None:
    assert tuple(fields_of(RunContext, PATHS[name])) == PATHS[name]


def test_the_paths_are_found_and_a_wrong_one_fails() -> None:
    assert len(PATHS) > 8
    with pytest.raises(KeyError):
        [*fields_of(RunContext, ("dispatch", "dispatched"))]


def test_the_api_documents_the_same_keys() -> None:
    def keys(model: type[BaseModel]) -> list[str]:
        return [*model.model_fields]

    assert keys(ContextShape) == keys(RunContext)


def add_unknown_keys(session: Session, run_id: object) -> None:
    session.execute(text("SELECT set_config('operationrun.writer', 'OperationRunService', true)"))
    session.execute(
        text(
            "UPDATE operation_runs SET context = context || '{\"newer\": 1}'"
            " || jsonb_build_object('dispatch', context -> 'dispatch' || '{\"newer\": 2}') WHERE id = :id"
        ),
        {"id": run_id},
    )


def test_keys_that_a_newer_release_wrote_survive_every_write(database: Database) -> None:
    with database.transaction() as session:
        run = make_run(session, make_environment(session), status=Status.RUNNING)
        add_unknown_keys(session, run.id)
        service = OperationRunService(session)
        at = datetime.now(UTC)
        assert service.record_dispatched(run.id, at)
        assert service.record_fingerprint(run.id, "f" * 64)
        assert service.begin_push(run.id, [push_of("1" * 40)], earlier=0)
        assert service.record_push_answer(run.id, 0, "refused")
        assert service.claim_look(run.id, until=at)
        assert service.request_cancel(run.id, ADA)
        assert service.record_cancel_delivered(run.id)
        assert service.acknowledge_cancel(run.id, at)
        cancelled = decision(Outcome.CANCELLED)
        service.update_run_with_reconciliation(run.id, cancelled, source="sweep", actor=ADA)

    stored = see(database, run.id).context
    assert (stored["newer"], stored["dispatch"]["newer"]) == (1, 2)
    assert stored.keys() == {
        "newer",
        "input",
        "dispatch",
        "reconciliation",
        "cancellation",
        "fingerprint",
        "intended_commit",
        "pushes",
        "look_claimed_until",
    }
    assert stored["cancellation"]["point_of_no_return"] == "1" * 40
