import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta

import psycopg
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from models.errors import OperationRunError, SettingsError
from runtime.local.connection_findings import examine_connections
from runtime.local.finding import Finding
from runtime.local.own_program import ROOT
from runtime.local.pooling import Pooling, detect_pooling
from runtime.local.ports import is_free
from runtime.local.postgres import binary
from runtime.local.temporal_cli import VERSION, WAYS_OUT, find_binary
from runtime.local.temporal_findings import examine_temporal
from runtime.migrate import check_login_of_web, read_audit, read_missing_settings
from runtime.settings import Settings

OLDEST_PYTHON = (3, 11)
# The first that is held to the addresses of a host that were checked (http.curloptResolve).
OLDEST_GIT = (2, 37)
PORT = 8080
TOOL_WITHIN = timedelta(seconds=10)


def examine(settings: Settings) -> list[Finding]:
    """Check everything that `operationrun` needs on this machine; change nothing."""
    checks: Sequence[Callable[[Settings], Finding | None]] = (
        _python,
        _git,
        _postgres,
        _temporal,
        _go,
        _setpriv,
        _port,
        _data_dir,
        _database,
        _migrations,
        _connections,
        _sessions,
        _web_login,
        _audit,
    )
    here = [finding for check in checks if (finding := check(settings))]
    temporal = examine_temporal(settings) if settings.temporal_address else []
    return [*here, *temporal, *examine_connections(settings)]


def _python(_settings: Settings) -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        check="Python", ok=sys.version_info >= OLDEST_PYTHON, found=version, fix="Install Python 3.11."
    )


def _git(_settings: Settings) -> Finding:
    said = _output(["git", "--version"])
    numbers = tuple(map(int, re.findall(r"\d+", said or "")[:2]))
    fix = "Install git {}.{} or newer.".format(*OLDEST_GIT)
    return Finding(check="git", ok=numbers >= OLDEST_GIT, found=said or "not found", fix=fix)


def _postgres(_settings: Settings) -> Finding:
    try:
        said = _output([str(binary("postgres")), "--version"])
    except OperationRunError as error:
        return Finding(check="PostgreSQL", ok=False, found="not found", fix=str(error))
    return Finding(check="PostgreSQL", ok=bool(said), found=said or "does not start", fix="make install")


def _temporal(settings: Settings) -> Finding | None:
    if settings.temporal_address:
        return None
    try:
        found = find_binary()
    except OperationRunError as error:
        return Finding(check="Temporal", ok=False, found="cannot be run", fix=str(error))
    if found:
        return Finding(check="Temporal", ok=True, found=f"{found.path} ({found.way})")
    go = shutil.which("go")
    way = f"not here yet: `up` downloads {VERSION}, or builds it" + (f" with {go}" if go else "")
    fix = f"A download needs the internet, a build needs Go. {WAYS_OUT}"
    return Finding(check="Temporal", ok=go is not None, found=way, fix=fix, needed=False)


def _go(_settings: Settings) -> Finding:
    said = _output(["go", "version"])
    fix = "Install Go 1.24 or newer, if Temporal is to be built here; nothing else needs it."
    return Finding(check="Go", ok=bool(said), found=said or "not found", fix=fix, needed=False)


def _setpriv(_settings: Settings) -> Finding | None:
    if sys.platform != "linux":
        return None
    path = shutil.which("prlimit") and shutil.which("setpriv")
    fix = (
        "Install util-linux; without its setpriv and prlimit, what `up` started outlives an `up` that was"
        " killed, and git's memory has no limit."
    )
    return Finding(check="setpriv", ok=bool(path), found=path or "not found", fix=fix, needed=False)


def _port(_settings: Settings) -> Finding:
    free = is_free(PORT)
    found = f"{PORT} is free" if free else f"{PORT} is taken"
    return Finding(check="port", ok=free, found=found, fix="operationrun up --port 0", needed=False)


def _data_dir(settings: Settings) -> Finding:
    data_dir = settings.data_dir.absolute()
    nearest = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    ok = nearest.is_dir() and os.access(nearest, os.W_OK)
    fix = "Set OPERATIONRUN_DATA_DIR to a directory you may write to."
    return Finding(check="data directory", ok=ok, found=str(data_dir), fix=fix)


def _database(settings: Settings) -> Finding | None:
    if settings.database_url is None:
        return None
    try:
        with psycopg.connect(settings.database_url, connect_timeout=3) as connection:
            found = f"PostgreSQL {connection.info.server_version // 10000}"
    except psycopg.Error:
        fix = "Start that server, or correct OPERATIONRUN_DATABASE_URL."
        return Finding(check="database", ok=False, found="does not answer", fix=fix)
    return Finding(check="database", ok=True, found=found)


def _migrations(settings: Settings) -> Finding | None:
    if settings.database_url is None:
        return None
    try:
        with psycopg.connect(settings.database_url, connect_timeout=3) as connection:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.Error:
        row = None
    newest = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    found = f"at {row[0]}" if row else "no migration"
    return Finding(
        check="migrations", ok=row is not None and row[0] == newest, found=found, fix="operationrun migrate"
    )


def _connections(settings: Settings) -> Finding | None:
    try:
        pooling = detect_pooling(settings.need_database_url())
    except (SettingsError, psycopg.Error):
        return None
    fix = "Set pool_mode = transaction (docs/operating.md)."
    return Finding(
        check="database connections", ok=pooling is not Pooling.STATEMENT, found=pooling.value, fix=fix
    )


def _sessions(settings: Settings) -> Finding | None:
    try:
        missing = read_missing_settings(settings.need_database_url())
    except (SettingsError, DBAPIError):
        return None
    found = "begin with their time limits, in UTC" if not missing else "lack a time limit, or are not in UTC"
    fix = f"operationrun migrate, or as the role itself: {'; '.join(missing)}. Then RECONNECT a pooler."
    return Finding(check="database sessions", ok=not missing, found=found, fix=fix, needed=False)


def _web_login(settings: Settings) -> Finding | None:
    """Say whether the web server's database login is its own, and can become no more."""
    if not settings.database_url:
        return None
    fix = "Set OPERATIONRUN_WEB_DATABASE_URL for `migrate` and the web server (docs/operating.md)."
    if settings.web_database_url is None:
        found = "web and worker share one, which owns the tables, unless OPERATIONRUN_WEB_DATABASE_URL is set"
        return Finding(check="web's database login", ok=False, found=found, fix=fix, needed=False)
    try:
        check_login_of_web(settings.web_database_url)
    except DBAPIError:
        return Finding(check="web's database login", ok=False, found="does not connect", fix=fix)
    except OperationRunError as error:
        return Finding(check="web's database login", ok=False, found=str(error), fix=fix)
    return Finding(check="web's database login", ok=True, found="assumes the web's roles, and no others")


def _audit(settings: Settings) -> Finding | None:
    try:
        checks = read_audit(settings.need_database_url())
    except (SettingsError, DBAPIError):
        return None
    heads = ", ".join(
        f"{each.workspace or '(installation)'} {each.count} {each.head[:12]}"
        + (f": {each.problem}" if each.problem else "")
        for each in checks
    )
    ok = not any(each.problem for each in checks)
    fix = "Find out who holds the database's own role. Compare with a backup: operationrun audit verify"
    return Finding(check="audit", ok=ok, found=heads or "no entries", fix=fix)


def _output(command: Sequence[str]) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=TOOL_WITHIN.total_seconds()
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
