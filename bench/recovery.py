"""The time from kill -9 of a worker until another has completed every run.

In each round the worker dies with composes and restores running or waiting. The time counts from the other
worker's first poll where it starts after the kill, and from the kill where it runs beside the first.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median

from bench.report import Row, write
from tests.faults.crew import Crew
from tests.faults.operations import restorable
from tests.system import Json, System, up, wait_for

ROUNDS, OPERATIONS, STARTERS = 6, 12, 4
PROMISE = timedelta(seconds=5)


def main() -> None:
    """Measure with a later and with a second worker in turn."""
    figures: dict[bool, list[timedelta]] = {False: [], True: []}
    left: list[int] = []
    with (
        tempfile.TemporaryDirectory(prefix="operationrun-") as folder,
        up(Path(folder) / "system", "--no-worker") as system,
        crew_of(system) as crew,
    ):
        for _ in range(ROUNDS):
            for beside, seconds in figures.items():
                took, under_way = recover(system, crew, beside=beside)
                seconds.append(took)
                left.append(under_way)
    rows = [
        _row("all settled after a worker's kill -9, from the start of another", figures[False]),
        _row("the same with another worker beside it, from the kill", figures[True]),
    ]
    notes = [
        "The floor is the promise; the ratio is that of the worst round.",
        f"Every round, in seconds: {_listed(figures[False])}; beside it {_listed(figures[True])}.",
        f"{ROUNDS} rounds each; {min(left)} to {max(left)} of {OPERATIONS} operations were under way.",
    ]
    write("recovery", rows, notes=notes)


def recover(system: System, crew: Crew, *, beside: bool) -> tuple[timedelta, int]:
    """Kill a busy worker; return how long its successor took, and for how many operations."""
    starts = [prepare(system, restores=number % 2 == 1) for number in range(OPERATIONS)]
    victim, *others = crew.muster(2 if beside else 1)
    with ThreadPoolExecutor(STARTERS) as starters:
        runs = [*starters.map(lambda start: start(), starts)]
    wait_for(lambda: look(system, runs, "running"), what="work to be in hand")
    crew.kill(victim)
    under_way = look(system, runs, "queued", "running")
    assert under_way
    successor = others[0] if beside else crew.muster(1)[0]
    there_at = victim.died_at if beside else successor.ready_at
    ended = [system.settled(run) for run in under_way]
    assert {run["outcome"] for run in ended} == {"succeeded"}
    assert there_at
    settled_at = max(datetime.fromisoformat(run["completed_at"]) for run in ended)
    return max(settled_at - there_at, timedelta(0)), len(ended)


def prepare(system: System, *, restores: bool) -> Callable[[], Json]:
    """Make an environment; return the function that starts an operation on it."""
    _, environment, plan = restorable(system)
    return partial(system.restore, environment, plan) if restores else partial(system.compose, environment)


def look(system: System, runs: Sequence[Json], *standing: str) -> list[Json]:
    """Return the runs that have one of these statuses."""
    found = [system.get(f"/operations/{run['id']}") for run in runs]
    return [run for run in found if run["status"] in standing]


@contextmanager
def crew_of(system: System) -> Iterator[Crew]:
    """Yield a crew of workers, and stop them at the end."""
    crew = Crew(system)
    try:
        yield crew
    finally:
        crew.dismiss()


def _listed(took: Sequence[timedelta]) -> str:
    return ", ".join(f"{each.total_seconds():.1f}" for each in sorted(took))


def _row(what: str, took: Sequence[timedelta]) -> Row:
    worst = max(took)
    middle = median(each.total_seconds() for each in took)
    return Row(
        what=what,
        ours=f"{worst.total_seconds():.1f} s at worst, {middle:.1f} s p50",
        floor=f"{PROMISE.total_seconds():.0f} s",
        ratio=worst / PROMISE,
        promise="at most 1.0x",
        kept=worst <= PROMISE,
    )


if __name__ == "__main__":
    main()
