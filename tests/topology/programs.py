"""Find, or build once, what the lane of the production topology needs: `python -m tests.topology.programs`.

Temporal's own server and its schema tool are built from their Go module and kept outside the tree.
PostgreSQL is the system's: the wheel that `operationrun up` runs lacks the extension that Temporal's
database of visibility needs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from models.errors import OperationRunError
from runtime.local.temporal_cli import cached_binary, need_binary

VERSION = "v1.29.1"
MODULE = "go.temporal.io/server"
# By the names of Temporal's packages, the folder that each is built from.
BUILT = {"temporal-server": "cmd/server", "temporal-sql-tool": "cmd/tools/sql"}
POSTGRES_PROGRAMS = ("initdb", "postgres", "psql", "pg_isready", "pg_dump", "pg_restore")
EXTENSION = "btree_gin"
OLDEST_POSTGRES = 15


@dataclass(frozen=True, kw_only=True)
class Programs:
    """Where the programs of the topology are on this machine."""

    postgres: Path
    temporal: Path
    temporal_cli: Path


def need_programs() -> Programs:
    """Find everything, and build what can be built; raise OperationRunError with what is missing."""
    postgres = find_postgres()
    with tempfile.TemporaryDirectory() as logs:
        temporal_cli = need_binary(say=_say, logs=Path(logs)).path
    return Programs(postgres=postgres, temporal=_need_temporal(), temporal_cli=temporal_cli)


def find_postgres() -> Path:
    """Return the folder of the system's PostgreSQL programs, the newest there; raise OperationRunError."""
    lacks = []
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version, reverse=True):
        missing = [name for name in POSTGRES_PROGRAMS if not (folder / name).exists()]
        if not missing and _version(folder) >= OLDEST_POSTGRES and _has_extension(folder):
            return folder
        lacks.append(f"{folder} is too old, or lacks {', '.join(missing) or EXTENSION}")
    raise OperationRunError(
        f"PostgreSQL {OLDEST_POSTGRES} or newer is missing, with its programs and the extension {EXTENSION}"
        f"{': ' if lacks else ''}{'; '.join(lacks)}. On Debian and Ubuntu: apt-get install postgresql"
    )


def _version(folder: Path) -> int:
    return int(folder.parent.name) if folder.parent.name.isdigit() else 0


def _has_extension(folder: Path) -> bool:
    return Path("/usr/share/postgresql", folder.parent.name, "extension", f"{EXTENSION}.control").exists()


def _need_temporal() -> Path:
    """Return the folder of Temporal's server and schema tool; build them at the first need."""
    cached = cached_binary().parent.with_name(f"temporal-server-{VERSION}")
    if all(os.access(cached / name, os.X_OK) for name in BUILT):
        return cached
    go = shutil.which("go")
    if go is None:
        raise OperationRunError(f"Temporal's server is missing, and there is no Go to build {MODULE} with.")
    _say(f"Building Temporal's server {VERSION} from its Go module. This takes several minutes, once.")
    cached.mkdir(parents=True, exist_ok=True)
    for name, folder in BUILT.items():
        _build(go, folder, cached / name)
    return cached


def _build(go: str, folder: str, program: Path) -> None:
    with tempfile.TemporaryDirectory(dir=program.parent) as built:
        # One package at a time and last in the queue: whoever works on this machine goes first.
        command = ["nice", "-n", "15", go, "install", "-p", "1", f"{MODULE}/{folder}@{VERSION}"]
        done = subprocess.run(
            command, env={**os.environ, "GOBIN": built}, check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            reason = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise OperationRunError(f"{program.name} could not be built:\n{reason}")
        next(Path(built).iterdir()).replace(program)


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 # a person waits for it


def main() -> int:
    """Return 0 once everything is there, else say what is missing and return 1."""
    try:
        need_programs()
    except OperationRunError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
