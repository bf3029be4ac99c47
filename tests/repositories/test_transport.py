import os
from datetime import timedelta
from pathlib import Path

import pytest

from services.repositories import transport
from services.repositories.git import GitResult
from services.repositories.transport import (
    DEFAULT_LIMITS,
    Passage,
    machine_environment,
    run_local,
    run_transport,
)

pytestmark = pytest.mark.feature


@pytest.fixture(autouse=True)
def _no_ssh_command_of_before() -> None:
    transport._configured_ssh_command.cache_clear()


def run(tmp_path: Path, *arguments: str) -> GitResult:
    passage = Passage(source="", environment=machine_environment(os.environ))
    limit = timedelta(seconds=20)
    return run_transport(tmp_path, arguments, timeout=limit, limits=DEFAULT_LIMITS, passage=passage)


@pytest.mark.parametrize(
    "url", ["ext::sh -c 'touch pwned'", "http://127.0.0.1:9/x", "git://127.0.0.1:9/x", "ftp://127.0.0.1:9/x"]
)
def test_git_itself_speaks_https_ssh_and_file_alone(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text('[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n')
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext:http:git:ftp")
    result = run(tmp_path, "ls-remote", "--", url)
    assert result.exit_code != 0
    assert "not allowed" in result.stderr


def test_ssh_runs_with_the_users_options_and_cannot_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\nexit 255\n')
    program.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\n\tsshCommand = {program} -i mine\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.delenv("GIT_SSH_COMMAND", raising=False)
    monkeypatch.delenv("GIT_SSH", raising=False)
    run(tmp_path, "ls-remote", "--", "git@git.example.org:settings.git")
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert arguments[:2] == ["-i", "mine"]
    assert "BatchMode=yes" in arguments
    assert "git@git.example.org" in arguments


def test_the_users_credential_helper_answers_and_nobody_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = tmp_path / "gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {tmp_path}/asked;")
    configuration.write_text('[credential]\n\thelper = "!echo username=ada; echo password=from-helper; :"\n')
    fill = [
        "-c",
        "alias.ask=!printf 'protocol=https\\nhost=git.example.org\\n\\n' | git credential fill",
        "ask",
    ]
    assert b"password=from-helper" in run(tmp_path, *fill).stdout
    configuration.write_text("")
    refused = run(tmp_path, *fill)
    assert refused.exit_code != 0
    assert "terminal prompts disabled" in refused.stderr
    assert not (tmp_path / "asked").exists()


def test_git_gets_the_users_environment_without_our_secrets_and_without_what_steers_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {
        "HELPER_TOKEN": "kept",
        "OPERATIONRUN_SECRET_KEY": "x",
        "PGPASSWORD": "x",
        "GIT_DIR": "/x",
        "GIT_TRACE": "/x",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    seen = run(tmp_path, "-c", "alias.surroundings=!env", "surroundings").stdout.decode().splitlines()
    assert "HELPER_TOKEN=kept" in seen
    assert not [
        line for line in seen if line.startswith(("OPERATIONRUN_", "PGPASSWORD=", "GIT_TRACE=", "GIT_DIR=/x"))
    ]


def test_commands_on_objects_hear_no_configuration_but_the_repositorys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gitconfig").write_text("[diff]\n\trenameLimit = 1\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "diff.renameLimit")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "2")
    listed = run_local(tmp_path, ["config", "--list", "--name-only"], limits=DEFAULT_LIMITS)
    assert b"diff.renamelimit" not in listed.stdout
    assert b"core.hookspath" in listed.stdout
    assert os.environ["GIT_CONFIG_COUNT"] == "1"
