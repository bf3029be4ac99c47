import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run_command

Run = Callable[..., Any]


@pytest.fixture
def settings_in_environment(
    monkeypatch: pytest.MonkeyPatch, database_url: str, repositories: Path, tmp_path: Path
) -> pytest.MonkeyPatch:
    """Only what the command line needs, and a Temporal address where nobody listens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", database_url)
    monkeypatch.setenv("OPERATIONRUN_TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("OPERATIONRUN_ALLOWED_FILE_ROOTS", str(repositories))
    return monkeypatch


@pytest.fixture
def run(settings_in_environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:  # noqa: ARG001
    """Run a command with `--json` and return what it prints; it must end well."""

    def run(*arguments: str) -> Any:
        code = run_command([*arguments, "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        # The log, which `main` sends to stderr, may stand before it.
        return json.loads(captured.out.splitlines()[-1])

    return run


@pytest.fixture
def refused(settings_in_environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:  # noqa: ARG001
    """Run a command that must be refused as misused, and return what it says."""

    def refused(*arguments: str) -> str:
        code = run_command(arguments)
        captured = capsys.readouterr()
        assert code == 2, captured
        return captured.err

    return refused
