from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from models.base import Json
from models.operation_run import OperationRun
from services.engine.port import QueueView
from services.runs.waiting.silent_workers import unresponsive_for

WaitingCode = Literal[
    "start_unconfirmed", "no_worker", "workers_unresponsive", "workers_busy", "starting", "could_not_check"
]

# An unhindered start takes at most this long; until then a wait needs no explanation.
JUST_REQUESTED: Final = timedelta(seconds=10)

# An idle worker's poll lasts up to a minute: only silence beyond that says that no worker polls.
LONGEST_POLL: Final = timedelta(seconds=90)

# A server that has just started knows no poller yet; a shorter wait without pollers proves nothing.
NO_POLLERS_GRACE: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """Why a queued run waits: a sentence that claims no more than is known, and the facts behind it."""

    code: WaitingCode
    sentence: str
    facts: Json


def waiting_reason(
    run: OperationRun, queue: QueueView | None, now: datetime, *, sweep: QueueView | None = None
) -> Waiting:
    """Return why a queued run has not started; `queue` None: Temporal did not describe the task queue.

    `sweep` is the sweep's own queue, which the same workers poll; None: unknown.

    1. Requested within JUST_REQUESTED: starting.
    2. Temporal has not confirmed the start: only the row knows that.
    3. Temporal did not describe the queue: could not check, and nothing is concluded.
    4. No poll for longer than one lasts: no worker. An empty list of pollers counts only beside a backlog,
       or once the run has waited for NO_POLLERS_GRACE.
    5. A workflow task waits, here or in `sweep`, and no worker polls for it: the workers do not respond.
    6. Tasks wait although workers polled lately: the workers are busy, as far as is known.
    7. Otherwise the run is about to start.
    """
    waits_for = now - run.created_at
    facts = _facts(run, queue, waits_for)
    if waits_for < JUST_REQUESTED:
        return Waiting(code="starting", sentence="It was asked for a moment ago.", facts=facts)
    if run.context.dispatch.dispatched_at is None:
        return Waiting(code="start_unconfirmed", sentence=_UNCONFIRMED, facts=facts)
    if queue is None:
        return Waiting(code="could_not_check", sentence=_NOT_CHECKED, facts=facts)
    if _lacks_worker(queue, waits_for, now):
        return Waiting(code="no_worker", sentence=_no_worker(queue, now), facts=facts)
    silence = unresponsive_for(queue, sweep, now)
    if silence is not None:
        sentence = _unresponsive(silence) + _backlog(queue)
        return Waiting(code="workers_unresponsive", sentence=sentence, facts=facts)
    if queue.pollers and queue.backlog:
        return Waiting(code="workers_busy", sentence=_busy(queue, now), facts=facts)
    return Waiting(code="starting", sentence=_about_to_start(queue, waits_for), facts=facts)


_UNCONFIRMED: Final = (
    "Its start was never confirmed: it was handed over, and no answer came. "
    "The regular check looks for it and hands it over again where it is missing."
)
_NOT_CHECKED: Final = (
    "Why it waits could not be checked, because the system that carries operations out did not answer. "
    "The request itself is safe."
)


def _lacks_worker(queue: QueueView, waits_for: timedelta, now: datetime) -> bool:
    if queue.last_polled_at is not None:
        return now - queue.last_polled_at > LONGEST_POLL
    return queue.backlog > 0 or waits_for >= NO_POLLERS_GRACE


def _no_worker(queue: QueueView, now: datetime) -> str:
    if queue.last_polled_at is None:
        return f"No worker is known to have asked for work in the last minutes.{_backlog(queue)}"
    silence = _span(now - queue.last_polled_at)
    return (
        f"No worker has asked for work for {silence}: "
        f"either none is running, or those there are have their hands full.{_backlog(queue)}"
    )


def _unresponsive(silence: timedelta) -> str:
    return (
        f"No worker has polled for workflow tasks for {_span(silence)}, although one waits; "
        "a busy worker would. It may be frozen, overloaded or cut off from Temporal: "
        "restart it, or start another (`operationrun worker`)."
    )


def _busy(queue: QueueView, now: datetime) -> str:
    """Word the backlog: workers are known to be busy only where one polled while the oldest task waited."""
    silence = now - queue.last_polled_at if queue.last_polled_at else timedelta()
    if silence < timedelta(seconds=queue.oldest_waits):
        return f"The workers have more to do than they can take at once.{_backlog(queue)}"
    return f"A worker last asked for work {_span(silence)} ago and may have its hands full.{_backlog(queue)}"


def _about_to_start(queue: QueueView, waits_for: timedelta) -> str:
    if not queue.pollers or waits_for < NO_POLLERS_GRACE:
        return "It was asked for a moment ago."
    return (
        f"Workers are asking for work and nothing waits in line, and yet it has not started for "
        f"{_span(waits_for)}. “Check now” tells more."
    )


def _backlog(queue: QueueView) -> str:
    if not queue.backlog:
        return ""
    noun = "step of work waits" if queue.backlog == 1 else "steps of work wait"
    oldest = f", the oldest for {_span(timedelta(seconds=queue.oldest_waits))}" if queue.oldest_waits else ""
    return f" About {queue.backlog} {noun} in line{oldest}."


def _span(length: timedelta) -> str:
    """Word a length coarsely, so that a sentence does not change with every poll of the page."""
    seconds = int(max(length, timedelta()).total_seconds())
    if seconds < 60:  # noqa: PLR2004 - seconds in a minute
        return (
            f"{max(seconds // 10 * 10, 1)} s"
            if seconds >= JUST_REQUESTED.total_seconds()
            else "a few seconds"
        )
    minutes = seconds // 60
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"  # noqa: PLR2004 - two hours


def _facts(run: OperationRun, queue: QueueView | None, waits_for: timedelta) -> Json:
    dispatch = run.context.dispatch
    facts: Json = {
        "waits_for_seconds": int(waits_for.total_seconds()),
        "dispatched_at": dispatch.dispatched_at.isoformat() if dispatch.dispatched_at else None,
        "queue": dispatch.queue,
    }
    if queue is None:
        return facts
    return facts | {
        "workers": queue.pollers,
        "last_asked_at": queue.last_polled_at.isoformat() if queue.last_polled_at else None,
        "backlog": queue.backlog,
        "oldest_waits_seconds": round(queue.oldest_waits),
    }
