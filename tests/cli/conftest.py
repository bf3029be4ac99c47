import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime.cli.main import run_command

Run = Callable[..., Any]


@pytest.fixture(autouse=True)
def _settings_environment(
    monkeypatch: pytest.MonkeyPatch, database_url: str, repositories: Path, tmp_path: Path
) -> None:
    """Only what the command line needs, and a Temporal address where nobody listens."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", database_url)
    monkeypatch.setenv("OPERATIONRUN_TEMPORAL_ADDRESS", "127.0.0.1:1")
    monkeypatch.setenv("OPERATIONRUN_ALLOWED_FILE_ROOTS", str(repositories))


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command with `--json` and return what it prints; it must end well."""

    def run(*arguments: str) -> Any:
        code = run_command([*arguments, "--json"])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        # The log, which `main` sends to stderr, may stand before it.
        return json.loads(captured.out.splitlines()[-1])

    return run


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command that must be refused as misused, and return what it says."""

    def refused(*arguments: str) -> str:
        code = run_command(arguments)
        captured = capsys.readouterr()
        assert code == 2, captured
        return captured.err

    return refused
