import asyncio
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from models.errors import OperationRunError
from runtime.settings import Settings
from runtime.temporal.client import connect
from runtime.temporal.search_attributes import create_attributes
from workflows.sweep import WORKFLOW_TYPE

SWEEP_SCHEDULE = "operation-run-sweep"
SWEEP_INTERVAL = timedelta(seconds=4)
SWEEP_TIMEOUT = timedelta(seconds=60)


def setup_temporal(settings: Settings) -> None:
    """Create or update the sweep's schedule and the search attributes of the namespace; safe to repeat.

    Raises OperationRunError for a search attribute of another type, and where Temporal lets none be created;
    the schedule is there by then.
    """
    asyncio.run(_setup(settings))


def trigger_sweep(settings: Settings) -> None:
    """Have a worker sweep once, now; raise OperationRunError where the namespace has no sweep schedule."""
    asyncio.run(_trigger_sweep(settings))


async def _trigger_sweep(settings: Settings) -> None:
    client = await connect(settings.need_temporal())
    try:
        await client.get_schedule_handle(SWEEP_SCHEDULE).trigger()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        message = (
            f"Namespace {client.namespace} has no sweep schedule. Create it: operationrun setup-temporal"
        )
        raise OperationRunError(message) from error


async def _setup(settings: Settings) -> None:
    client = await connect(settings.need_temporal())
    await _create_sweep(client, settings.sweep_queue)
    await create_attributes(client)


async def _create_sweep(client: Client, task_queue: str) -> None:
    schedule = _sweep_schedule(task_queue)

    def replace(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule=schedule)

    try:
        await client.create_schedule(SWEEP_SCHEDULE, schedule)
    except ScheduleAlreadyRunningError:
        await client.get_schedule_handle(SWEEP_SCHEDULE).update(replace)


def _sweep_schedule(task_queue: str) -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            WORKFLOW_TYPE,
            id=SWEEP_SCHEDULE,
            task_queue=task_queue,
            # Bounds how many sweeps wait while no worker runs.
            execution_timeout=SWEEP_TIMEOUT,
            static_summary="Settle what workflow code could not record",
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=SWEEP_INTERVAL)]),
        # One sweep may wait for a silent repository; the next skips its rows (SKIP LOCKED) and continues.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=timedelta(seconds=10)),
    )
