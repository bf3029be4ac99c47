import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from tests.system import Json


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How long it took from a worker being there until everything was settled."""

    scenario: str
    seconds: float


class Recoveries:
    """Keeps how long recovery took, for a person to read; no test fails of a figure."""

    def __init__(self) -> None:
        self._all: list[Recovery] = []
        self._notes: Json = {}

    def note(self, scenario: str, *, since: datetime | None, ended: Iterable[Json]) -> None:
        """Note when the last of these runs ended, counted from when a worker was there."""
        ends = [datetime.fromisoformat(run["completed_at"]) for run in ended]
        if since is None or not ends:
            return
        seconds = round(max(0.0, (max(ends) - since).total_seconds()), 2)
        self._all.append(Recovery(scenario=scenario, seconds=seconds))
        print(f"{seconds:6.2f} s  {scenario}")  # noqa: T201 - the figure is the point

    def keep(self, **notes: object) -> None:
        """Keep what a lane was run with."""
        self._notes |= notes

    def write(self, path: Path) -> None:
        slowest = sorted(self._all, key=lambda recovery: -recovery.seconds)
        path.parent.mkdir(exist_ok=True)
        report = self._notes | {
            "slowest": asdict(slowest[0]) if slowest else None,
            "recoveries": [asdict(recovery) for recovery in slowest],
        }
        path.write_text(json.dumps(report, indent=2) + "\n")
