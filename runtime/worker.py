import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import structlog
from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.heartbeats import HeartbeatInterceptor
from activities.restore_execute import RestoreExecuteActivities
from activities.review_compose import ReviewComposeActivities
from activities.settle import SettleRunActivities
from activities.sweep import SweepActivities
from activities.tracking import TrackingInterceptor
from reconcilers.looks import Looks
from reconcilers.reconciler import AdapterRunReconciler
from reconcilers.sweep import Sweep
from runtime.container import build_mirrors, build_run_check
from runtime.process.fault_injection import faults
from runtime.settings import Settings
from runtime.telemetry.expected_failures import report_failures
from runtime.telemetry.tracing import trace_process
from runtime.telemetry.worker_metrics import measured
from runtime.temporal.client import TemporalConnection, connect
from runtime.temporal.engine import TemporalEngine
from services.database.session import Database
from services.repositories.slots import FairWaits
from services.restores.execution import RestoreExecution
from services.reviews.composition import ReviewComposition
from services.runs.cancellation import Cancellations
from workflows.failure_bridge import FailureBridge
from workflows.restore_execute import RestoreExecuteWorkflow
from workflows.review_compose import EnvironmentReviewComposeWorkflow
from workflows.sweep import SweepWorkflow

_log = structlog.get_logger()

# tests/replay replays recorded histories with the same ones.
INTERCEPTORS = [HeartbeatInterceptor(), TrackingInterceptor(), FailureBridge()]

WORKFLOWS = [EnvironmentReviewComposeWorkflow, RestoreExecuteWorkflow]
# More than cores: an activity mostly waits, and one that waits for a silent repository must not hold up
# the others.
ACTIVITY_THREADS = 64
# So many threads at most wait long for the repositories of one workspace; all others are for the others.
WAITS_EACH = 8
DATABASE_CONNECTIONS = 16
# A sweep that waits for a silent repository must not hold up the next ones.
SWEEP_THREADS = 8
LOOK_THREADS = 8
SWEEP_GRACE = timedelta(seconds=1)
RECONNECT_INTERVAL = timedelta(seconds=1)
GRACE = timedelta(seconds=20)

# Another worker gets a workflow that a killed one has cached after this time; the default is ten seconds.
STICKY_TIMEOUT = timedelta(seconds=1)

# So few that none waits for a thread longer than TASK_TIMEOUT (runtime/temporal/starter.py) and counts as
# lost; one takes milliseconds, and more at once would not be faster.
WORKFLOW_TASKS = 20

# No longer than HEARTBEAT_INTERVAL (activities/heartbeats.py), so that every heartbeat reaches Temporal.
HEARTBEAT_THROTTLE = timedelta(seconds=0.5)

# The SDK's sandbox imports a workflow's modules again for every run. Tests check instead that workflow code
# is deterministic (tests/house/test_house_rules.py), and replay it in that sandbox (tests/replay).
WORKFLOW_RUNNER = UnsandboxedWorkflowRunner()


def run_worker(settings: Settings) -> int:
    """Poll the task queues until SIGTERM or SIGINT, then finish running activities; return the exit code."""
    return asyncio.run(_run(settings))


async def _run(settings: Settings) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    trace_process("operationrun-worker")
    report_failures()
    database = Database.connect(settings.need_database_url(), pool_size=DATABASE_CONNECTIONS)
    runtime = measured(database, settings.metrics_address) if settings.metrics_address else None
    client = await _connected(settings, stop, runtime)
    if client is None:
        return 0
    workers = [build_worker(client, database, settings), build_sweeper(client, database, settings)]
    working = [asyncio.create_task(worker.run()) for worker in workers]
    print("worker ready", flush=True)  # noqa: T201 - the line that supervisors wait for
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*working)
    database.close()
    return 0


async def _connected(settings: Settings, stop: asyncio.Event, runtime: Runtime | None) -> Client | None:
    """Wait for Temporal to answer; return None if a stop signal comes first."""
    profile = settings.need_temporal()
    while not stop.is_set():
        try:
            return await connect(profile, lazy=False, runtime=runtime)
        except RuntimeError:
            _log.warning("temporal_unreachable", address=profile.address)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), RECONNECT_INTERVAL.total_seconds())
    return None


def build_worker(client: Client, database: Database, settings: Settings) -> Worker:
    """Build the worker of the operations: the composition root of the worker process."""
    mirrors = build_mirrors(settings, waits=FairWaits(each=WAITS_EACH))
    reconciler = AdapterRunReconciler(database, mirrors)
    fault_hook = faults()
    reviews = ReviewComposeActivities(ReviewComposition(database, mirrors, fault_hook=fault_hook), reconciler)
    restores = RestoreExecuteActivities(
        RestoreExecution(database, mirrors, fault_hook=fault_hook), reconciler
    )
    connection = TemporalConnection(settings.need_temporal())
    settling = SettleRunActivities(database, TemporalEngine(connection), reconciler)
    return Worker(
        client,
        task_queue=settings.task_queue,
        workflows=WORKFLOWS,
        activities=[
            reviews.collect_evidence,
            reviews.compose_review,
            restores.check_plan,
            restores.apply_plan,
            settling.settle_run,
        ],
        activity_executor=ThreadPoolExecutor(ACTIVITY_THREADS, thread_name_prefix="activity"),
        max_concurrent_activities=ACTIVITY_THREADS,
        max_concurrent_workflow_tasks=WORKFLOW_TASKS,
        interceptors=INTERCEPTORS,
        workflow_runner=WORKFLOW_RUNNER,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        max_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        default_heartbeat_throttle_interval=HEARTBEAT_THROTTLE,
        graceful_shutdown_timeout=GRACE,
    )


def build_sweeper(client: Client, database: Database, settings: Settings) -> Worker:
    """Build the worker of the sweep: it has a queue of its own, so that no backlog delays it."""
    connection = TemporalConnection(settings.need_temporal())
    engine = TemporalEngine(connection)
    check = build_run_check(database, engine, settings, fences=True)
    looks = Looks(ThreadPoolExecutor(LOOK_THREADS, thread_name_prefix="look"))
    cancellations = Cancellations(database, engine)

    def make_sweep(check_cancelled: Callable[[], None]) -> Sweep:
        namespace = settings.temporal_namespace
        return Sweep(
            database,
            engine,
            check,
            cancellations,
            connection=namespace,
            looks=looks,
            check_cancelled=check_cancelled,
        )

    return Worker(
        client,
        task_queue=settings.sweep_queue,
        workflows=[SweepWorkflow],
        activities=[SweepActivities(make_sweep).sweep],
        activity_executor=ThreadPoolExecutor(SWEEP_THREADS, thread_name_prefix="sweep"),
        max_concurrent_activities=SWEEP_THREADS,
        workflow_runner=WORKFLOW_RUNNER,
        sticky_queue_schedule_to_start_timeout=STICKY_TIMEOUT,
        graceful_shutdown_timeout=SWEEP_GRACE,
    )
