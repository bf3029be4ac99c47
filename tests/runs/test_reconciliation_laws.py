"""The database by itself: the shape of `context.reconciliation` (law L5), whoever writes it."""

import json
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from models.lifecycle import Outcome, Status
from services.database.session import Database
from services.database.write_guard import WRITER
from tests.factories import make_environment, make_run

GIVEN: dict[str, Any] = {
    "adapter": "environment.review.compose",
    "decision": "failed",
    "reason_code": "review_not_composed",
    "previous": {"status": "queued", "outcome": "pending"},
    "related": None,
    "source": "sweep",
    "evidence": {"cause": "terminated"},
    "reconciled_at": "2026-06-01T12:00:00+00:00",
}
SETTLE = """
    UPDATE operation_runs SET status = 'completed', outcome = :outcome, completed_at = created_at,
        context = jsonb_set(context, '{reconciliation}', CAST(:reconciliation AS jsonb))
"""
CORRECT = SETTLE.replace("completed_at = created_at,", "")
TAKE_AWAY = "UPDATE operation_runs SET context = context - 'reconciliation'"
RELATED = {"type": "environment_review", "id": "01890000-0000-7000-8000-000000000000"}


def refused_by(database: Database, statement: str, outcome: str = "failed", **changes: Any) -> str | None:
    """Try a statement as the announced writer; return the constraint that refused it, None: it was taken."""
    reconciliation = {key: value for key, value in {**GIVEN, **changes}.items() if value is not ...}
    values = {"outcome": outcome, "reconciliation": json.dumps(reconciliation)}
    with database.engine.connect() as connection:
        connection.execute(text(f"SET LOCAL operationrun.writer = '{WRITER}'"))
        try:
            connection.execute(
                text(statement), {name: values[name] for name in values if f":{name}" in statement}
            )
        except DBAPIError as error:
            return str(error.orig.diag.constraint_name)  # type: ignore[union-attr]
    return None


@pytest.fixture
def queued(database: Database) -> Database:
    with database.transaction() as session:
        make_run(session, make_environment(session))
    return database


@pytest.fixture
def settled(database: Database) -> Database:
    with database.transaction() as session:
        make_run(session, make_environment(session), status=Status.COMPLETED, outcome=Outcome.FAILED)
    return database


@pytest.mark.parametrize("related", [None, RELATED, {**RELATED, "type": "operation_run"}])
def test_the_whole_of_it_is_taken(queued: Database, related: object) -> None:
    assert refused_by(queued, SETTLE, related=related) is None


@pytest.mark.parametrize("key", sorted(GIVEN))
def test_none_of_its_keys_may_lack(queued: Database, key: str) -> None:
    lacking: dict[str, Any] = {key: ...}
    assert refused_by(queued, SETTLE, **lacking) == "operation_run_reconciliation"


@pytest.mark.parametrize(
    "changes",
    [
        {"note": "by hand"},
        {"decision": "cancelled"},
        {"adapter": "restore.execute"},
        {"source": "somebody"},
        {"evidence": "none"},
        {"reason_code": 7},
        {"reason_code": None},
        {"reconciled_at": None},
        {"previous": {"status": "running", "outcome": "pending"}},
        {"previous": {"status": "queued"}},
        {"previous": None},
        {"related": {"type": "report", "id": RELATED["id"]}},
        {"related": {"type": "environment_review"}},
        {"related": {"type": "environment_review", "id": "not a uuid"}},
        {"related": {**RELATED, "html": "/"}},
        {"related": "environment_review"},
    ],
    ids=str,
)
def test_no_other_shape_is_taken(queued: Database, changes: dict[str, Any]) -> None:
    assert refused_by(queued, SETTLE, **changes) == "operation_run_reconciliation"


def test_a_correction_keeps_the_first_previous(settled: Database) -> None:
    kept = {"previous": {"status": "running", "outcome": "pending"}, "decision": "cancelled"}
    rewritten = {"previous": {"status": "completed", "outcome": "failed"}, "decision": "cancelled"}
    assert refused_by(settled, CORRECT, "cancelled", **kept) is None
    assert refused_by(settled, CORRECT, "cancelled", **rewritten) == "operation_run_reconciliation"


def test_it_is_never_taken_away(settled: Database) -> None:
    assert refused_by(settled, TAKE_AWAY) == "operation_run_reconciliation"


def test_what_it_decides_is_the_outcome_also_where_only_it_changes(settled: Database) -> None:
    change = (
        "UPDATE operation_runs SET context = jsonb_set(context, '{reconciliation,decision}', '\"blocked\"')"
    )
    assert refused_by(settled, change) == "operation_run_reconciliation"


def test_a_run_is_born_completed_only_with_its_reconciliation(queued: Database) -> None:
    birth = """
        INSERT INTO operation_runs (id, workspace_id, environment_id, type, status, outcome, identity,
            initiator_kind, initiator_name, context, summary_counts, failures, created_at, completed_at,
            updated_at)
        SELECT gen_random_uuid(), workspace_id, environment_id, type, 'completed', 'blocked', 'another',
            'system', 'x', context || CAST(:reconciliation AS jsonb), '{}', '[]', created_at, created_at,
            created_at
        FROM operation_runs
    """
    assert refused_by(queued, birth) == "operation_run_reconciliation"
    whole = "jsonb_build_object('reconciliation', CAST(:reconciliation AS jsonb))"
    birth = birth.replace("CAST(:reconciliation AS jsonb)", whole)
    assert refused_by(queued, birth, decision="blocked", reason_code="already_in_progress") is None


def test_an_active_run_has_none(queued: Database) -> None:
    early = SETTLE.replace("status = 'completed', outcome = :outcome, completed_at = created_at,", "")
    assert refused_by(queued, early, decision="pending") == "operation_run_reconciliation"
