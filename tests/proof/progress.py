"""Processes go on to their next effect that others can tell, or to their end, which their workflow learns."""

from typing import Any

from sqlalchemy.exc import OperationalError
from temporalio.exceptions import ApplicationError, CancelledError, is_cancelled_exception

from models.errors import OperationRunError
from services.engine.port import EngineUnreachable
from tests.proof.explore import Violation
from tests.proof.ports.temporal import Verdict
from tests.proof.replay import WAITS, Node
from tests.proof.workflow_code import STOPPED
from tests.proof.world import Process, Workflow, World

_FORESEEN = (OperationRunError, OperationalError, EngineUnreachable, CancelledError, ApplicationError)


def steps_of(world: World, process: Process) -> list[tuple[str, World]]:
    """Return what may come of a process's next effect; none where something blocks it."""
    assert process.node.effect is not None
    return [
        (said, after if given is WAITS else answer(after, process.slot, given))
        for said, given, after in process.node.effect.perform(world, process)
    ]


def answer(world: World, slot: str, given: Any) -> World:
    """Give a process its answer, and let it go on."""
    process = world.process(slot)
    return begin(world, process._replace(node=process.node.after(given)))


def begin(world: World, process: Process) -> World:
    """Let a process come to its next effect that others can tell, or to its end."""
    world = world.with_process(process)
    while (effect := process.node.effect) is not None and effect.is_quiet(world, process):
        steps = effect.perform(world, process)
        if not steps:
            return world
        ((_, given, world),) = steps
        process = world.process(process.slot)
        process = process._replace(node=process.node.after(given))
        world = world.with_process(process)
    return world if effect is not None else _ended(world, process)


def decided(world: World, workflow: Workflow, verdict: Verdict) -> World:
    """Let a workflow go on from its activity's end: to the next activity, or to its own end."""
    node = workflow.node.after(verdict)
    delivered = workflow.delivered or verdict.cancelled
    workflow = workflow._replace(node=node, attempt=None, delivered=delivered, tries=0, late=False)
    if node.effect is not None:
        return world.with_workflow(workflow)
    return world.with_workflow(workflow._replace(state="closed", cause=_cause(node)))


def verdict_on(world: World, workflow: Workflow, result: Any = None, code: str | None = None) -> Verdict:
    """Return how an activity ended, with the cancellation or the deadline that came meanwhile."""
    news = workflow.cancel and not workflow.delivered
    return Verdict(world.now, result=result, code=code, cancelled=news, deadline=workflow.late)


def _ended(world: World, process: Process) -> World:
    error = process.node.error
    raised = error.__cause__ or error if error else None
    if raised is not None and not isinstance(raised, _FORESEEN):
        raise Violation("foreseen", f"{process.node.name} raised {raised!r}") from raised
    world = world.without_process(process.slot)
    workflow = world.workflow(process.works_for)
    if workflow is None or workflow.attempt != process.slot:
        return world
    if error is None:
        return decided(world, workflow, verdict_on(world, workflow, result=process.node.result))
    if isinstance(error, CancelledError):
        return decided(world, workflow, verdict_on(world, workflow, code=STOPPED))
    assert isinstance(error, ApplicationError)
    if not error.non_retryable:
        return world.with_workflow(workflow._replace(attempt=None))
    return decided(world, workflow, verdict_on(world, workflow, code=error.type))


def _cause(node: Node) -> str | None:
    if node.error is None:
        return None
    return "cancelled" if is_cancelled_exception(node.error) else "activity_failed"
