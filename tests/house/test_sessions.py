"""Law L11 over the source: nothing is left in a database session, which behind a pooler is everybody's."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("models", "services", "reconcilers", "activities", "web", "runtime", "migrations")
WAY_OUT = (
    "Behind a pooler in transaction mode the next client gets it, or nobody does. Use a row, "
    "pg_advisory_xact_lock, SET LOCAL, set_config(…, true), or a setting of the role."
)
OF_SESSIONS = re.compile(
    r"pg_(try_)?advisory_(lock|unlock)|\bCREATE (LOCAL |GLOBAL )?TEMP|\bWITH HOLD\b"
    r"|\bset_config\([^)]*\bfalse\b"
    r"|\A\s*(SET (?!LOCAL\b|CONSTRAINTS\b)\w|RESET |LISTEN |UNLISTEN |PREPARE |DISCARD )"
)
OPTIONS = {"isolation_level", "options", "prepare"}


def left_in_sessions(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and OF_SESSIONS.search(node.value):
            yield node.lineno, node.value
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"connect", "execution_options"}:
            yield from ((node.lineno, word.arg) for word in node.keywords if word.arg in OPTIONS)


@pytest.mark.parametrize("part", PARTS)
def test_nothing_is_left_in_a_session(part: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in (ROOT / part).rglob("*.py")
        for line, what in left_in_sessions(ast.parse(path.read_text()))
    ]
    assert not found, f"{found}. {WAY_OUT}"


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("text('SELECT pg_try_advisory_lock(1)')", 1),
        ("text('SELECT pg_try_advisory_xact_lock(1)')", 0),
        ("text('SET statement_timeout = 1'); text('SET LOCAL statement_timeout = 1')", 1),
        ("text(f'SET idle_session_timeout = {limit}'); text('RESET ALL'); text('LISTEN runs')", 3),
        ("\"SELECT set_config('role', :role, true)\"; \"SELECT set_config('role', :role, false)\"", 1),
        ("text('CREATE TEMPORARY TABLE t ()'); text('UPDATE t SET a = 1')", 1),
        ("engine.connect().execution_options(isolation_level='AUTOCOMMIT')", 1),
        ("psycopg.connect(url, options='-c timezone=UTC')", 1),
    ],
)
def test_the_scan_finds_what_it_looks_for(source: str, found: int) -> None:
    assert len(list(left_in_sessions(ast.parse(source)))) == found
