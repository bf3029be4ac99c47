"""Rules of this house that ruff, mypy and import-linter do not know; each message says what to do instead."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("models", "services", "reconcilers", "activities", "workflows", "web", "runtime", "migrations")
BESIDE = ("tests", "bench", "tools", "docs")
LONGEST = 400

# A place that may break a rule, and why.
SLEEPS = {
    "tests/faults/disturbances.py": "a worker is killed at a random moment",
    "tests/engine/conftest.py": "the end of the SDK's threads cannot be asked for",
}
LONG = {
    "migrations/versions/0001_tables.py": "every table of the first release",
}

UNSAFE = re.compile(
    r"\|\s*safe\b|<style|\sstyle=|<script(?![^>]*\ssrc=)[^>]*>|\son[a-z]+=|javascript:", re.IGNORECASE
)
# What a workflow may reach for; the clock and chance are `workflow.now`, `workflow.uuid4`, `workflow.random`.
REPLAYABLE = {
    "activities",
    "asyncio",
    "collections",
    "datetime",
    "models",
    "pydantic",
    "temporalio",
    "typing",
    "workflows",
}
DATABASES, SESSIONS = {"Database", "ScopedDatabase"}, {"Session"}
CLOCKS = {"now", "utcnow", "today", "utc_now"}
OWNER = "class A:\n    database: Database\n"
MADE, FIND = "class A:\n    def __init__(self, ", "    def find(self, "
# What a reader has to translate back, or to look up in a numbered page.
RETIRED = re.compile(
    r"\bTell whether\b|[(,] ?section \d|\banew\b|\bcame of it\b|\bof whom\b|\bis told of\b", re.IGNORECASE
)
SPOKEN = {
    "services/access/openid_subjects.py": "cites a section of OpenID Connect",
    "services/access/passwords.py": "cites a section of an RFC",
}
MOST_IN_A_ROOM = 24
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}
MACHINE = re.compile(r"(?<![\w.])/(?:root|home/(?!operationrun\b|ada\b)\w+|work)/")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def files(*endings: str, parts: tuple[str, ...] = (*PARTS, *BESIDE)) -> list[Path]:
    return sorted(path for part in parts for path in (ROOT / part).rglob("*") if path.suffix in endings)


def sleeps(source: str) -> list[int]:
    """Return the lines on which a sleep stands outside of a `while` that asks for a condition."""
    tree = ast.parse(source)
    waiting = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.While) and not isinstance(node.test, ast.Constant)
        for inner in ast.walk(node)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and id(node) not in waiting and _name(node.func) == "sleep"
    ]


def unreplayable(source: str) -> list[int]:
    """Return the lines on which workflow code reaches for what another worker would find different."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                reached = {name.name for name in names}
            case ast.ImportFrom(module=module):
                reached = {module or ""}
            case ast.Call(func=ast.Attribute(value=ast.Name(id="workflow"))):
                continue
            case ast.Call(func=function) if _name(function) in CLOCKS:
                reached = {_name(function)}
            case _:
                continue
        if {name.partition(".")[0] for name in reached} - REPLAYABLE:
            lines.append(node.lineno)
    return lines


def two_shapes(source: str) -> list[int]:
    """Return the lines on which a service has another shape than one of two.

    A class that owns transactions takes a Database, in its constructor; a function that works inside one
    takes a session. Private methods may work inside a transaction that their class has opened.
    """
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and _takes(node, DATABASES)]
    lines = [node.lineno for node in functions if node.name != "__init__" and _takes(node, DATABASES)]
    lines += [node.lineno for node in owners if _takes(node, SESSIONS)]
    lines += [
        method.lineno
        for owner in owners
        for method in owner.body
        if method in functions and not _name(method).startswith("_") and _takes(method, SESSIONS)
    ]
    return lines


def _takes(node: ast.AST, types: set[str]) -> bool:
    """Return whether a function has a parameter of these types, or a class a field or its constructor one."""
    match node:
        case ast.FunctionDef(args=given):
            annotations = [each.annotation for each in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
        case ast.ClassDef(body=body):
            constructors = [each for each in body if _name(each) == "__init__"]
            if any(_takes(each, types) for each in constructors):
                return True
            annotations = [each.annotation for each in body if isinstance(each, ast.AnnAssign)]
        case _:
            return False
    return any(types & set(ast.unparse(each).split(" | ")) for each in annotations if each)


def _name(node: ast.AST) -> str:
    """Return the name that a call, a name or a definition goes by; empty where it has none."""
    return str(getattr(node, "attr", getattr(node, "id", getattr(node, "name", ""))))


def retired(source: str) -> list[int]:
    """Return the lines of the comments and docstrings that use a retired phrase."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    prose = [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]
    prose += [
        (getattr(node, "lineno", 1), ast.get_docstring(node) or "")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(line for line, text in prose if RETIRED.search(text))


def breaches(pattern: re.Pattern[str]) -> Callable[[str], list[int]]:
    def find(text: str) -> list[int]:
        return [number for number, line in enumerate(text.splitlines(), 1) if pattern.search(line)]

    return find


def too_long(text: str) -> list[int]:
    return [LONGEST + 1] if text.count("\n") > LONGEST else []


def found(paths: list[Path], find: Callable[[str], list[int]], allowed: dict[str, str]) -> Iterator[str]:
    assert paths
    for path in paths:
        lines = find(path.read_text())
        if named(path) in allowed:
            assert lines, (
                f"{named(path)} keeps the rule now: take it off its list in {named(Path(__file__))}."
            )
        else:
            yield from (f"{named(path)}:{line}" for line in lines)


@pytest.mark.parametrize(
    ("paths", "find", "allowed", "way_out"),
    [
        pytest.param(
            files(".py", parts=("tests", "bench")),
            sleeps,
            SLEEPS,
            "Wait for a condition, in a loop with a deadline (tests/system.py has wait_for).",
            id="tests wait for conditions and do not sleep",
        ),
        pytest.param(
            files(".py", parts=("workflows",)),
            unreplayable,
            {},
            "Do it in an activity, or by the `workflow` module: a replay has to take the same way.",
            id="workflows reach for nothing that a replay would find different",
        ),
        pytest.param(
            files(".py", parts=("services", "reconcilers")),
            two_shapes,
            {},
            "A class that opens transactions takes the Database, what works inside one the session.",
            id="a service takes a Database or a session",
        ),
        pytest.param(
            [path for path in files(".py", parts=PARTS) if named(path) != "models/errors.py"],
            retired,
            SPOKEN,
            "Say it in plain words: `Return whether …`, and cite a law, a heading or a test.",
            id="comments and docstrings need no translation",
        ),
        pytest.param(
            files(".html", parts=("web",)),
            breaches(UNSAFE),
            {},
            "Escape it; styles and scripts belong into web/static, as the Content-Security-Policy has it.",
            id="templates escape everything, and hold no style and no script",
        ),
        pytest.param(
            files(".py"),
            too_long,
            LONG,
            f"Split it by what it is about: a file has up to {LONGEST} lines.",
            id="no file is longer than a reader takes in",
        ),
        pytest.param(
            [path for path in files(".py", ".md", ".html", ".css", ".js") if path != Path(__file__)],
            breaches(MACHINE),
            {},
            "Name it relative to the project, or by a setting: other machines have other folders.",
            id="no path of somebody's machine",
        ),
    ],
)  # fmt: skip
def test_the_rule_holds(
    paths: list[Path], find: Callable[[str], list[int]], allowed: dict[str, str], way_out: str
) -> None:
    broken = [*found(paths, find, allowed)]
    assert not broken, f"{', '.join(broken)}. {way_out}"


def test_no_module_is_named_for_nothing() -> None:
    vague = [
        named(path) for path in files(".py") if VAGUE & {path.stem, *path.parent.relative_to(ROOT).parts}
    ]
    assert not vague, f"{', '.join(vague)}: name it after what it does, in a word of docs/design.md."


def test_no_room_is_crowded() -> None:
    rooms = Counter(path.parent for path in files(".py", parts=PARTS) if path.stat().st_size)
    crowded = [f"{named(room)} ({count})" for room, count in rooms.items() if count > MOST_IN_A_ROOM]
    assert rooms
    assert not crowded, f"{', '.join(crowded)}: part it by subject, as docs/architecture.md has the parts."


@pytest.mark.parametrize(
    ("find", "planted", "kept"),
    [
        (retired, "# as law L5 asks (section 4)", "# as law L5 asks"),
        (
            retired,
            'def f():\n    """Tell whether it holds."""',
            'def f():\n    """Return whether it holds."""',
        ),
        (sleeps, "import time\ntime.sleep(1)", "while not done():\n    time.sleep(1)"),
        (sleeps, "while True:\n    sleep(1)", "def sleepless(): ..."),
        (unreplayable, "import random", "import asyncio"),
        (unreplayable, "from os import environ", "from temporalio.exceptions import ActivityError"),
        (unreplayable, "at = datetime.now(UTC)", "at = workflow.now()"),
        (two_shapes, "def find(database: Database): ...", "def find(session: Session): ..."),
        (two_shapes, "def find(*, at: Database | None): ...", "def find(read: Callable[[Session], T]): ..."),
        (two_shapes, f"{OWNER}    def find(self, session: Session): ...", f"{OWNER}    def find(self): ..."),
        (two_shapes, f"{OWNER}    session: Session", f"{OWNER}    def _find(self, session: Session): ..."),
        (two_shapes, f"{OWNER}    def find(self, other: Database): ...", f"{OWNER}    clock: Clock"),
        (two_shapes, f"{MADE}database: Database, session: Session): ...", f"{MADE}database: Database): ..."),
        (
            two_shapes,
            f"{MADE}database: Database): ...\n{FIND}session: Session): ...",
            f"{MADE}session: Session): ...",
        ),
        (
            two_shapes,
            f"{MADE}session: Session): ...\n{FIND}database: Database): ...",
            f"class A:\n{FIND}one: X): ...",
        ),
        (breaches(UNSAFE), "{{ name | safe }}", "{{ name | safely }}"),
        (breaches(UNSAFE), '<p style="x">', '<link rel="stylesheet">'),
        (breaches(UNSAFE), "<script>go()</script>", '<script src="/static/a.js" defer></script>'),
        (breaches(UNSAFE), '<a onclick="go()">', "<p>once upon a time</p>"),
        (breaches(MACHINE), "see /home/grace/notes", "see /home/operationrun/.ssh"),
        (too_long, "\n" * 401, "\n" * 400),
    ],
)
def test_the_scan_finds_what_it_looks_for(find: Callable[[str], list[int]], planted: str, kept: str) -> None:
    assert find(planted)
    assert not find(kept)
