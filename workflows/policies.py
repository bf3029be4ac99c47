from datetime import timedelta
from typing import Final, TypedDict

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType


class ActivityOptions(TypedDict):
    """How long an activity may take, how soon a dead worker is noticed, and how it is retried."""

    start_to_close_timeout: timedelta
    schedule_to_close_timeout: timedelta
    heartbeat_timeout: timedelta
    retry_policy: RetryPolicy
    cancellation_type: ActivityCancellationType


# activities/errors.py decides which errors are worth a retry.
RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=200),
    backoff_coefficient=1.5,
    maximum_interval=timedelta(seconds=3),
)

# Another worker takes over a killed one's work after this; a live one sends a heartbeat twice a second.
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=2)

# A run never reads cancelled while its code may still act: wait until the activity has stopped.
CANCELLATION: Final = ActivityCancellationType.WAIT_CANCELLATION_COMPLETED

# Fetch the repository and note what the operation works from.
PREPARE: Final = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(minutes=20),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RETRY,
    cancellation_type=CANCELLATION,
)

# The long part of an operation.
PERFORM: Final = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=25),
    schedule_to_close_timeout=timedelta(minutes=28),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RETRY,
    cancellation_type=CANCELLATION,
)

# Settling has to go through, however long the database is away; the execution timeout is the net behind it.
SETTLE: Final = ActivityOptions(
    start_to_close_timeout=timedelta(minutes=2),
    schedule_to_close_timeout=timedelta(hours=1),
    heartbeat_timeout=HEARTBEAT_TIMEOUT,
    retry_policy=RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(seconds=30)
    ),
    cancellation_type=CANCELLATION,
)

# A sweep that fails is not repeated: the next one is seconds away.
SWEEP: Final = ActivityOptions(
    start_to_close_timeout=timedelta(seconds=55),
    schedule_to_close_timeout=timedelta(seconds=58),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=RetryPolicy(maximum_attempts=1),
    cancellation_type=CANCELLATION,
)
