"""Law L2 over the source: what writes a run stands in services/runs/service.py and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("models", "services", "reconcilers", "activities", "workflows", "web", "runtime")
WRITER = Path("services/runs/service.py")
WAY_OUT = "Call (or add) the method of OperationRunService that is this transition."

RAW_WRITE = re.compile(r"\b(INSERT\s+INTO|UPDATE|DELETE\s+FROM|TRUNCATE)\s+operation_runs\b", re.IGNORECASE)


def sources() -> list[Path]:
    return [path for part in PARTS for path in (ROOT / part).rglob("*.py") if path != ROOT / WRITER]


def writes(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0] if node.args else None
            if name in {"insert", "update", "delete"} and getattr(first, "id", "") == "OperationRun":
                yield node.lineno, f"{name}(OperationRun)"
            if name == "OperationRun":
                yield node.lineno, "OperationRun(...)"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and RAW_WRITE.search(node.value):
            yield node.lineno, "SQL that writes operation_runs"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_else_writes_a_run(path: Path) -> None:
    found = [f"{path.relative_to(ROOT)}:{line}: {what}" for line, what in writes(ast.parse(path.read_text()))]
    assert not found, f"{found}. {WAY_OUT}"


def test_nobody_else_announces_themselves_as_the_writer() -> None:
    """The guard and the trigger let the announced writer pass; only the service may announce itself."""
    naming = {
        path.relative_to(ROOT)
        for path in sources()
        if re.search(r"operationrun\.writer'|WRITER_OPTION", path.read_text())
    }
    assert naming == {Path("services/database/write_guard.py")}, WAY_OUT


def test_the_scan_finds_what_it_looks_for() -> None:
    planted = (
        "update(OperationRun); session.execute(text('update operation_runs set x = 1')); OperationRun(id=1)"
    )
    assert [what for _, what in writes(ast.parse(planted))] == [
        "update(OperationRun)",
        "OperationRun(...)",
        "SQL that writes operation_runs",
    ]
