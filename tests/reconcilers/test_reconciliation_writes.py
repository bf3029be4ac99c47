"""Law L5: what is written where a run is settled from business truth."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from models.catalog import OperationType
from models.environment import Environment
from models.errors import NotFound
from models.lifecycle import Outcome, Status, completed
from models.reason_codes import ReasonCode
from models.reconciliation import ReconciliationDecision, Related, Source
from services.database.session import Database
from services.runs.service import OperationRunService
from services.runs.write_result import WriteResult
from tests.factories import ADA, decision, make_run
from tests.runs.seen_runs import Seen, see, steps_of

REVIEW_ID = "01a208b7-20cd-74be-86e4-06dec0996ece"


def born(
    database: Database,
    environment: Environment,
    status: Status = Status.RUNNING,
    outcome: Outcome = Outcome.PENDING,
) -> UUID:
    with database.transaction() as session:
        return make_run(session, environment, status=status, outcome=outcome).id


def composed(review_id: str = REVIEW_ID) -> ReconciliationDecision:
    return ReconciliationDecision(
        adapter=OperationType.ENVIRONMENT_REVIEW_COMPOSE,
        outcome=Outcome.SUCCEEDED,
        reason_code=ReasonCode.REVIEW_ALREADY_COMPOSED,
        related=Related(type="environment_review", id=UUID(review_id)),
        evidence={"cause": None, "matching_reviews": 1},
    )


def write(
    database: Database, run_id: UUID, given: ReconciliationDecision, *, source: Source = "sweep"
) -> WriteResult:
    with database.transaction() as session:
        service = OperationRunService(session)
        return service.update_run_with_reconciliation(run_id, given, source=source, actor=ADA)


def reconciliation_of(seen: Seen) -> dict[str, Any]:
    assert seen.reconciliation is not None
    return seen.reconciliation


def test_it_writes_exactly_the_canonical_keys(database: Database, environment: Environment) -> None:
    run_id = born(database, environment)
    before = see(database, run_id)

    assert write(database, run_id, composed()) is WriteResult.WRITTEN

    after = see(database, run_id)
    written = dict(reconciliation_of(after))
    assert written.pop("reconciled_at").endswith("+00:00")
    assert written == {
        "adapter": "environment.review.compose",
        "decision": "succeeded",
        "reason_code": "review_already_composed",
        "previous": {"status": "running", "outcome": "pending"},
        "related": {"type": "environment_review", "id": REVIEW_ID},
        "source": "sweep",
        "evidence": {
            "cause": None,
            "matching_reviews": 1,
            "workflow_id": f"operation-run.v1.environment.review.compose.{run_id}",
            "workflow_run_id": None,
        },
    }
    assert after.standing == completed(Outcome.SUCCEEDED)
    assert after.context == before.context | {"reconciliation": reconciliation_of(after)}


def test_the_same_decision_again_changes_no_byte(database: Database, environment: Environment) -> None:
    run_id = born(database, environment)
    write(database, run_id, composed())
    before, steps = see(database, run_id), steps_of(database, run_id)

    # Who says it, and on which evidence, makes no other decision of it.
    again = composed().model_copy(update={"evidence": {"cause": "terminated"}})
    assert write(database, run_id, again, source="operator") is WriteResult.UNCHANGED

    assert see(database, run_id) == before
    assert steps_of(database, run_id) == steps


@pytest.mark.parametrize(
    "difference",
    [
        {"outcome": Outcome.CANCELLED},
        {"reason_code": ReasonCode.REVIEW_SUPERSEDED},
        {"related": Related(type="operation_run", id=UUID(REVIEW_ID))},
    ],
    ids=lambda difference: next(iter(difference)),
)
def test_a_different_decision_keeps_the_first_previous(
    database: Database, environment: Environment, difference: dict[str, Any]
) -> None:
    run_id = born(database, environment, Status.QUEUED)
    first = decision(Outcome.FAILED)
    write(database, run_id, first)

    later = first.model_copy(update=difference)
    assert write(database, run_id, later) is WriteResult.WRITTEN

    written = reconciliation_of(see(database, run_id))
    assert written["previous"] == {"status": "queued", "outcome": "pending"}
    assert (written["decision"], written["reason_code"]) == (later.outcome, later.reason_code)


def test_a_correction_to_success_names_where_the_run_first_stood(
    database: Database, environment: Environment
) -> None:
    run_id = born(database, environment)
    write(database, run_id, decision(Outcome.FAILED))
    write(database, run_id, composed())

    seen = see(database, run_id)
    assert seen.standing == completed(Outcome.SUCCEEDED)
    assert reconciliation_of(seen)["previous"] == {"status": "running", "outcome": "pending"}
    assert steps_of(database, run_id)[-1] == (
        completed(Outcome.FAILED),
        completed(Outcome.SUCCEEDED),
    )


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.ATTENTION_REQUIRED])
def test_what_contradicts_success_is_not_written(
    database: Database, environment: Environment, outcome: Outcome
) -> None:
    run_id = born(database, environment, Status.COMPLETED, Outcome.SUCCEEDED)
    before = see(database, run_id)

    assert write(database, run_id, decision(outcome)) is WriteResult.ALREADY_SUCCEEDED

    assert see(database, run_id) == before
    assert before.reconciliation is None


def test_a_run_that_is_not_there_is_named_so(database: Database) -> None:
    with pytest.raises(NotFound):
        write(database, UUID(REVIEW_ID), composed())


@pytest.mark.parametrize(
    "spelling",
    [REVIEW_ID.upper(), REVIEW_ID.replace("-", ""), f"{{{REVIEW_ID}}}", f"urn:uuid:{REVIEW_ID}"],
)
def test_related_has_one_spelling(database: Database, environment: Environment, spelling: str) -> None:
    run_id = born(database, environment)
    write(database, run_id, composed(spelling))
    before = see(database, run_id)
    assert reconciliation_of(before)["related"] == {"type": "environment_review", "id": REVIEW_ID}

    assert write(database, run_id, composed()) is WriteResult.UNCHANGED
    assert see(database, run_id) == before


@pytest.mark.parametrize("given", [{"type": "report"}, {"id": "12"}, {"name": "x"}], ids=str)
def test_related_takes_nothing_else(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Related.model_validate({"type": "environment_review", "id": REVIEW_ID} | given)
