"""Connections at the command line: where the operator alone makes those to what the machine has."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run_command
from runtime.local.connection_findings import examine_connections
from runtime.settings import Settings
from services.database.session import Database
from tests.cli.workspaces import connect
from tests.factories import ensure_connection, make_environment, make_workspace
from tests.fake_engine import ENCRYPTION_KEY
from tests.git_repository import make_repository

Run = Callable[..., Any]
TOKEN = "kind-of-a-token-1414"
HTTPS = ("--workspace", "own", "--name", "Ours", "--kind", "https", "--url-prefix", "https://h.org")


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """An encryption key in the environment, and a token on stdin."""
    monkeypatch.setenv("OPERATIONRUN_ENCRYPTION_KEY", ENCRYPTION_KEY)
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))


def test_the_operator_makes_checks_and_removes_a_connection(run: Run, repositories: Path) -> None:
    make_repository(repositories / "configuration", {"a.json": "1"})
    connect(run, "own", repositories)
    [made] = run("connection", "list", "--workspace", "own")
    assert (made["kind"], made["url_prefix"]) == ("file", str(repositories))
    url = str(repositories / "configuration")
    assert run("connection", "check", "files", "--repository-url", url) == {"ok": True, "problem": None}
    assert run("connection", "remove", made["id"])["removed"] is True
    assert run("connection", "list") == []


def test_a_check_that_fails_ends_with_1(
    run: Run, repositories: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    connect(run, "own", repositories)
    url = str(repositories / "missing")
    assert run_command(["connection", "check", "files", "--repository-url", url, "--json"]) == 1
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["ok"] is False


@pytest.mark.usefixtures("secret")
def test_a_secret_comes_on_stdin_and_is_not_printed(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("workspace", "create", "own")
    made = run("connection", "create", *HTTPS, "--username", "robot", "--secret-stdin")
    assert (made["kind"], made["username"]) == ("https", "robot")
    assert TOKEN not in json.dumps([made, run("connection", "list")])
    assert run("connection", "reencrypt") == {"reencrypted": 1}
    monkeypatch.delenv("OPERATIONRUN_ENCRYPTION_KEY")
    assert run_command(["connection", "reencrypt"]) == 1
    assert "OPERATIONRUN_ENCRYPTION_KEY is not set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (HTTPS, "needs a secret"),
        ((*HTTPS[:4], "--kind", "file", "--url-prefix", "/etc"), "under no allowed file root"),
        ((*HTTPS[:4], "--kind", "machine", "--url-prefix", "https://x@h.org"), "no user name"),
        ((*HTTPS[:4], "--kind", "machine", "--url-prefix", "/srv"), "begins with"),
        (("--workspace", "none", *HTTPS[2:]), "There is no workspace"),
    ],
)
def test_what_is_wrong_is_refused_with_the_way_out(
    run: Run, refused: Run, given: tuple[str, ...], said: str
) -> None:
    run("workspace", "create", "own")
    assert said in refused("connection", "create", *given)


def test_a_wrong_encryption_key_stops_the_process_and_is_not_repeated(
    refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATIONRUN_ENCRYPTION_KEY", "changeme-please")
    said = refused("connection", "list")
    assert "OPERATIONRUN_ENCRYPTION_KEY" in said
    assert "changeme-please" not in said


@pytest.mark.usefixtures("secret")
def test_the_doctor_names_what_to_do(run: Run, database: Database, database_url: str) -> None:
    def states(*keys: str) -> dict[str, str]:
        settings = Settings(database_url=database_url, encryption_key=keys)
        return {each.check: each.state for each in examine_connections(settings)}

    calm = dict.fromkeys(
        ("connections of environments", "shared repositories", "hosts of repositories"), "ok"
    )
    assert states() == {"encryption key": "note", **calm}
    assert states(ENCRYPTION_KEY) == {"encryption key": "ok", **calm}
    run("workspace", "create", "own")
    run("connection", "create", *HTTPS, "--secret-stdin")
    with database.transaction() as session:
        for slug, url in (("one", "https://h.org/a.git"), ("two", "https://H.org:443/x/../a")):
            workspace = make_workspace(session, slug)
            other = ensure_connection(session, workspace.id, "https://other.org")
            make_environment(session, workspace, slug=slug, repository_url=url, connection_id=other.id)
    assert states() == {
        "encryption key": "missing", "connections of environments": "missing", "shared repositories": "note",
        "hosts of repositories": "ok",
    }  # fmt: skip
    found = {each.check: each.found for each in examine_connections(Settings(database_url=database_url))}
    assert found["shared repositories"] == "one repository in several workspaces: one and two"
    assert found["connections of environments"] == "none covers the repository of one, two"
