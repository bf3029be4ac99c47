"""What may happen to a stream of operations, each at a moment that chance chooses."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from models.catalog import OperationType
from tests.faults.crew import Crew
from tests.faults.operations import workflow_id_of
from tests.faults.recoveries import Recoveries
from tests.faults.stream import Stream
from tests.system import Json, System
from tests.temporal_cli import TemporalCli

# How many of the kills come before the work of the last one is recovered.
HASTE: Final = 0.6
PATIENCE: Final = 60.0
LONGEST_HOLD: Final = 3.0


class Disturbances:
    """Kills workers, ends and cancels workflows, and holds pushes at the remotes; counts what it did.

    `ended` holds the ids of the runs that need not succeed.
    """

    def __init__(
        self, system: System, crew: Crew, recoveries: Recoveries, random: Random, stream: Stream
    ) -> None:
        self._system = system
        self._crew = crew
        self._temporal = TemporalCli(system)
        self._recoveries = recoveries
        self._random = random
        self._stream = stream
        self.counts = Counter[str]()
        self.ended = set[str]()

    def strike(self) -> bool:
        """Do one thing; return whether it was a kill or a termination."""
        chances: Mapping[Callable[[], str | None], float] = {
            self._kill: 0.45,
            self._terminate: 0.3,
            self._late_push: 0.1,
            self._cancel: 0.1,
            self._cancel_in_temporal: 0.05,
        }
        time.sleep(self._random.uniform(0, 0.6))
        (act,) = self._random.choices(list(chances), list(chances.values()))
        done = act()
        self.counts[done or "found nothing to end"] += 1
        return done is not None and not done.startswith("cancelled")

    def _kill(self) -> str:
        victim = self._random.choice(self._crew.workers)
        beside = len(self._crew.workers) > 1
        self._crew.kill(victim)
        left = self._stream.under_way()
        self._hire(pooled=not victim.pooled)
        if self._random.random() >= HASTE:
            manner = "another worker beside it" if beside else "then another worker"
            there_since = victim.died_at if beside else self._crew.workers[0].ready_at
            ended = [self._system.settled(run, patience=PATIENCE) for run in left]
            scenario = f"killed at random with {len(left)} under way, {manner}"
            self._recoveries.note(scenario, since=there_since, ended=ended)
        return f"killed a worker {'behind the pooler' if victim.pooled else 'with a connection of its own'}"

    def _terminate(self) -> str | None:
        run = self._one_under_way()
        if run is None:
            return None
        self._temporal("workflow", "terminate", "--workflow-id", workflow_id_of(run), check=False)
        return "terminated a workflow"

    def _late_push(self) -> str | None:
        """Hold the pushes at every remote, end a restore and its worker, and let the pushes go on later."""
        self._stream.hold()
        try:
            time.sleep(self._random.uniform(0.2, 1.0))
            run = self._one_under_way(OperationType.RESTORE_EXECUTE)
            if run is not None:
                self._temporal("workflow", "terminate", "--workflow-id", workflow_id_of(run), check=False)
            victim = self._random.choice(self._crew.workers)
            self._crew.kill(victim)
            self._hire(pooled=not victim.pooled)
            time.sleep(self._random.uniform(0, LONGEST_HOLD))
        finally:
            self._stream.let_go()
        return (
            "held pushes, terminated a restore and killed a worker" if run else "held pushes, killed a worker"
        )

    def _cancel(self) -> str | None:
        run = self._one_under_way()
        if run is None:
            return None
        self._system.client.post(f"/operations/{run['id']}/cancel", json={})
        return "cancelled a run"

    def _cancel_in_temporal(self) -> str | None:
        run = self._one_under_way()
        if run is None:
            return None
        self._temporal("workflow", "cancel", "--workflow-id", workflow_id_of(run), check=False)
        return "cancelled a workflow in Temporal"

    def _one_under_way(self, operation_type: str | None = None) -> Json | None:
        runs = [run for run in self._stream.under_way() if operation_type in {None, run["type"]}]
        if not runs:
            return None
        run = self._random.choice(runs)
        self.ended.add(run["id"])
        return run

    def _hire(self, *, pooled: bool) -> None:
        self._crew.hire(pooled=pooled and self._crew.pooled_url is not None).await_ready()
