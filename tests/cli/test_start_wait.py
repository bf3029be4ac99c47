import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from models.lifecycle import FINAL_OUTCOMES, Outcome
from runtime.cli.main import operationrun, run_command
from runtime.cli.remote import start
from services.database.session import Database
from services.runs.operations import OperationStarter
from services.runs.service import OperationRunService
from tests.cli.workspaces import connect
from tests.factories import ADA, decision

REFERENCE = Path(__file__).parents[2] / "docs" / "reference.md"
Command = Callable[..., Any]


@pytest.fixture
def environment(run: Command, repositories: Path) -> str:
    connect(run, "own", repositories)
    made = run(
        "environment", "create", "production", "--workspace", "own",
        "--repository-url", str(repositories), "--branch", "main",
    )  # fmt: skip
    return str(made["id"])


def ended_as(database: Database, outcome: Outcome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every run that is started end at once, as its workflow would have it."""

    start_operation = OperationStarter.start

    def start_and_end(*given: Any, **named: Any) -> Any:
        requested = start_operation(*given, **named)
        with database.transaction() as session:
            service = OperationRunService(session)
            service.update_run_with_reconciliation(
                requested.run.id, decision(outcome), source="workflow", actor=ADA
            )
        return requested

    monkeypatch.setattr(OperationStarter, "start", start_and_end)


@pytest.mark.parametrize("outcome", sorted(FINAL_OUTCOMES))
def test_it_ends_with_the_exit_code_of_the_outcome(
    outcome: Outcome,
    environment: str,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended_as(database, outcome, monkeypatch)
    code = run_command(
        ["start", "environment.review.compose", "--environment", environment, "--wait", "--json"]
    )
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["status"], shown["outcome"]) == ("completed", outcome)
    assert code == start.EXIT_CODES[outcome]
    assert (code == 0) == (outcome is Outcome.SUCCEEDED)


def test_it_says_where_the_time_was_up_and_leaves_the_run_alone(
    environment: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--environment", environment, "--wait-at-most", "0.1", "--json"]
    assert run_command(["start", "environment.review.compose", *given]) == 15
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["status"] == "queued"


def test_it_does_not_wait_unless_asked(environment: str) -> None:
    assert run_command(["start", "environment.review.compose", "--environment", environment]) == 0


def test_every_outcome_has_an_exit_code_of_its_own_that_help_and_reference_name() -> None:
    codes = start.EXIT_CODES
    assert {*codes} == {*Outcome}
    assert len({*codes.values()}) == len(codes)
    assert not {1, 2, 130} & {*codes.values()}
    said = re.sub(r"\s+", " ", CliRunner().invoke(operationrun, ["start", "--help"]).output)
    documented = REFERENCE.read_text()
    for outcome in FINAL_OUTCOMES:
        assert f"{codes[outcome]} {outcome}" in said
        assert f"| {codes[outcome]} | `{outcome}`" in documented
    assert f"{codes[Outcome.PENDING]} not completed in time" in said
