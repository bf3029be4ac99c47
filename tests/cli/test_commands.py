import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models.access import Role
from models.errors import Unauthenticated
from runtime.cli.main import run_command
from services.access.audit import newest_entries
from services.access.password_sign_in import PasswordSignIn
from services.access.sign_in_links import redeem_sign_in_link
from services.access.tokens import principal_of_token
from services.database.session import Database
from services.runs.queries import transitions_of
from tests.cli.workspaces import connect
from tests.fake_engine import FakeEngine
from tests.git_repository import git, make_repository

Run = Callable[..., Any]
COMPOSE = "environment.review.compose"


@pytest.fixture
def repository(repositories: Path) -> Path:
    path = make_repository(repositories / "configuration", {"policy.json": "{}"}, {"policy.json": "[]"})
    git("tag", "before", "main~1", cwd=path)
    return path


@pytest.fixture
def environment(run: Run, repository: Path) -> dict[str, Any]:
    connect(run, "own", repository)
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


def test_it_lists_and_revokes_tokens(run: Run, refused: Run, database: Database) -> None:
    run("workspace", "create", "own")
    token = run("token", "create", "--workspace", "own", "--role", "operator", "--name", "robot")["token"]
    [listed] = run("token", "list", "--workspace", "own")
    assert (listed["name"], listed["role"], listed["last_used_at"]) == ("robot", "operator", None)
    assert token.startswith(listed["prefix"])
    with database.transaction() as session:
        principal_of_token(session, token)
    assert run("token", "list", "--workspace", "own")[0]["last_used_at"] is not None

    assert run("token", "revoke", listed["id"], "--workspace", "own")["name"] == "robot"

    assert run("token", "list", "--workspace", "own") == []
    with database.transaction() as session, pytest.raises(Unauthenticated):
        principal_of_token(session, token)
    assert "no valid token" in refused("token", "revoke", listed["id"], "--workspace", "own")
    assert "not an id" in refused("token", "revoke", "robot", "--workspace", "own")


def test_a_token_may_expire(run: Run, refused: Run) -> None:
    run("workspace", "create", "own")
    given = ("token", "create", "--workspace", "own", "--role", "reader", "--name", "ci", "--expires")

    made = run(*given, "30")

    assert set(made) == {"token", "expires_at"}
    assert run("token", "list", "--workspace", "own")[0]["expires_at"] == made["expires_at"]
    assert "2027-06-30" in refused(*given, "soon")


def test_it_lets_people_in_by_passwords_and_links(
    run: Run, refused: Run, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("workspace", "create", "own")
    create = (
        "user",
        "create",
        "ada@example.org",
        "--workspace",
        "own",
        "--role",
        "owner",
        "--password-stdin",
    )
    door = PasswordSignIn(database=database)
    for arguments, password in (
        (create, "several words in a row"),
        (("user", "set-password"), "other words, too"),
    ):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
        run(*arguments, *(["ADA@example.org"] if arguments != create else []))
        user = door.sign_in(name="ada@example.org", password=password, address="")
    secret = run("user", "link", "ada@example.org")["sign_in_url"].rpartition("/")[2]
    with database.transaction() as session:
        assert redeem_sign_in_link(session, secret).id == user.id
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert "12 to 256 characters" in refused("user", "set-password", "ada@example.org")
    assert "Nobody here" in refused("user", "link", "nobody@example.org")
    assert run("user", "release", "ada@example.org") == {"email": "ada@example.org", "released": 0}


def test_it_lists_and_removes_members_and_says_who_did(
    run: Run, refused: Run, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = run("workspace", "create", "own")
    for name, role in (("ada", "owner"), ("grace", "reader")):
        run("user", "create", f"{name}@example.org", "--workspace", "own", "--role", role)
    members = run("workspace", "members", "own")
    assert [(each["email"], each["role"]) for each in members] == [
        ("ada@example.org", "owner"),
        ("grace@example.org", "reader"),
    ]
    assert run("workspace", "remove-member", "own", "Grace@example.org")["removed"]
    assert "not a member" in refused("workspace", "remove-member", "own", "grace@example.org")
    assert run_command(["workspace", "remove-member", "own", "ada@example.org"]) == 1
    assert "one owner at least" in capsys.readouterr().err
    with database.transaction() as session:
        entries = newest_entries(session, UUID(workspace["id"]))
    added = ["sign_in_link_created", "member_added"]
    assert [entry.action for entry in entries] == ["member_removed", *added, *added, "workspace_created"]
    assert all(entry.actor_name.endswith("(command line)") for entry in entries)


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
    assert shown.pop("waiting")["code"] == "starting"
    assert shown == started
    assert run("runs", "--status", "queued", "--environment", "production") == {
        "items": [shown],
        "next": None,
    }
    assert run("runs", "--outcome", "failed")["items"] == []
    assert run("runs", "--initiator", started["initiator_name"], "--created-after", "2020-01-01")["items"]
    assert run("runs", "--created-before", "2020-01-01")["items"] == []


@pytest.mark.usefixtures("environment")
def test_a_cancellation_is_kept_until_temporal_answers(run: Run) -> None:
    started = run("start", COMPOSE, "--environment", "production")

    asked = run("cancel", started["id"])

    cancellation = asked["context"]["cancellation"]
    assert cancellation["requested_by"].endswith("(command line)")
    assert cancellation["delivered_at"] is None
    assert (asked["status"], asked["message"]["code"]) == ("queued", "cancellation_requested")
    assert run("cancel", started["id"])["context"] == asked["context"]


@pytest.mark.usefixtures("environment")
def test_a_check_concludes_nothing_while_temporal_does_not_answer(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    started = run("start", COMPOSE, "--environment", "production")
    for dry in ([], ["--dry-run"]):
        assert run_command(["reconcile", started["id"], *dry]) == 1
        assert "Temporal did not answer" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_it_cancels_and_checks_a_run_that_has_ended(
    run: Run, database: Database, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr("runtime.container.TemporalEngine", lambda _: engine)
    started = run("start", COMPOSE, "--environment", "production")
    engine.close(f"operation-run.v1.{COMPOSE}.{started['id']}", "terminated")

    found = run("reconcile", started["id"], "--dry-run")
    assert (found["result"], found["decision"]["outcome"]) == ("decision", "failed")
    assert run("show", started["id"])["status"] == "queued"

    assert run("reconcile", started["id"]) == found
    settled = run("show", started["id"])
    assert (settled["status"], settled["outcome"]) == ("completed", "failed")
    assert settled["context"]["reconciliation"]["source"] == "operator"
    with database.transaction() as session:
        assert transitions_of(session, UUID(started["id"]))[-1].actor_name.endswith("(command line)")
    assert run_command(["cancel", started["id"]]) == 1
    assert "already ended" in capsys.readouterr().err


@pytest.mark.usefixtures("environment")
def test_cancel_and_reconcile_print_lines_for_people(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.container.TemporalEngine", lambda _: FakeEngine())
    started = run("start", COMPOSE, "--environment", "production")

    assert run_command(["cancel", started["id"]]) == run_command(["reconcile", started["id"]]) == 0

    printed = capsys.readouterr().out
    assert "cancellation:" in printed
    assert "no_decision" in printed


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
    assert "no run" in refused("cancel", environment["id"])
    assert "no run" in refused("reconcile", environment["id"])
    assert "no workspace" in refused("token", "create", "--workspace", "x", "--role", "owner", "--name", "y")
    assert "DATABASE_URL" in refused_without_database(refused)


def refused_without_database(refused: Run) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OPERATIONRUN_DATABASE_URL")
        return str(refused("runs"))


@pytest.mark.usefixtures("environment")
def test_it_asks_which_workspace_where_a_slug_is_in_several(run: Run, refused: Run, repository: Path) -> None:
    connect(run, "other", repository)
    run(
        "environment", "create", "production", "--workspace", "other",
        "--repository-url", str(repository), "--branch", "main",
    )  # fmt: skip
    assert "--workspace" in refused("start", COMPOSE, "--environment", "production")
    assert run("start", COMPOSE, "--environment", "production", "--workspace", "other")["status"] == "queued"
