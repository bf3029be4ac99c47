"""A worker for which minutes are seconds, so that endings which take half an hour can be recorded.

Everything else is the product's own worker. It works on a task queue of its own (`OPERATIONRUN_TASK_QUEUE`):
what another worker takes up is not hurried. Only durations differ, and replay does not look at those.
"""

from dataclasses import replace
from datetime import timedelta

from temporalio.common import RetryPolicy

from models.catalog import OperationCatalog, OperationType
from runtime import worker
from runtime.process.exit import run_and_exit
from runtime.settings import Settings
from workflows.policies import PERFORM, PREPARE

QUEUE = "impatient-runs"
DEADLINE = timedelta(seconds=4)
HEARTBEAT_TIMEOUT = timedelta(seconds=2)


def hurry() -> None:
    """Shorten the deadline of a compose, and let an activity that falls silent fail at the first time."""
    compose = OperationCatalog.get(OperationType.ENVIRONMENT_REVIEW_COMPOSE)
    OperationCatalog._operations[compose.type] = replace(compose, deadline=DEADLINE)
    for options in (PREPARE, PERFORM):
        options["heartbeat_timeout"] = HEARTBEAT_TIMEOUT
        options["retry_policy"] = RetryPolicy(maximum_attempts=1)


def main() -> int:
    """Work until SIGTERM; return the exit code."""
    hurry()
    return worker.run_worker(Settings.from_environment())


if __name__ == "__main__":
    run_and_exit(main)
