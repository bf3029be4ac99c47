import asyncio
import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Interceptor, Replayer
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from runtime.worker import INTERCEPTORS, WORKFLOWS
from workflows.sweep import WORKFLOW_TYPE as SWEEP
from workflows.sweep import SweepWorkflow

HISTORIES = Path(__file__).parent / "histories"
THIS_RELEASE = HISTORIES / version("operationrun")
HOW_TO_RECORD = "make histories"

# It refuses what could not be replayed: clocks, chance, files. What lies below the workflows is let through.
SANDBOX = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "activities",
        "models",
        "reconcilers",
        "services",
        "pygit2",
        "psycopg",
        "sqlalchemy",
        "structlog",
        "yaml",
    )
)


def read(path: Path) -> WorkflowHistory:
    """Read a recorded history; the workflow's id stands in its first event."""
    history = json.loads(path.read_text())
    started = history["events"][0]["workflowExecutionStartedEventAttributes"]
    return WorkflowHistory.from_json(started["workflowId"], history)


def replay(
    history: WorkflowHistory,
    *,
    workflows: Sequence[type] = WORKFLOWS,
    interceptors: Sequence[Interceptor] = INTERCEPTORS,
) -> None:
    """Run workflow code against a history; raise NondeterminismError where it would have gone another way."""
    if _type_of(history) == SWEEP:
        workflows, interceptors = [SweepWorkflow], ()
    replayer = Replayer(
        workflows=workflows,
        interceptors=interceptors,
        data_converter=pydantic_data_converter,
        workflow_runner=SANDBOX,
    )
    asyncio.run(_replay(replayer, history))


async def _replay(replayer: Replayer, history: WorkflowHistory) -> None:
    await replayer.replay_workflow(history)


def _type_of(history: WorkflowHistory) -> str:
    return history.events[0].workflow_execution_started_event_attributes.workflow_type.name
