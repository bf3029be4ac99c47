"""Holds each part of the product to its floor of covered lines: `make coverage`."""

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from coverage import Coverage

PYPROJECT: Final = Path(__file__).parents[1] / "pyproject.toml"


def floors() -> dict[str, int]:
    """Return the least per cent of covered lines, by part."""
    settings = tomllib.loads(PYPROJECT.read_text())["tool"]["operationrun"]["coverage-floors"]
    return {str(part): int(floor) for part, floor in settings.items()}


def measured(data: Coverage) -> dict[str, float]:
    """Return the per cent of covered lines by part, over all of its files."""
    lines: dict[str, list[int]] = {}
    # Jinja's compiled templates carry the names of their sources.
    for path in (each for each in data.get_data().measured_files() if each.endswith(".py")):
        part = Path(path).relative_to(PYPROJECT.parent).parts[0]
        _, statements, _, missing, _ = data.analysis2(path)
        found = lines.setdefault(part, [0, 0])
        found[0] += len(statements) - len(missing)
        found[1] += len(statements)
    return {part: 100 * covered / every for part, (covered, every) in lines.items() if every}


def report(found: Mapping[str, float], least: Mapping[str, int]) -> list[str]:
    """Return a line for each part that is below its floor."""
    return [
        f"{part}: {found.get(part, 0.0):.1f} % of its lines are covered, and the floor is {floor} %. "
        "Test what is new, or lower the floor in pyproject.toml and say why."
        for part, floor in least.items()
        if found.get(part, 0.0) < floor
    ]


def main() -> str | int:
    """Print each part's coverage; return what to say where one is below its floor, and 0 where none is."""
    data = Coverage()
    data.load()
    found = measured(data)
    for part, percent in sorted(found.items()):
        print(f"{part:12} {percent:5.1f} %")
    return "\n".join(report(found, floors())) or 0


if __name__ == "__main__":
    sys.exit(main())
