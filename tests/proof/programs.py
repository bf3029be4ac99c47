"""The project's own code as processes: attempts of activities, sweeps, and people's requests."""

from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from temporalio.exceptions import FailureError

from activities import tracking
from activities.errors import to_application_error
from activities.restore_execute import RestoreExecuteActivities
from activities.review_compose import ReviewComposeActivities
from activities.settle import SettleRunActivities
from models.review import EnvironmentReview
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import RunCheck
from reconcilers.sweep import Sweep
from runtime.container import ADAPTERS
from services.restores.execution import RestoreExecution
from services.reviews.composition import ReviewComposition
from services.reviews.lineage import Reviews
from services.runs.admission import Requested
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.operations import OperationStarter
from tests.proof.executions import RESTORING_NOTHING, TARGET, beginning_of, correlation_of, started
from tests.proof.ports.remote import ModelMirror, mirrors
from tests.proof.ports.sessions import database, forget_reasons
from tests.proof.ports.temporal import AskTime, Schedule, engine
from tests.proof.replay import Node, Ports
from tests.proof.scene import ADA, DONE, ENVIRONMENT, WORKSPACE, objects
from tests.proof.surroundings import Present, now

assert ADAPTERS  # imported so that they register themselves


class Parts:
    """What one process is made of, on the checker's ports."""

    def __init__(self, ports: Ports) -> None:
        self.clock = lambda: cast("datetime", ports.do(AskTime()))
        self.database = database(ports)
        self.mirrors = mirrors(ModelMirror(ports, objects().repository))
        self.reconciler = AdapterRunReconciler(self.database, self.mirrors, clock=self.clock)
        self.engine = engine(ports, started)
        self.cancellations = Cancellations(self.database, self.engine, clock=self.clock)
        self.dispatcher = Dispatcher(self.database, self.engine, public_url="http://runs", clock=self.clock)

    def activity(self, name: str) -> Any:
        execution = RestoreExecution(self.database, self.mirrors, clock=self.clock)
        composition = ReviewComposition(self.database, self.mirrors, clock=self.clock)
        owners = (
            RestoreExecuteActivities(execution, self.reconciler),
            ReviewComposeActivities(composition, self.reconciler),
            SettleRunActivities(self.database, self.engine, self.reconciler),
        )
        return next(getattr(owner, name) for owner in owners if hasattr(owner, name))

    def sweep(self) -> Sweep:
        return Sweep(
            self.database,
            self.engine,
            self.check(),
            self.cancellations,
            connection="default",
            clock=self.clock,
        )

    def check(self) -> RunCheck:
        return RunCheck(self.database, self.engine, self.reconciler, self.dispatcher, clock=self.clock)

    def starter(self) -> OperationStarter:
        return OperationStarter(self.database, self.dispatcher, target=TARGET)


def in_process(ports: Ports) -> Parts:
    """Return the parts of a process; what its code asks the SDK and the default clock goes to its ports."""
    Present.ports = ports
    return Parts(ports)


@cache
def attempt(workflow_id: str, scheduled: Schedule) -> Node:
    """Return an attempt of an activity, before its first effect."""
    correlation = correlation_of(workflow_id)

    def program(ports: Ports) -> Any:
        tracking._correlation.set(correlation)
        Present.workflow_id = workflow_id
        parts = in_process(ports)
        try:
            return parts.activity(scheduled.name)(scheduled.argument)
        except FailureError:
            raise
        except Exception as error:
            # As the interceptor around every activity does (activities/tracking.py).
            raise to_application_error(error, now=now()) from error

    return Node(scheduled.name, program)


@cache
def sweeping(run_id: UUID) -> Node:
    """Return a sweep that looks at a run, before its first effect."""
    return Node("sweep", lambda ports: in_process(ports).sweep()._check_one(run_id))


@cache
def adopting(workflow_id: str) -> Node:
    """Return a sweep that found an open workflow without a run, before its first effect."""
    return Node("sweep", lambda ports: in_process(ports).sweep()._adoption.adopt(workflow_id))


@cache
def requesting(run_id: UUID) -> Node:
    """Return a person's request of a restore, which makes a run of that id if it makes one."""

    def program(ports: Ports) -> Requested:
        Present.new_run_id = run_id
        return (
            in_process(ports)
            .starter()
            .start(
                operation_type=RESTORING_NOTHING.correlation.operation_type,
                environment=cast("Any", SimpleNamespace(id=ENVIRONMENT, workspace_id=WORKSPACE)),
                given={"restore_plan_id": str(DONE)},
                actor=ADA,
            )
        )

    return Node("request", program)


@cache
def publishing(review_id: UUID) -> Node:
    """Return a person's publishing of a review, before its first effect."""

    def program(ports: Ports) -> EnvironmentReview:
        parts = in_process(ports)
        with parts.database.transaction() as session:
            return Reviews(session, actor=ADA, clock=parts.clock).publish(review_id)

    return Node("publish", program)


@cache
def cancelling(run_id: UUID) -> Node:
    """Return a person's request to cancel a run, before its first effect."""
    return Node("cancel", lambda ports: in_process(ports).cancellations.ask(run_id, ADA))


@cache
def checking(run_id: UUID) -> Node:
    """Return an operator's check of a run, before its first effect."""
    return Node("check", lambda ports: in_process(ports).check().check(run_id, source="operator", actor=ADA))


def forget() -> None:
    """Forget how far processes came: their code is another one now."""
    for known in (attempt, sweeping, adopting, requesting, publishing, cancelling, checking, beginning_of):
        known.cache_clear()
    forget_reasons()
