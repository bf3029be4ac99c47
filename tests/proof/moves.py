"""Everything that may happen next: to each process, at the remote, in Temporal, and by other people."""

from collections.abc import Iterator

from models.reason_codes import ReasonCode
from tests.proof.executions import BORROWING, correlation_of
from tests.proof.explore import Violation
from tests.proof.landings import landings
from tests.proof.people import acts_of_people, free
from tests.proof.ports.statements import DATABASE_LOST, RUNS
from tests.proof.ports.temporal import Schedule
from tests.proof.programs import adopting, attempt, sweeping
from tests.proof.progress import answer, begin, decided, steps_of, verdict_on
from tests.proof.times import candidates, passing
from tests.proof.workflow_code import STOPPED, TIMED_OUT
from tests.proof.world import Process, Workflow, World

Moves = Iterator[tuple[str, World]]


def successors(world: World) -> Moves:
    """Return every next state, with what happened in words."""
    yield from _of_processes(world)
    yield from landings(world)
    for workflow in world.workflows:
        if workflow.state == "open":
            foreign = workflow.id == BORROWING.correlation.workflow_id
            name = "another workflow" if foreign else f"the workflow of {correlation_of(workflow.id).run_id}"
            for said, after in _of_workflow(world, workflow):
                yield f"{name} {said}", after
    yield from _of_sweeps(world)
    yield from acts_of_people(world)
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
    slot = free(world, "attempt", world.left.attempts)
    if workflow.attempt is None and slot is not None:
        process = Process(slot, attempt(workflow.id, scheduled), workflow.id)
        # The one activity that asks which attempt it is, and whether it is the first.
        tries = min(workflow.tries + 1, 2) if scheduled.name == "collect_evidence" else 0
        tried = workflow._replace(attempt=slot, tries=tries)
        yield f"has {slot} begin {scheduled.name}", begin(world.with_workflow(tried), process)
    if workflow.attempt is None and (workflow.late or (workflow.cancel and not workflow.delivered)):
        verdict = verdict_on(world, workflow, code=STOPPED)
        yield f"is cancelled before {scheduled.name} begins", decided(world, workflow, verdict)
    if workflow.attempt is not None and world.left.zombie:
        orphan = workflow._replace(attempt=None)
        yield f"misses {workflow.attempt}, which lives on", world.spend("zombie").with_workflow(orphan)
    if world.left.cancel and not workflow.cancel:
        yield "is cancelled in Temporal", world.spend("cancel").with_workflow(workflow._replace(cancel=True))
    yield from _ends_of_activity(world, workflow, scheduled)
    if world.left.terminate:
        closed = workflow._replace(state="closed", cause="terminated", attempt=None)
        yield "is terminated", world.spend("terminate").with_workflow(closed)


def _ends_of_activity(world: World, workflow: Workflow, scheduled: Schedule) -> Moves:
    if world.left.deadline and not workflow.late and scheduled.name != "settle_run":
        yield "passes its deadline", world.spend("deadline").with_workflow(workflow._replace(late=True))
    if world.left.timeout and workflow.attempt is not None:
        verdict = verdict_on(world, workflow, code=TIMED_OUT)
        yield (
            f"gives {scheduled.name} up, whose attempt lives on",
            decided(world.spend("timeout"), workflow, verdict),
        )
    if world.left.bug and workflow.attempt is not None:
        verdict = verdict_on(world, workflow, code=ReasonCode.UNEXPECTED_ERROR)
        ended = world.spend("bug").without_process(workflow.attempt)
        yield f"has {scheduled.name} fail by a bug", decided(ended, workflow, verdict)


def _of_sweeps(world: World) -> Moves:
    slot = free(world, "sweep", world.left.sweeps)
    if slot is None:
        return
    for run_id in candidates(world):
        yield f"{slot} begins with {run_id}", begin(world, Process(slot, sweeping(run_id)))
    known = {row["id"] for row in world.rows if row.table == RUNS}
    for workflow in world.workflows:
        if workflow.state == "open" and correlation_of(workflow.id).run_id not in known:
            yield f"{slot} begins to adopt a workflow", begin(world, Process(slot, adopting(workflow.id)))
