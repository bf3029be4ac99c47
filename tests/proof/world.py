"""The state of the world, as values: the remote, Temporal, PostgreSQL, and the processes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from models.errors import RepositoryError
from tests.proof.ports.rows import Key, Row
from tests.proof.replay import Node

BEGINNING: Final = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
BRANCH: Final = "refs/heads/main"
# Each is past another threshold of the rules: a start's visibility, a look, a fence of time, a repository out
# of reach, the later looks.
PHASES: Final = tuple(timedelta(minutes=minutes) for minutes in (0, 1, 12, 20, 90, 60 * 7, 60 * 25))


class Mishaps(NamedTuple):
    """How often each may happen in one history, and how many processes there are at once."""

    sweeps: int = 1
    attempts: int = 1
    kill: int = 0
    zombie: int = 0
    terminate: int = 0
    cancel: int = 0
    deadline: int = 0
    lost: int = 0
    half: int = 0
    refused: int = 0
    unreachable: int = 0
    database: int = 0
    unrelated: int = 0
    conflict: int = 0
    rewind: int = 0
    copied: int = 0
    time: int = 0
    checks: int = 0
    publish: int = 0
    requests: int = 0
    start_lost: int = 0
    start_refused: int = 0
    timeout: int = 0
    bug: int = 0


class Update(NamedTuple):
    """A move of one ref at the remote; None: it is absent."""

    ref: str
    expected: str | None
    new: str | None


class Flight(NamedTuple):
    """A push that the remote has received and not taken yet; `owner` is the process that waits for it."""

    owner: str | None
    updates: tuple[Update, ...]

    @property
    def moves_branch(self) -> bool:
        return any(update.ref == BRANCH for update in self.updates)


class Remote(NamedTuple):
    """A repository: its refs, and the pushes that it holds.

    `takes`: "tickets", or "no tickets" where it refuses their namespace, or "one ref" where a push is of one
    ref alone. `unfit`: the error that every fetch of it ends with; None where it can be fetched.
    """

    refs: tuple[tuple[str, str], ...]
    flights: tuple[Flight, ...] = ()
    takes: str = "tickets"
    unfit: type[RepositoryError] | None = None

    @property
    def by_name(self) -> Mapping[str, str]:
        return dict(self.refs)

    def moved(self, updates: Iterable[Update]) -> "Remote":
        refs = {**self.by_name, **{update.ref: update.new for update in updates}}
        return self._replace(refs=tuple(sorted((ref, oid) for ref, oid in refs.items() if oid is not None)))

    def holds_for(self, flight: Flight) -> bool:
        """Return whether a flight may land: every ref is where it expects it."""
        return all(self.by_name.get(update.ref) == update.expected for update in flight.updates)

    def without(self, flight: Flight, *more: Flight) -> "Remote":
        rest = list(self.flights)
        rest.remove(flight)
        return self._replace(flights=tuple(sorted((*rest, *more), key=str)))


class Workflow(NamedTuple):
    """One workflow execution by its id; `attempt` is the process of its activity's present attempt.

    `tries` counts the attempts of the one activity that asks for their number; `late`: the deadline has
    passed, which the workflow has not learnt yet.
    """

    id: str
    node: Node
    state: str = "open"
    cause: str | None = None
    cancel: bool = False
    delivered: bool = False
    attempt: str | None = None
    tries: int = 0
    late: bool = False

    @property
    def stops(self) -> bool:
        """Whether its activity shall stop."""
        return self.cancel or self.late


class Process(NamedTuple):
    """A process by its slot: where its code stands, the workflow it works for, and its transaction."""

    slot: str
    node: Node
    works_for: str | None = None
    writes: tuple[Row, ...] = ()
    locks: tuple[Key, ...] = ()
    in_transaction: bool = False


class World(NamedTuple):
    """Everything there is; `statements`: processes take turns within transactions, else one step each."""

    phase: int
    rows: tuple[Row, ...]
    remote: Remote
    workflows: tuple[Workflow, ...]
    processes: tuple[Process, ...]
    left: Mishaps
    statements: bool = False

    @property
    def now(self) -> datetime:
        return BEGINNING + PHASES[self.phase]

    @property
    def head(self) -> str:
        return self.remote.by_name[BRANCH]

    def spend(self, mishap: str) -> "World":
        return self._replace(left=self.left._replace(**{mishap: getattr(self.left, mishap) - 1}))

    def workflow(self, workflow_id: str | None) -> Workflow | None:
        return next((each for each in self.workflows if each.id == workflow_id), None)

    def starting(self, workflow: Workflow) -> "World":
        return self._replace(workflows=(*self.workflows, workflow))

    def with_workflow(self, workflow: Workflow) -> "World":
        changed = tuple(workflow if each.id == workflow.id else each for each in self.workflows)
        return self._replace(workflows=changed)

    def process(self, slot: str) -> Process:
        return next(each for each in self.processes if each.slot == slot)

    def with_process(self, process: Process) -> "World":
        others = (each for each in self.processes if each.slot != process.slot)
        return self._replace(processes=tuple(sorted((*others, process), key=_slot)))

    def without_process(self, slot: str) -> "World":
        """End a process; a push that it waits for stays with the remote, which nobody listens to any more."""
        remote = self.remote
        for flight in remote.flights:
            if flight.owner == slot:
                remote = remote.without(flight, flight._replace(owner=None))
        rest = tuple(each for each in self.processes if each.slot != slot)
        return self._replace(processes=rest, remote=remote)

    def is_locked(self, key: Key, process: Process) -> bool:
        """Return whether another process's transaction holds a row."""
        return any(key in each.locks for each in self.processes if each.slot != process.slot)

    def holding(self, process: Process, keys: Iterable[Key]) -> "World":
        mine = self.process(process.slot)
        new = tuple(key for key in keys if key not in mine.locks)
        return self.with_process(mine._replace(locks=(*mine.locks, *new))) if new else self

    def writing(self, process: Process, rows: Sequence[Row]) -> "World":
        mine = self.process(process.slot)
        keys = {row.key for row in rows}
        kept = tuple(row for row in mine.writes if row.key not in keys)
        return self.with_process(mine._replace(writes=(*kept, *rows)))

    def committing(self, process: Process) -> "World":
        keys = {row.key for row in process.writes}
        rows = (*(row for row in self.rows if row.key not in keys), *process.writes)
        after = self._replace(rows=tuple(sorted(rows, key=_key)))
        return after.rolling_back(process)

    def rolling_back(self, process: Process) -> "World":
        mine = self.process(process.slot)
        return self.with_process(mine._replace(writes=(), locks=(), in_transaction=False))


def _slot(process: Process) -> str:
    return process.slot


def _key(row: Row) -> Key:
    return row.key
