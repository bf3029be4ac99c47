from pathlib import Path

import pytest

from models.errors import OperationRunError, SettingsError
from runtime.local import temporal_cli
from runtime.local.temporal_cli import cached_binary, find_binary, need_binary


def program(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A machine with nothing of Temporal on it: `bin` is its PATH, `cache` its cache."""
    (tmp_path / "bin").mkdir()
    return {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "HOME": str(tmp_path),
    }


@pytest.fixture
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal_cli, "_download", lambda *_args, **_options: None)


def test_temporal_cli_comes_before_path_and_path_before_the_cache(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    assert find_binary(environ) is None

    cached = program(cached_binary(environ))
    found = find_binary(environ)
    assert found
    assert (found.path, found.way) == (cached, "cache")

    on_path = program(tmp_path / "bin" / "temporal")
    found = find_binary(environ)
    assert found
    assert (found.path, found.way) == (on_path, "PATH")

    named = program(tmp_path / "elsewhere" / "temporal")
    found = find_binary(environ | {"TEMPORAL_CLI": str(named)})
    assert found
    assert (found.path, found.way) == (named, "TEMPORAL_CLI")


@pytest.mark.parametrize("name", ["absent", "bin"])
def test_a_temporal_cli_that_cannot_be_run_is_an_error(
    tmp_path: Path, environ: dict[str, str], name: str
) -> None:
    with pytest.raises(SettingsError, match="TEMPORAL_CLI"):
        find_binary(environ | {"TEMPORAL_CLI": str(tmp_path / name)})


def test_the_cache_is_under_home_where_xdg_names_none() -> None:
    path = cached_binary({"HOME": "/home/ada"})
    assert path == Path("/home/ada/.cache/operationrun/temporal-cli-v1.5.1/temporal")


def test_a_cached_build_is_used_before_any_download(tmp_path: Path, environ: dict[str, str]) -> None:
    cached = program(cached_binary(environ))
    said: list[str] = []
    found = need_binary(say=said.append, logs=tmp_path, environ=environ)
    assert (found.path, said) == (cached, [])


@pytest.mark.usefixtures("_offline")
def test_it_builds_the_pinned_module_where_nothing_can_be_downloaded(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    go = 'echo "$*" > "$HOME/asked"; printf "#!/bin/sh\\n" > "$GOBIN/temporal"; chmod 755 "$GOBIN/temporal"'
    program(tmp_path / "bin" / "go", go)
    said: list[str] = []
    found = need_binary(say=said.append, logs=tmp_path / "logs", environ=environ)
    assert (found.path, found.way) == (cached_binary(environ), "build")
    assert (tmp_path / "asked").read_text() == "install github.com/temporalio/cli/cmd/temporal@v1.5.1\n"
    assert said[0].startswith("Building Temporal v1.5.1")
    assert find_binary(environ) is not None
    assert {path.name for path in cached_binary(environ).parent.iterdir()} == {"temporal", ".lock"}


@pytest.mark.usefixtures("_offline")
def test_a_build_that_fails_says_why_and_leaves_nothing(tmp_path: Path, environ: dict[str, str]) -> None:
    program(tmp_path / "bin" / "go", "echo 'no such module' >&2; exit 1")
    with pytest.raises(OperationRunError, match=r"no such module(.|\n)*OPERATIONRUN_TEMPORAL_ADDRESS"):
        need_binary(say=lambda _: None, logs=tmp_path / "logs", environ=environ)
    assert find_binary(environ) is None


@pytest.mark.usefixtures("_offline")
def test_without_go_it_names_the_ways_out(tmp_path: Path, environ: dict[str, str]) -> None:
    with pytest.raises(OperationRunError, match=r"no Go to build it with\. Install Temporal's CLI"):
        need_binary(say=lambda _: None, logs=tmp_path, environ=environ | {"PATH": str(tmp_path / "bin")})
