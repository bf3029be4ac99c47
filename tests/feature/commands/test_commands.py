import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.access import Role
from runtime.cli import run_command
from services.access import principal_of_token, redeem_sign_in_link
from services.database import Database

Run = Callable[..., Any]
COMPOSE = "environment.review.compose"


@pytest.fixture
def repository(repositories: Path) -> Path:
    path = repositories / "configuration"
    path.mkdir()
    identity = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org")

    def git(*arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], cwd=path, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    (path / "policy.json").write_text("{}")
    git("add", "--all")
    git("commit", "--message", "Before")
    git("tag", "before")
    (path / "policy.json").write_text("[]")
    git("commit", "--all", "--message", "After")
    return path


@pytest.fixture
def environment(run: Run, repository: Path) -> dict[str, Any]:
    run("workspace", "create", "own")
    made: dict[str, Any] = run(
        "environment", "create", "production", "--workspace", "own",
        "--repository-url", str(repository), "--branch", "main",
    )  # fmt: skip
    return made


def test_it_creates_workspaces_tokens_and_people(run: Run, database: Database) -> None:
    workspace = run("workspace", "create", "own", "--name", "Our own")
    assert set(workspace) == {"id", "slug"}
    token = run("token", "create", "--workspace", "own", "--role", "operator", "--name", "robot")
    assert set(token) == {"token"}
    user = run("user", "create", "ada@example.org", "--workspace", "own", "--role", "reviewer")
    with database.transaction() as session:
        principal = principal_of_token(session, token["token"])
        assert {str(each): role for each, role in principal.roles.items()} == {workspace["id"]: Role.OPERATOR}
        secret = user["sign_in_url"].removeprefix("http://127.0.0.1:8080/sign-in/")
        assert redeem_sign_in_link(session, secret).email == "ada@example.org"


def test_it_registers_environments_and_plans_restores(run: Run, environment: dict[str, Any]) -> None:
    assert run("environment", "list", "--workspace", "own") == run("environment", "list") == [environment]
    point = run(
        "environment", "restore-point", "create", "production", "--label", "Before", "--ref", "before"
    )
    assert run("environment", "restore-point", "list", environment["id"]) == [point]
    plan = run(
        "environment", "restore-plan", "create", "production",
        "--restore-point", point["id"], "--mode", "exact", "--item", "*.json",
    )  # fmt: skip
    assert [(each["path"], each["change"]) for each in plan["changes"]] == [("policy.json", "update")]
    assert run("environment", "restore-plan", "show", plan["id"]) == plan


def test_it_starts_a_run_that_stays_queued_while_temporal_does_not_answer(
    run: Run, environment: dict[str, Any]
) -> None:
    started = run("start", COMPOSE, "--environment", "production", "--ref", "before")
    assert (started["status"], started["deduplicated"]) == ("queued", False)
    assert started["environment_id"] == environment["id"]
    assert started["initiator_kind"] == "user"
    again = run("start", COMPOSE, "--environment", environment["id"], "--ref", "before")
    assert (again["id"], again["deduplicated"]) == (started["id"], True)
    shown = run("show", started["id"])
    assert shown == started
    assert run("runs", "--status", "queued", "--environment", "production") == {
        "items": [shown],
        "next": None,
    }
    assert run("runs", "--outcome", "failed")["items"] == []


def test_it_prints_lines_for_people(
    run: Run, environment: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    started = run("start", COMPOSE, "--environment", "production")
    assert run_command(["runs"]) == run_command(["show", started["id"]]) == 0
    assert run_command(["environment", "list"]) == 0
    printed = capsys.readouterr().out
    assert started["message"]["title"] in printed
    assert f"http://127.0.0.1:8080/operations/{started['id']}" in printed
    assert environment["slug"] in printed


def test_it_says_what_is_wrong_and_the_way_out(refused: Run, environment: dict[str, Any]) -> None:
    start = ("start", COMPOSE, "--environment")
    assert "no environment 'staging'" in refused(*start, "staging")
    assert "no environment" in refused(*start, "\x00")
    assert "no workspace 'other'" in refused(*start, "production", "--workspace", "other")
    assert "input.restore_plan_id" in refused(*start, "production", "--restore-plan", "x")
    assert "environment.review.compose" in refused("start", "review", "--environment", "production")
    assert "no run" in refused("show", environment["id"])
    assert "not an id" in refused("show", "latest")
    assert "no workspace" in refused("token", "create", "--workspace", "x", "--role", "owner", "--name", "y")
    assert "DATABASE_URL" in refused_without_database(refused)


def refused_without_database(refused: Run) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPERATIONRUN_DATABASE_URL")
        return str(refused("runs"))


@pytest.mark.usefixtures("environment")
def test_it_asks_which_workspace_where_a_slug_is_in_several(run: Run, refused: Run, repository: Path) -> None:
    run("workspace", "create", "other")
    run(
        "environment", "create", "production", "--workspace", "other",
        "--repository-url", str(repository), "--branch", "main",
    )  # fmt: skip
    assert "--workspace" in refused("start", COMPOSE, "--environment", "production")
    assert run("start", COMPOSE, "--environment", "production", "--workspace", "other")["status"] == "queued"
