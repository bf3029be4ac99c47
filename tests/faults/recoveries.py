import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from tests.faults.operations import workflow_id_of
from tests.system import Json
from tests.temporal_cli import TemporalCli

# The promise is five seconds; of what took longer, the workflow's story is kept.
PROMISE = 5.0


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """How long it took from a worker being there until everything was settled, and what was slow in it."""

    scenario: str
    seconds: float
    story: list[str]


class Recoveries:
    """Keeps how long recovery took, for a person to read; no test fails of a figure."""

    def __init__(self, temporal: TemporalCli) -> None:
        self._temporal = temporal
        self._all: list[Recovery] = []
        self._notes: Json = {}

    def note(self, scenario: str, *, since: datetime | None, ended: Iterable[Json]) -> None:
        """Note when the last of these runs ended, counted from when a worker was there."""
        runs = sorted(ended, key=_ended_at)
        if since is None or not runs:
            return
        seconds = round(max(0.0, (_ended_at(runs[-1]) - since).total_seconds()), 2)
        story = self._story(runs[-1], since) if seconds > PROMISE else []
        self._all.append(Recovery(scenario=scenario, seconds=seconds, story=story))
        print(f"{seconds:6.2f} s  {scenario}")  # noqa: T201 - the figure is the point

    def keep(self, **notes: object) -> None:
        """Keep what a lane was run with."""
        self._notes |= notes

    def write(self, path: Path) -> None:
        slowest = sorted(self._all, key=lambda recovery: -recovery.seconds)
        path.parent.mkdir(exist_ok=True)
        report = self._notes | {
            "slowest": asdict(slowest[0]) if slowest else None,
            "over_the_promise": sum(recovery.seconds > PROMISE for recovery in slowest),
            "recoveries": [asdict(recovery) for recovery in slowest],
        }
        path.write_text(json.dumps(report, indent=2) + "\n")

    def _story(self, run: Json, since: datetime) -> list[str]:
        """Tell the workflow's events, in seconds from when a worker was there."""
        shown = self._temporal("workflow", "show", "--workflow-id", workflow_id_of(run))
        return [f"{_after(since, event):+.2f} {event['eventType']}" for event in shown["events"]]


def _after(since: datetime, event: Json) -> float:
    return (datetime.fromisoformat(event["eventTime"]) - since).total_seconds()


def _ended_at(run: Json) -> datetime:
    return datetime.fromisoformat(run["completed_at"])
