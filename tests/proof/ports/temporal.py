"""Temporal: workflows that are open or closed, their activities, cancellations, and what it says of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, cast

from models.contracts import Cause, Contract
from models.errors import DispatchFailed, StartUnconfirmed
from models.reconciliation import Execution, ExecutionState
from services.engine.port import NOT_FOUND, Engine, FirstEvent, WorkflowStart, WorkflowView
from tests.proof.replay import Ports, Raises, Step
from tests.proof.world import BEGINNING, Process, Workflow, World


def run_id_of(workflow_id: str) -> str:
    """Return Temporal's own id of a workflow's one execution."""
    return f"the execution of {workflow_id}"


class Verdict(NamedTuple):
    """How an activity ended, as its workflow learns it; `code` is None where it returned `result`.

    `cancelled`: the workflow was cancelled meanwhile, `deadline`: it passed its deadline.
    """

    at: datetime
    result: Any = None
    code: str | None = None
    cancelled: bool = False
    deadline: bool = False


@dataclass(frozen=True)
class Schedule:
    """A workflow's wish for an activity; the world answers it once an attempt has ended for good."""

    name: str
    argument: Contract

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        return []


@dataclass(frozen=True)
class AskTime:
    """Reads the clock."""

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return True

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        return [("reads the clock", world.now, world)]


@dataclass(frozen=True)
class AskCancelled:
    """Asks whether the attempt shall stop; the news may be late."""

    def is_quiet(self, world: World, process: Process) -> bool:
        workflow = world.workflow(process.works_for)
        assert workflow is not None
        return workflow.attempt == process.slot and not workflow.stops

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        going_on: Step = ("does not know yet that it shall stop", False, world)
        return (
            [going_on]
            if self.is_quiet(world, process)
            else [going_on, ("learns that it shall stop", True, world)]
        )


@dataclass(frozen=True)
class AskTries:
    """Asks for the number of the present attempt."""

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return True

    def perform(self, world: World, process: Process) -> Sequence[Step]:
        workflow = world.workflow(process.works_for)
        assert workflow is not None
        return [("asks which attempt it is", max(workflow.tries, 1), world)]


@dataclass(frozen=True)
class Start:
    """Starts a workflow; one of the same id and input counts as started."""

    workflow: Workflow

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        there, unknown = world.workflow(self.workflow.id), Raises(StartUnconfirmed)
        if there is not None and there.node.program != self.workflow.node.program:
            return [("finds other work under the id", unknown, world)]
        started = world if there else world.starting(self.workflow)
        steps: list[Step] = [("starts the workflow", None, started)]
        if world.left.start_lost:
            steps += [
                ("starts the workflow, and the answer is lost", unknown, started.spend("start_lost")),
                ("sends a start that never arrives", unknown, world.spend("start_lost")),
            ]
        if world.left.start_refused and there is None:
            refused = Raises(DispatchFailed, ("the namespace is unknown",))
            steps.append(("is refused the start", refused, world.spend("start_refused")))
        return steps


@dataclass(frozen=True)
class ReadStart:
    """Asks how a workflow was started, which never changes."""

    workflow_id: str

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return world.workflow(self.workflow_id) is not None

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        found = world.workflow(self.workflow_id)
        return [("reads how the workflow was started", found and found.node.program, world)]


@dataclass(frozen=True)
class Describe:
    """Asks what a workflow's state is."""

    workflow_id: str

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        view = self._view(world)
        return [(f"asks Temporal: {view.execution.cause or view.execution.state}", view, world)]

    def _view(self, world: World) -> WorkflowView:
        found = world.workflow(self.workflow_id)
        if found is None:
            return NOT_FOUND
        execution = Execution(state=ExecutionState(found.state), cause=cast("Cause | None", found.cause))
        named = run_id_of(self.workflow_id)
        return WorkflowView(execution=execution, workflow_run_id=named, started_at=BEGINNING)


@dataclass(frozen=True)
class Cancel:
    """Requests a workflow's cancellation."""

    workflow_id: str

    def is_quiet(self, world: World, process: Process) -> bool:  # noqa: ARG002
        return False

    def perform(self, world: World, process: Process) -> Sequence[Step]:  # noqa: ARG002
        found = world.workflow(self.workflow_id)
        if found is None or found.state != "open":
            return [("finds no workflow to cancel", False, world)]
        return [("delivers the cancellation", True, world.with_workflow(found._replace(cancel=True)))]


class ModelEngine:
    """The engine's port; what no process of the world uses is not there."""

    def __init__(self, ports: Ports, begin: Callable[[WorkflowStart], Workflow]) -> None:
        self._ports = ports
        self._begin = begin

    def start(self, start: WorkflowStart) -> None:
        self._ports.do(Start(self._begin(start)))

    def describe(self, workflow_id: str, *, workflow_run_id: str | None = None) -> WorkflowView:  # noqa: ARG002
        return cast("WorkflowView", self._ports.do(Describe(workflow_id)))

    def first_event(self, workflow_id: str, *, workflow_run_id: str | None = None) -> FirstEvent | None:  # noqa: ARG002
        execution = self._ports.do(ReadStart(workflow_id))
        return cast("FirstEvent", execution.first_event()) if execution else None

    def cancel(self, workflow_id: str) -> bool:
        return bool(self._ports.do(Cancel(workflow_id)))


def engine(ports: Ports, begin: Callable[[WorkflowStart], Workflow]) -> Engine:
    """Return an engine; `begin` makes the workflow of a start."""
    return cast("Engine", ModelEngine(ports, begin))
