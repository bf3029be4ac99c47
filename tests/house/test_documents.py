"""The documents name paths that exist, give a reason for each import contract, and record decisions whole."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = ROOT / "docs" / "decisions"
RECORDS = sorted(DECISIONS.glob("[0-9]*.md"))
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir()} - {".git", ".venv"}

# `services/runs/start.py`, `tests/api/`, `reconcilers/*_decision.py`; not `services()` and no address.
_QUOTED = re.compile(r"`([\w.][\w.*/-]*)`")
_LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def missing_paths(text: str, folder: Path) -> list[str]:
    """Return the paths of this repository that a page in `folder` names and that match no file."""
    prose = _FENCE.sub("", text)
    quoted = [path for path in _QUOTED.findall(prose) if path.partition("/")[0] in FOLDERS and "/" in path]
    return [
        *(path for path in quoted if not any(ROOT.glob(path.rstrip("/")))),
        *(path for path in _LINK.findall(prose) if not (folder / path).exists()),
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_that_a_document_names_exists(page: Path) -> None:
    gone = missing_paths(page.read_text(), page.parent)
    assert not gone, f"{page.relative_to(ROOT)}: correct or remove {', '.join(gone)}."


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("see `services/nowhere.py`", ["services/nowhere.py"]),
        ("see `reconcilers/*_nothing.py`", ["reconcilers/*_nothing.py"]),
        ("see [this](nowhere.md#there)", ["nowhere.md"]),
        ("`services/runs/service.py`, `tests/api/`, `reconcilers/*_decision.py`", []),
        ("`/api/v1/operations`, `services()`, [this](https://example.org/a), [that](#there)", []),
    ],
)
def test_the_scan_finds_missing_paths_alone(text: str, missing: list[str]) -> None:
    assert missing_paths(text, ROOT) == missing


def test_contributing_names_the_files_of_each_change() -> None:
    table = re.findall(r"^\| .+ \| (.+) \|$", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)[1:]
    unnamed = [row for row in table if not _QUOTED.search(row)]
    assert len(table) > 10
    assert not unnamed, f"Name the files in CONTRIBUTING.md's rows: {unnamed}"


def test_the_architecture_gives_a_reason_for_each_import_contract() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    contracts = {contract["name"].partition(" (")[0] for contract in linter["contracts"]}
    section = (
        (ROOT / "docs/architecture.md").read_text().split("\n## Import directions\n")[1].split("\n## ")[0]
    )
    reasons = re.findall(r"^- \*\*(.+?)\.\*\* \S", section.replace("\n  ", " "), re.MULTILINE)
    assert contracts
    assert sorted(reasons) == sorted(contracts), "docs/architecture.md: one reason for each contract."


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_decision_record_is_complete_and_listed(record: Path) -> None:
    text, number = record.read_text(), int(record.stem[:4])
    assert text.startswith(f"# {number}. ")
    assert re.search(r"^Date: \d{4}-\d{2}-\d{2}$", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert f"({record.name})" in (DECISIONS / "index.md").read_text()


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [int(record.stem[:4]) for record in RECORDS] == [*range(1, len(RECORDS) + 1)]
