"""Everything that may happen next: to each process, at the remote, in Temporal, and by other people."""

from collections.abc import Iterator

from tests.proof.explore import Violation
from tests.proof.landings import landings
from tests.proof.programs import attempt, cancelling, checking, sweeping
from tests.proof.progress import answer, begin, decided, steps_of, verdict_on
from tests.proof.scene import ITEM, OTHER_ITEM, objects
from tests.proof.statements import DATABASE_LOST
from tests.proof.temporal import Schedule
from tests.proof.times import is_candidate, passing
from tests.proof.workflow_code import RESTORING, STOPPED
from tests.proof.world import BRANCH, Process, Update, Workflow, World

Moves = Iterator[tuple[str, World]]


def successors(world: World) -> Moves:
    """Return every next state, with what happened in words."""
    yield from _of_processes(world)
    yield from landings(world)
    for workflow in world.workflows:
        if workflow.state == "open":
            name = "the workflow" if workflow.id == RESTORING.correlation.workflow_id else "another workflow"
            for said, after in _of_workflow(world, workflow):
                yield f"{name} {said}", after
    yield from _of_sweeps(world)
    yield from _of_people(world)
    yield from passing(world)


def _of_processes(world: World) -> Moves:
    blocked = []
    for process in world.processes:
        name = f"{process.slot} ({process.node.name})"
        try:
            steps = steps_of(world, process)
        except Violation as violation:
            violation.add_note(f"{name}: {process.node.effect}")
            raise
        blocked += [process] if process.locks and not steps else []
        yield from ((f"{name} {said}", after) for said, after in steps)
        if world.left.kill:
            yield f"{name} is killed", _killed(world.spend("kill"), process)
    for process in blocked if len(blocked) > 1 else ():
        freed = world.rolling_back(process)
        yield f"PostgreSQL ends a deadlock by {process.slot}", answer(freed, process.slot, DATABASE_LOST)


def _killed(world: World, process: Process) -> World:
    world = world.without_process(process.slot)
    workflow = world.workflow(process.works_for)
    if workflow is None or workflow.attempt != process.slot:
        return world
    return world.with_workflow(workflow._replace(attempt=None))


def _of_workflow(world: World, workflow: Workflow) -> Moves:
    scheduled = workflow.node.effect
    assert isinstance(scheduled, Schedule)
    slot = _free(world, "attempt", world.left.attempts)
    if workflow.attempt is None and slot is not None:
        process = Process(slot, attempt(workflow.id, scheduled), workflow.id)
        begun = begin(world.with_workflow(workflow._replace(attempt=slot)), process)
        yield f"has {slot} begin {scheduled.name}", begun
    if workflow.attempt is None and workflow.cancel and not workflow.delivered:
        verdict = verdict_on(world, workflow, code=STOPPED)
        yield f"is cancelled before {scheduled.name} begins", decided(world, workflow, verdict)
    if workflow.attempt is not None and world.left.zombie:
        orphan = workflow._replace(attempt=None)
        yield f"misses {workflow.attempt}, which lives on", world.spend("zombie").with_workflow(orphan)
    if world.left.cancel and not workflow.cancel:
        yield "is cancelled in Temporal", world.spend("cancel").with_workflow(workflow._replace(cancel=True))
    if world.left.terminate:
        closed = workflow._replace(state="closed", cause="terminated", attempt=None)
        yield "is terminated", world.spend("terminate").with_workflow(closed)


def _of_sweeps(world: World) -> Moves:
    slot = _free(world, "sweep", world.left.sweeps)
    if slot is not None and is_candidate(world):
        yield f"{slot} begins", begin(world, Process(slot, sweeping()))


def _of_people(world: World) -> Moves:
    check, request = _free(world, "check", 1), _free(world, "request", 1)
    if world.left.checks and check:
        yield "an operator checks the run", begin(world.spend("checks"), Process(check, checking()))
    if world.left.cancel and request:
        yield "a person cancels the run", begin(world.spend("cancel"), Process(request, cancelling()))
    for mishap, item in (("unrelated", OTHER_ITEM), ("conflict", ITEM)):
        if getattr(world.left, mishap):
            moved = world.spend(mishap)
            head = objects().on_top(world.head, item)
            remote = world.remote.moved([Update(BRANCH, world.head, head)])
            yield f"another author changes {item} on the branch", moved._replace(remote=remote)


def _free(world: World, kind: str, most: int) -> str | None:
    taken = {process.slot for process in world.processes}
    return next((slot for n in range(1, most + 1) if (slot := f"{kind} {n}") not in taken), None)
