from pathlib import Path

import pytest

from runtime.local import doctor
from runtime.local.doctor import examine
from runtime.local.finding import Finding
from runtime.settings import Settings

# Nothing listens on port 1, and asking takes no time.
NOBODY = "127.0.0.1:1"

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def finding(settings: Settings, check: str) -> Finding:
    return next(each for each in examine(settings) if each.check == check)


def test_it_finds_what_this_project_is_tested_with(tmp_path: Path) -> None:
    states = {each.check: each.state for each in examine(Settings(data_dir=tmp_path))}
    assert {states[check] for check in ("Python", "git", "PostgreSQL", "data directory")} == {"ok"}
    assert "database" not in states


def test_what_is_missing_comes_with_a_way_to_mend_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("TEMPORAL_CLI", raising=False)
    settings = Settings(data_dir=tmp_path)
    git, temporal = finding(settings, "git"), finding(settings, "Temporal")
    assert (git.state, git.found, git.fix) == ("missing", "not found", "Install git 2.37 or newer.")
    assert temporal.state == "note"
    assert temporal.fix
    assert "TEMPORAL_CLI" in temporal.fix


def test_an_old_git_is_not_enough(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    git = tmp_path / "git"
    git.write_text("#!/bin/sh\necho git version 2.9.4\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    found = finding(Settings(data_dir=tmp_path), "git")
    assert (found.state, found.found) == ("missing", "git version 2.9.4")


def test_a_server_that_was_named_and_does_not_answer_is_missing(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path, temporal_address=NOBODY, database_url=f"postgresql://ada@{NOBODY}/operationrun"
    )
    states = {each.check: each.state for each in examine(settings)}
    assert (states["Temporal"], states["database"], states["migrations"]) == ("missing", "missing", "missing")


def test_a_database_that_does_not_answer_is_said_once(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, database_url=f"postgresql://ada@{NOBODY}/operationrun")
    checks = {each.check for each in examine(settings)}
    assert "database" in checks
    assert checks.isdisjoint({"database connections", "database sessions"})


def test_a_data_directory_that_is_a_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert finding(Settings(data_dir=tmp_path / "file"), "data directory").state == "missing"


def test_a_taken_port_is_a_note(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "is_free", lambda _port: False)
    found = finding(Settings(data_dir=tmp_path), "port")
    assert (found.state, found.fix) == ("note", "operationrun up --port 0")
