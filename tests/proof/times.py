"""Time: what passes with it, and what a sweep looks at because of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

from models.catalog import OperationCatalog
from models.lifecycle import ACTIVE
from models.run_context import LOOK_CLAIMED_UNTIL
from reconcilers.sweep_candidates import due_looks
from tests.proof.ports.rows import Row, Tables, row
from tests.proof.ports.sessions import Answer
from tests.proof.ports.statements import RUNS
from tests.proof.ports.temporal import Schedule
from tests.proof.world import PHASES, World

# A look that is claimed or put off for no longer comes in its turn without any other threshold of time.
_A_MOMENT: Final = timedelta(minutes=1)
(_CLAIM,) = LOOK_CLAIMED_UNTIL


def candidates(world: World) -> Sequence[UUID]:
    """Return the runs that a sweep looks at: those that are active, and those where a look is due."""
    active = [each["id"] for each in world.rows if each.table == RUNS and each["status"] in ACTIVE]
    due = due_looks(cast("Any", _Committed(world)), now=world.now, limit=9)
    return [*active, *(run_id for run_id in due if run_id not in active)]


class _Committed:
    """A session that reads what is committed, at once."""

    def __init__(self, world: World) -> None:
        self._tables = Tables(world.rows)

    def scalars(self, statement: Any) -> Answer:
        return Answer([found["id"] for (found,) in self._tables.found(statement, [RUNS])])


def passing(world: World) -> Iterator[tuple[str, World]]:
    """Return what comes of time, which passes while no process is in the midst of its work."""
    if world.processes:
        return
    rows = tuple(_due(each, world.now) for each in world.rows)
    if rows != world.rows:
        yield "a moment passes", world._replace(rows=rows)
    if world.left.time and world.phase + 1 < len(PHASES) and _is_in_time(world):
        passed = world.spend("time")._replace(phase=world.phase + 1)
        if passed.phase + 1 == len(PHASES):
            # No server holds a push for a day.
            passed = passed._replace(remote=passed.remote._replace(flights=()))
        yield f"it is {PHASES[passed.phase]} after the beginning", passed


def _is_in_time(world: World) -> bool:
    """Return whether time may pass: within its deadline a workflow works, and after that it settles."""
    open_at = [each.node.effect for each in world.workflows if each.state == "open"]
    working = any(isinstance(step, Schedule) and step.name != "settle_run" for step in open_at)
    return not working or PHASES[world.phase + 1] < OperationCatalog.get("restore.execute").deadline


def _due(each: Row, now: datetime) -> Row:
    claim = each.values.get("context", {}).get(_CLAIM)
    if claim is None or not now < datetime.fromisoformat(claim) <= now + _A_MOMENT:
        return each
    return row(each.table, {**each.values, "context": {**each["context"], _CLAIM: now.isoformat()}})
