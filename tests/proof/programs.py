"""The project's own code as processes: attempts of activities, sweeps, and people's requests."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import cache
from types import SimpleNamespace
from typing import Any, cast
from unittest import mock

import temporalio.activity

from activities import tracking
from activities.restore_execute import RestoreExecuteActivities
from activities.review_compose import ReviewComposeActivities
from activities.settle import SettleRunActivities
from models.operation_run import OperationRun
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.run_check import CheckResult, RunCheck
from reconcilers.sweep import Sweep
from runtime.container import ADAPTERS
from services.restores.execution import RestoreExecution
from services.restores.push_ledger import RunPushLedger
from services.restores.pushing import RestorePushing
from services.reviews.composition import ReviewComposition
from services.runs.cancellation import Cancellations
from services.runs.dispatch import Dispatcher
from services.runs.service import OperationRunService
from tests.proof.remote import ModelMirror, mirrors
from tests.proof.replay import Node, Ports
from tests.proof.scene import ADA, RUN, objects
from tests.proof.sessions import database
from tests.proof.temporal import AskCancelled, AskTime, Schedule, engine, run_id_of
from tests.proof.workflow_code import EXECUTIONS, STARTS
from tests.proof.world import BEGINNING

assert ADAPTERS  # imported so that they register themselves


class Parts:
    """What one process is made of, on the checker's ports."""

    def __init__(self, ports: Ports) -> None:
        self.clock = lambda: cast("datetime", ports.do(AskTime()))
        self.database = database(ports)
        self.mirrors = mirrors(ModelMirror(ports, objects().repository))
        self.reconciler = AdapterRunReconciler(self.database, self.mirrors, clock=self.clock)
        self.engine = engine(ports, STARTS)
        self.cancellations = Cancellations(self.database, self.engine, clock=self.clock)

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
        dispatcher = Dispatcher(self.database, self.engine, public_url="http://runs", clock=self.clock)
        return RunCheck(self.database, self.engine, self.reconciler, dispatcher, clock=self.clock)


class _Present:
    """The ports of the process whose code runs at the moment: there is one at a time."""

    ports: Ports = Ports(())
    workflow_id: str | None = None


def _info() -> SimpleNamespace:
    return SimpleNamespace(
        task_queue="operation-runs",
        namespace="default",
        scheduled_time=BEGINNING,
        attempt=1,
        workflow_run_id=run_id_of(_Present.workflow_id or ""),
    )


def _now() -> datetime:
    return cast("datetime", _Present.ports.do(AskTime()))


def _is_cancelled() -> bool:
    return bool(_Present.ports.do(AskCancelled()))


def in_process(ports: Ports) -> Parts:
    """Return the parts of a process; what its code asks the SDK and the default clock goes to its ports."""
    _Present.ports = ports
    return Parts(ports)


@contextmanager
def instead_of_the_surroundings() -> Iterator[None]:
    """Answer what code asks Temporal's SDK and the default clock."""
    with (
        mock.patch.object(temporalio.activity, "info", _info),
        mock.patch.object(temporalio.activity, "is_cancelled", _is_cancelled),
        mock.patch("reconcilers.restore_execute.utc_now", _now),
        # How often each begins again: twice is enough to come from any round to the next and to the end.
        mock.patch("reconcilers.reconciler.ROUNDS", 2),
        mock.patch("services.restores.execution.ROUNDS", 2),
        _clock_of(OperationRunService),
        _clock_of(RestorePushing),
        _clock_of(RunPushLedger),
    ):
        yield


def _clock_of(maker: type) -> AbstractContextManager[Any]:
    return mock.patch.dict(maker.__init__.__kwdefaults__, clock=_now)  # type: ignore[misc]


@cache
def attempt(workflow_id: str, scheduled: Schedule) -> Node:
    """Return an attempt of an activity, before its first effect."""
    correlation = EXECUTIONS[workflow_id].correlation

    def program(ports: Ports) -> Any:
        tracking._correlation.set(correlation)
        _Present.workflow_id = workflow_id
        return in_process(ports).activity(scheduled.name)(scheduled.argument)

    return Node(scheduled.name, program)


@cache
def sweeping() -> Node:
    """Return a sweep, before its first effect."""
    return Node("sweep", _sweep)


@cache
def cancelling() -> Node:
    """Return a person's request to cancel, before its first effect."""
    return Node("cancel", _cancel)


@cache
def checking() -> Node:
    """Return an operator's check, before its first effect."""
    return Node("check", _check)


def forget() -> None:
    """Forget how far processes came: their code is another one now."""
    for known in (attempt, sweeping, cancelling, checking):
        known.cache_clear()


def _sweep(ports: Ports) -> None:
    in_process(ports).sweep()._check_one(RUN)


def _check(ports: Ports) -> CheckResult:
    return in_process(ports).check().check(RUN, source="operator", actor=ADA)


def _cancel(ports: Ports) -> OperationRun:
    return in_process(ports).cancellations.ask(RUN, ADA)
