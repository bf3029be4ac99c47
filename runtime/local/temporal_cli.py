import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from models.errors import OperationRunError, SettingsError
from runtime.local.child_process import Child, Program, run_to_end
from runtime.local.own_program import own_argv, own_environment

VERSION = "v1.5.1"
MODULE = f"github.com/temporalio/cli/cmd/temporal@{VERSION}"
DOWNLOAD_WITHIN = timedelta(seconds=90)
BUILD_WITHIN = timedelta(minutes=30)
PROGRESS_EVERY = timedelta(seconds=15)
WAYS_OUT = (
    "Install Temporal's CLI and set TEMPORAL_CLI to its path, or install Go 1.24 or newer, "
    "or set OPERATIONRUN_TEMPORAL_ADDRESS to a Temporal server that runs already."
)


@dataclass(frozen=True, kw_only=True)
class FoundBinary:
    """A `temporal` program; `way` is TEMPORAL_CLI, PATH, cache, download or build."""

    path: Path
    way: str


def find_binary(environ: Mapping[str, str] = os.environ) -> FoundBinary | None:
    """Find Temporal's CLI without fetching it: TEMPORAL_CLI, then PATH, then the cache; None if none has it.

    Raises SettingsError if TEMPORAL_CLI does not name a program.
    """
    named = environ.get("TEMPORAL_CLI")
    if named:
        if not os.access(named, os.X_OK) or Path(named).is_dir():
            raise SettingsError(
                f"TEMPORAL_CLI: {named} is not a program. Set it to the path of Temporal's CLI."
            )
        return FoundBinary(path=Path(named).resolve(), way="TEMPORAL_CLI")
    on_path = shutil.which("temporal", path=environ.get("PATH", os.defpath))
    if on_path:
        return FoundBinary(path=Path(on_path).resolve(), way="PATH")
    cached = cached_binary(environ)
    return FoundBinary(path=cached, way="cache") if os.access(cached, os.X_OK) else None


def cached_binary(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of a fetched `temporal`, outside the source tree; it may not exist."""
    home = environ.get("HOME") or str(Path.home())
    caches = Path(environ.get("XDG_CACHE_HOME") or Path(home, ".cache"))
    return caches / "operationrun" / f"temporal-cli-{VERSION}" / "temporal"


def need_binary(
    *, say: Callable[[str], None], logs: Path, environ: Mapping[str, str] = os.environ
) -> FoundBinary:
    """Find Temporal's CLI, or fetch it into the cache: download it with the SDK, else build the Go module.

    A build takes minutes, and `say` gets its progress. Raises OperationRunError with what to do instead.
    """
    found = find_binary(environ)
    if found:
        return found
    cached = cached_binary(environ)
    with _cache_lock(cached.parent):
        # Another process may have fetched it while this one waited for the lock.
        return find_binary(environ) or _fetch(cached, say=say, logs=logs, environ=environ)


def _fetch(
    cached: Path, *, say: Callable[[str], None], logs: Path, environ: Mapping[str, str]
) -> FoundBinary:
    with tempfile.TemporaryDirectory(dir=cached.parent) as folder:
        way = "download"
        fetched = _download(Path(folder), say=say, logs=logs)
        if fetched is None:
            way = "build"
            fetched = _build(Path(folder), say=say, logs=logs, environ=environ)
        fetched.chmod(0o755)
        fetched.replace(cached)
    say(f"Temporal is kept in {cached} from now on.")
    return FoundBinary(path=cached, way=way)


def _download(folder: Path, *, say: Callable[[str], None], logs: Path) -> Path | None:
    """Download the program with Temporal's SDK; return None where that fails."""
    say(f"Downloading Temporal {VERSION} (once).")
    download = Program(
        name="temporal-download",
        argv=own_argv("runtime.local.temporal_download", str(folder), VERSION),
        environment=own_environment(),
        stop_within=timedelta(seconds=2),
    )
    run_to_end(download, logs, within=DOWNLOAD_WITHIN)
    fetched = [path for path in folder.iterdir() if path.is_file() and os.access(path, os.X_OK)]
    if not fetched:
        say("It cannot be downloaded from here.")
        return None
    return fetched[0]


def _build(folder: Path, *, say: Callable[[str], None], logs: Path, environ: Mapping[str, str]) -> Path:
    go = shutil.which("go", path=environ.get("PATH", os.defpath))
    if go is None:
        raise OperationRunError(f"Temporal was not found, and there is no Go to build it with. {WAYS_OUT}")
    say(f"Building Temporal {VERSION} from its Go module. This takes three to four minutes, once.")
    program = Program(
        name="temporal-build", argv=(go, "install", MODULE), environment={**environ, "GOBIN": str(folder)}
    )
    ended = run_to_end(program, logs, within=BUILD_WITHIN, tick=_progress(say))
    if ended.exit_code() != 0 or not (folder / "temporal").exists():
        raise OperationRunError(f"Temporal could not be built: {_reason(ended)} {WAYS_OUT}")
    return folder / "temporal"


def _reason(ended: Child) -> str:
    words = ended.last_words()
    return f"{words}\n" if words else f"exit code {ended.exit_code()}, see {ended.log}."


def _progress(say: Callable[[str], None]) -> Callable[[timedelta], None]:
    shown = timedelta(0)

    def tick(elapsed: timedelta) -> None:
        nonlocal shown
        if elapsed - shown >= PROGRESS_EVERY:
            shown = elapsed
            minutes, seconds = divmod(int(elapsed.total_seconds()), 60)
            say(f"  still building, {minutes} min {seconds:02d} s")

    return tick


@contextmanager
def _cache_lock(folder: Path) -> Iterator[None]:
    """Hold the cache's lock, so that two concurrent starts fetch once."""
    folder.mkdir(parents=True, exist_ok=True)
    with Path(folder, ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(need_binary(say=print, logs=Path(folder)).path)  # noqa: T201 # the path is this program's result
