"""`operationrun prune`, with a real Temporal to tell how long it keeps its workflows."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from models.base import utc_now
from models.environment import Environment
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from runtime.cli.main import run_command
from services.database.session import Database
from services.runs.service import OperationRunService
from tests.factories import ADA, decision, make_environment, request_compose
from tests.system import System

Run = Callable[..., Any]
NOTHING = {"pruned": 0, "kept_by_review": 0, "kept_by_restore": 0, "kept_by_run": 0, "locked": 0}


@pytest.fixture
def environment(database: Database) -> Environment:
    with database.transaction() as session:
        return make_environment(session)


@pytest.fixture
def _temporal(settings_in_environment: pytest.MonkeyPatch, idle_system: System) -> None:
    settings_in_environment.setenv("OPERATIONRUN_TEMPORAL_ADDRESS", idle_system.ready["temporal_address"])


def ended(database: Database, environment: Environment, outcome: Outcome, *, days_ago: int) -> UUID:
    at = utc_now() - timedelta(days=days_ago)
    with database.transaction() as session:
        run = request_compose(session, environment).run
        service = OperationRunService(session, clock=lambda: at)
        service.update_run_with_reconciliation(run.id, decision(outcome), source="sweep", actor=ADA)
        return run.id


def is_there(database: Database, run_id: UUID) -> bool:
    with database.transaction() as session:
        return session.get(OperationRun, run_id) is not None


@pytest.mark.usefixtures("_temporal")
def test_it_says_what_would_go_and_then_deletes_it(
    run: Run, refused: Run, database: Database, environment: Environment
) -> None:
    old = ended(database, environment, Outcome.FAILED, days_ago=401)
    young = ended(database, environment, Outcome.FAILED, days_ago=399)
    cancelled = ended(database, environment, Outcome.CANCELLED, days_ago=91)
    standing = {"type": "environment.review.compose", **NOTHING, "pruned": 1}
    expected = {
        **NOTHING,
        "pruned": 2,
        "runs": [{"outcome": "cancelled", **standing}, {"outcome": "failed", **standing}],
    }

    told = run("prune", "--dry-run")
    assert told.pop("keep")["succeeded"] == "90d"
    assert told == {"dry_run": True, **expected}
    assert is_there(database, old)

    assert run("prune").items() >= {"dry_run": False, **expected}.items()
    assert [is_there(database, each) for each in (old, young, cancelled)] == [False, True, False]
    assert run("prune")["runs"] == []
    assert "There is no run" in refused("show", str(old))


@pytest.mark.usefixtures("_temporal")
def test_how_long_is_told_by_the_setting_and_by_the_option(
    run: Run,
    refused: Run,
    database: Database,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended(database, environment, Outcome.FAILED, days_ago=40)
    monkeypatch.setenv("OPERATIONRUN_KEEP_RUNS", "failed=30d,blocked=forever")
    assert run("prune", "--dry-run", "--keep", "failed=41d")["pruned"] == 0
    assert run("prune", "--dry-run")["pruned"] == 1
    assert "--keep has 'failed=1'" in refused("prune", "--keep", "failed=1")

    assert run_command(["prune"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == (
        "1 run deleted. 0 older than their retention are kept, because a review, a restore or another run "
        "names them; 0 were in use."
    )


@pytest.mark.usefixtures("_temporal")
def test_it_keeps_a_run_longer_than_temporal_and_reviews_ask_for_it(
    refused: Run, database: Database, environment: Environment
) -> None:
    run_id = ended(database, environment, Outcome.FAILED, days_ago=401)
    # The development server keeps what has closed for a day.
    said = refused("prune", "--keep", "failed=1d")
    assert "failed=1d is too short: 30d is the least. Temporal keeps closed workflows for 1d," in said
    assert "failed=29d is too short" in refused("prune", "--keep", "failed=29d")
    assert is_there(database, run_id)


@pytest.mark.usefixtures("settings_in_environment")
def test_it_deletes_nothing_while_temporal_does_not_answer(
    database: Database, environment: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = ended(database, environment, Outcome.FAILED, days_ago=401)
    assert run_command(["prune"]) == 1
    assert (
        "Temporal did not say how long it keeps workflows, so nothing was deleted" in capsys.readouterr().err
    )
    assert is_there(database, run_id)
