from datetime import datetime, timedelta
from typing import Final

from services.engine.port import QueueView, TaskLine

# What is known of a queue may be ten seconds old (services/engine/cache.py): only a longer silence counts.
UNANSWERED: Final = timedelta(seconds=10)
SILENT_FOR: Final = timedelta(seconds=20)


def unanswered_for(line: TaskLine, now: datetime) -> timedelta | None:
    """Return for how long no worker has polled for tasks that wait; None: one does, as far as is known."""
    if line.last_polled_at is None or line.oldest_waits < UNANSWERED.total_seconds():
        return None
    silence = now - line.last_polled_at
    return silence if silence >= SILENT_FOR else None


def unresponsive_for(queue: QueueView, sweep: QueueView | None, now: datetime) -> timedelta | None:
    """Return for how long the workers of a queue have not responded; None: they do, as far as is known.

    A workflow task takes milliseconds, so a worker that responds polls for the next at once, however busy
    its activities are. Where only activities wait, the workers may be full: then the sweep's queue tells,
    which the same processes poll every few seconds. A process that was killed lately looks the same.
    """
    silence = unanswered_for(queue.workflow_tasks, now)
    if silence is None and sweep is not None and unanswered_for(queue.activities, now):
        return unanswered_for(sweep.workflow_tasks, now)
    return silence
