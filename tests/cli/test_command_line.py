import json
import subprocess
import sys
import uuid

import click
import pytest

from models.errors import InvalidInput, NotFound, OperationRunError, SettingsError
from runtime.cli.group import COMMANDS
from runtime.cli.main import operationrun, run_command
from runtime.cli.output import json_option, show

HEAVY = ("sqlalchemy", "temporalio", "flask", "alembic", "psycopg", "pydantic", "gunicorn")


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> int:
    @click.command("fail")
    def fail() -> None:
        raise error

    monkeypatch.setattr(operationrun, "get_command", lambda *_: fail)
    return run_command(["fail"])


def leaves(command: click.Command) -> list[click.Command]:
    """Return a command, or those under it where it is a group."""
    if not isinstance(command, click.Group):
        return [command]
    return [leaf for each in command.commands.values() for leaf in leaves(each)]


def spellings(command: click.Command) -> set[str]:
    return {spelling for option in command.params for spelling in option.opts}


def test_help_lists_every_command_and_imports_none() -> None:
    code = (
        "import sys; from runtime.cli.main import run_command; run_command(['--help']); "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.endswith("[]\n")
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_json_and_its_own_name(name: str) -> None:
    command = operationrun.get_command(click.Context(operationrun), name)
    assert command
    assert command.name == name
    assert all("--json" in spellings(leaf) for leaf in leaves(command))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("OPERATIONRUN_DATABASE_URL is not set."), 2),
        (InvalidInput("slug", "The slug is taken."), 2),
        (NotFound(), 1),
        (OperationRunError("Temporal did not answer."), 1),
    ],
)
def test_our_errors_are_one_calm_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OperationRunError, code: int
) -> None:
    assert run_failing(monkeypatch, error) == code
    assert capsys.readouterr().err == f"error: {error}\n"


def test_an_unforeseen_error_is_not_dressed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ZeroDivisionError):
        run_failing(monkeypatch, ZeroDivisionError())


def test_an_unknown_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["upp"]) == 2
    assert "No such command 'upp'" in capsys.readouterr().err


def test_a_result_is_aligned_lines_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    run_id = uuid.UUID(int=7)
    show({"id": run_id, "outcome": None, "counts": {"items": 3}}, as_json=False)
    assert capsys.readouterr().out == f'id:       {run_id}\noutcome:  -\ncounts:   {{"items": 3}}\n'
    show({"id": run_id, "outcome": None}, as_json=True)
    assert json.loads(capsys.readouterr().out) == {"id": str(run_id), "outcome": None}


def test_a_list_is_a_table_with_a_heading(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"slug": "default", "role": "owner"}, {"slug": "other", "role": "reader"}], as_json=False)
    assert capsys.readouterr().out == "slug     role\ndefault  owner\nother    reader\n"
    show([], as_json=False)
    assert capsys.readouterr().out == ""


HOSTILE = "clear\x1b[2J \x9b31m red, turned \u202e round, back\r over"


def test_no_text_reaches_a_terminal_that_it_would_obey(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"path": HOSTILE, "more": [HOSTILE]}], as_json=False)
    show({"path": HOSTILE, "odd": "\U000e0001"}, as_json=True)
    written = capsys.readouterr().out
    assert all(line.isprintable() for line in written.splitlines())
    assert "clear\\u{1b}[2J" in written
    assert json.loads(written.splitlines()[-1]) == {"path": HOSTILE, "odd": "\U000e0001"}


def test_no_error_does_either(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_failing(monkeypatch, OperationRunError(f"There is no {HOSTILE}."))
    [line] = capsys.readouterr().err.splitlines()
    assert line.isprintable()


def test_the_json_option_is_an_argument_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    @click.command()
    @json_option
    def command(*, as_json: bool) -> None:
        show({"name": "first"}, as_json=as_json)

    command.main(["--json"], standalone_mode=False)
    assert capsys.readouterr().out == '{"name": "first"}\n'


def test_a_database_out_of_reach_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", "postgresql://ada:hidden@127.0.0.1:1/operationrun")
    assert run_command(["migrate"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: the database is out of reach: ")
    assert said.count("\n") == 1
    assert "hidden" not in said
