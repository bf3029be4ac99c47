"""The failure bridge by itself: what it settles, and that a workflow refused its run settles nothing."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError, RetryState
from temporalio.worker import ExecuteWorkflowInput, WorkflowInboundInterceptor

from models.contracts import Closing, OperationResult
from models.errors import RunRefused
from models.lifecycle import Outcome
from workflows import failure_bridge
from workflows.failure_bridge import FailureBridge

COMPOSE = "environment.review.compose"
RESULT = OperationResult(run_id=uuid4(), outcome=Outcome.SUCCEEDED)
SETTLED = OperationResult(run_id=uuid4(), outcome=Outcome.FAILED)

Operation = Callable[[], Awaitable[OperationResult]]


class FakeWorkflow:
    """What the bridge reaches for of Temporal's workflow module; it keeps what was settled and shown."""

    def __init__(self, workflow_type: str = COMPOSE) -> None:
        self.settled: list[Closing] = []
        self.shown: list[str] = []
        self.memos: dict[str, Any] = {}
        self.searchable: list[object] = []
        self.logger = logging.getLogger("temporalio.workflow")
        self._info = SimpleNamespace(
            workflow_id=f"operation-run.v1.{COMPOSE}.{uuid4()}", workflow_type=workflow_type
        )

    def info(self) -> SimpleNamespace:
        return self._info

    def now(self) -> datetime:
        return datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

    async def execute_activity_method(self, _: object, closing: Closing, **__: Any) -> OperationResult:
        self.settled.append(closing)
        return SETTLED

    def set_current_details(self, details: str) -> None:
        self.shown.append(details)

    def memo(self) -> dict[str, Any]:
        return self.memos

    def upsert_search_attributes(self, updates: object) -> None:
        self.searchable.append(updates)


class Following(WorkflowInboundInterceptor):
    """What stands behind the bridge: the operation."""

    def __init__(self, operation: Operation) -> None:
        self._operation = operation

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> OperationResult:  # noqa: A002, ARG002
        return await self._operation()


def run(monkeypatch: pytest.MonkeyPatch, fake: FakeWorkflow, operation: Operation, *arguments: Any) -> Any:
    monkeypatch.setattr(failure_bridge, "workflow", fake)
    bridge = FailureBridge().workflow_interceptor_class(SimpleNamespace())(Following(operation))  # type: ignore[arg-type] # not looked at
    given = SimpleNamespace(args=arguments or ("the input",))
    return asyncio.run(bridge.execute_workflow(given))  # type: ignore[arg-type] # only `args` is looked at


def raising(error: BaseException, cause: BaseException | None = None) -> Operation:
    async def operation() -> OperationResult:
        raise error from cause

    return operation


def step_error() -> ActivityError:
    return ActivityError(
        "Activity task failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="a worker",
        activity_type="collect_evidence",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )


def refusal() -> ApplicationError:
    return ApplicationError(RunRefused.default_message(), type=RunRefused.code, non_retryable=True)


def test_a_result_passes_and_nothing_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    async def operation() -> OperationResult:
        return RESULT

    fake = FakeWorkflow()
    assert run(monkeypatch, fake, operation) == RESULT
    assert (fake.settled, fake.shown) == ([], ["Ended: **succeeded**"])
    assert fake.searchable


def test_a_workflow_that_started_without_search_attributes_sets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def operation() -> OperationResult:
        return RESULT

    fake = FakeWorkflow()
    fake.memos[failure_bridge.NOT_SEARCHABLE] = True
    assert run(monkeypatch, fake, operation) == RESULT
    assert fake.searchable == []


@pytest.mark.parametrize(
    ("error", "cause", "closed_by"),
    [
        (step_error(), ApplicationError("no", 3, type="ref_not_found"), ("activity_failed", "ref_not_found")),
        (ApplicationError("no", type="a bug"), None, ("activity_failed", "unexpected_error")),
        (step_error(), CancelledError("stop"), ("cancelled", "cancelled")),
        (asyncio.CancelledError(), None, ("cancelled", "cancelled")),
    ],
    ids=["a step failed", "a workflow failed", "a step was cancelled", "the workflow was cancelled"],
)
def test_an_ending_in_code_is_settled_and_closes_the_workflow_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    cause: BaseException | None,
    closed_by: tuple[str, str],
) -> None:
    fake = FakeWorkflow()
    with pytest.raises(type(error)):
        run(monkeypatch, fake, raising(error, cause))
    assert [(closing.cause, closing.failure.code) for closing in fake.settled] == [closed_by]
    assert fake.shown == ["Ended: **failed**"]


def test_a_deadline_is_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = SimpleNamespace(deadline=timedelta(milliseconds=1))
    monkeypatch.setattr(failure_bridge, "OperationCatalog", SimpleNamespace(get=lambda _: operation))
    fake = FakeWorkflow()
    with pytest.raises(ApplicationError, match="deadline"):
        run(monkeypatch, fake, asyncio.Event().wait)  # type: ignore[arg-type] # it never ends
    assert [closing.cause for closing in fake.settled] == ["deadline"]


@pytest.mark.parametrize("error", [refusal(), step_error()], ids=["by the workflow", "by its first step"])
def test_a_workflow_that_was_refused_its_run_settles_nothing(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    cause = refusal() if isinstance(error, ActivityError) else None
    fake = FakeWorkflow()
    with pytest.raises(type(error)):
        run(monkeypatch, fake, raising(error, cause))
    assert (fake.settled, fake.shown) == ([], [])


@pytest.mark.parametrize(("workflow_type", "arguments"), [("restore.execute", ()), (COMPOSE, ("one", "two"))])
def test_a_workflow_that_names_no_run_runs_nothing(
    monkeypatch: pytest.MonkeyPatch, workflow_type: str, arguments: tuple[str, ...]
) -> None:
    began: list[bool] = []

    async def operation() -> OperationResult:
        began.append(True)
        return RESULT

    fake = FakeWorkflow(workflow_type)
    with pytest.raises(ApplicationError) as refused:
        run(monkeypatch, fake, operation, *arguments)
    assert (refused.value.type, began, fake.settled) == ("run_refused", [], [])


def test_a_bug_in_workflow_code_is_left_to_temporal(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWorkflow()
    with pytest.raises(KeyError):
        run(monkeypatch, fake, raising(KeyError("x")))
    assert fake.settled == []
