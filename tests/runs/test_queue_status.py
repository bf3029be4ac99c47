from datetime import UTC, datetime, timedelta

import pytest

from models.operation_run import OperationRun
from services.engine.port import QueueView, TaskLine
from services.runs.waiting.queue_status import waiting_reason
from tests.runs.contexts import stored_context

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MOMENT = timedelta(seconds=3)
A_WHILE = timedelta(seconds=20)
LONG = timedelta(minutes=5)


def a_run(age: timedelta, *, dispatched: bool = True) -> OperationRun:
    dispatched_at = (NOW - age).isoformat() if dispatched else None
    return OperationRun(
        status="queued",
        created_at=NOW - age,
        context_json=stored_context(dispatched_at=dispatched_at),
    )


def a_line(*, last_asked: timedelta | None, backlog: int = 0, oldest: float = 0.0) -> TaskLine:
    return TaskLine(
        last_polled_at=NOW - last_asked if last_asked is not None else None,
        backlog=backlog,
        oldest_waits=oldest,
    )


def a_queue(*, last_asked: timedelta | None, backlog: int = 0, oldest: float = 0.0) -> QueueView:
    """Return a queue where activities wait, if anything does."""
    return QueueView(
        pollers=0 if last_asked is None else 2,
        workflow_tasks=a_line(last_asked=last_asked),
        activities=a_line(last_asked=last_asked, backlog=backlog, oldest=oldest),
    )


def a_queue_of_workflow_tasks(*, last_asked: timedelta, oldest: float) -> QueueView:
    return QueueView(
        pollers=2,
        workflow_tasks=a_line(last_asked=last_asked, backlog=1, oldest=oldest),
        activities=a_line(last_asked=last_asked),
    )


NOBODY = a_queue(last_asked=None)
NOBODY_AND_A_LINE = a_queue(last_asked=None, backlog=3, oldest=125.0)
IDLE = a_queue(last_asked=timedelta(seconds=40))
BUSY = a_queue(last_asked=timedelta(seconds=1), backlog=12, oldest=45.0)
SILENT = a_queue(last_asked=timedelta(minutes=4), backlog=1, oldest=200.0)


@pytest.mark.parametrize(
    ("run", "queue", "code"),
    [
        pytest.param(a_run(MOMENT, dispatched=False), None, "starting", id="being handed over"),
        pytest.param(a_run(MOMENT), None, "starting", id="just asked, nobody looked"),
        pytest.param(a_run(MOMENT), NOBODY_AND_A_LINE, "starting", id="just asked, whatever the queue"),
        pytest.param(a_run(A_WHILE, dispatched=False), NOBODY, "start_unconfirmed", id="no answer came"),
        pytest.param(a_run(LONG, dispatched=False), None, "start_unconfirmed", id="the row alone knows"),
        pytest.param(a_run(A_WHILE), None, "could_not_check", id="no answer about the queue"),
        pytest.param(a_run(A_WHILE), NOBODY, "starting", id="an empty list of a server that just began"),
        pytest.param(a_run(A_WHILE), NOBODY_AND_A_LINE, "no_worker", id="nobody known, and work in line"),
        pytest.param(a_run(LONG), NOBODY, "no_worker", id="nobody known for long"),
        pytest.param(a_run(LONG), SILENT, "no_worker", id="those who asked have fallen silent"),
        pytest.param(a_run(LONG), BUSY, "workers_busy", id="busy is not away"),
        pytest.param(
            a_run(A_WHILE),
            a_queue(last_asked=timedelta(seconds=60), backlog=1, oldest=10.0),
            "workers_busy",
            id="a full worker's polls for other work last a minute",
        ),
        pytest.param(a_run(A_WHILE), IDLE, "starting", id="a poll lasts up to a minute"),
        pytest.param(a_run(LONG), IDLE, "starting", id="nothing in its way"),
    ],
)
def test_it_says_why_a_run_waits(run: OperationRun, queue: QueueView | None, code: str) -> None:
    assert waiting_reason(run, queue, NOW).code == code


FROZEN = a_queue_of_workflow_tasks(last_asked=timedelta(seconds=25), oldest=15.0)
FULL = a_queue(last_asked=timedelta(seconds=40), backlog=6, oldest=40.0)
SWEPT = a_queue(last_asked=timedelta(seconds=3))


@pytest.mark.parametrize(
    ("queue", "sweep", "code"),
    [
        pytest.param(FROZEN, None, "workers_unresponsive", id="a workflow task waits, and no poll"),
        pytest.param(
            a_queue_of_workflow_tasks(last_asked=timedelta(seconds=15), oldest=15.0),
            None,
            "workers_busy",
            id="what was read ten seconds ago may be over",
        ),
        pytest.param(
            a_queue_of_workflow_tasks(last_asked=timedelta(seconds=25), oldest=5.0),
            None,
            "workers_busy",
            id="the task came only now",
        ),
        pytest.param(
            a_queue_of_workflow_tasks(last_asked=timedelta(seconds=1), oldest=45.0),
            None,
            "workers_busy",
            id="far behind, and polling",
        ),
        pytest.param(FULL, None, "workers_busy", id="only activities wait"),
        pytest.param(FULL, SWEPT, "workers_busy", id="activities wait, and the sweep goes on"),
        pytest.param(FULL, NOBODY, "workers_busy", id="activities wait, and no poll of the sweep is known"),
        pytest.param(FULL, FROZEN, "workers_unresponsive", id="activities wait, and the sweep too"),
        pytest.param(FROZEN, SWEPT, "workers_unresponsive", id="a workflow task waits, whatever the sweep"),
        pytest.param(BUSY, FROZEN, "workers_busy", id="activities wait, and are polled for"),
        pytest.param(SILENT, NOBODY, "no_worker", id="silent for longer than a poll lasts"),
        pytest.param(IDLE, FROZEN, "starting", id="nothing waits but the sweep"),
    ],
)
def test_a_frozen_worker_is_not_a_busy_one(queue: QueueView, sweep: QueueView | None, code: str) -> None:
    assert waiting_reason(a_run(LONG), queue, NOW, sweep=sweep).code == code


SENTENCES = {
    "nobody known": (NOBODY, "No worker is known to have asked for work in the last minutes."),
    "nobody known, and work in line": (
        NOBODY_AND_A_LINE,
        """No worker is known to have asked for work in the last minutes.
        About 3 steps of work wait in line, the oldest for 2 min.""",
    ),
    "silent": (
        SILENT,
        """No worker has asked for work for 4 min: either none is running, or those there are have their
        hands full. About 1 step of work waits in line, the oldest for 3 min.""",
    ),
    "busy": (
        BUSY,
        """The workers have more to do than they can take at once.
        About 12 steps of work wait in line, the oldest for 40 s.""",
    ),
    "perhaps busy, perhaps just gone": (
        a_queue(last_asked=timedelta(seconds=40), backlog=1, oldest=8.0),
        """A worker last asked for work 40 s ago and may have its hands full.
        About 1 step of work waits in line, the oldest for a few seconds.""",
    ),
    "frozen": (
        FROZEN,
        """No worker has polled for workflow tasks for 20 s, although one waits; a busy worker would. It may
        be frozen, overloaded or cut off from Temporal: restart it, or start another (`operationrun worker`).
        About 1 step of work waits in line, the oldest for 10 s.""",
    ),
    "nothing in its way": (
        IDLE,
        """Workers are asking for work and nothing waits in line, and yet it has not started for 5 min.
        “Check now” tells more.""",
    ),
}


@pytest.mark.parametrize("case", SENTENCES)
def test_the_sentence_has_numbers_and_claims_no_more_than_is_known(case: str) -> None:
    queue, sentence = SENTENCES[case]

    assert waiting_reason(a_run(LONG), queue, NOW).sentence == " ".join(sentence.split())


def test_what_could_not_be_checked_is_never_told_as_no_worker() -> None:
    waiting = waiting_reason(a_run(LONG), None, NOW)

    assert "could not be checked" in waiting.sentence
    assert "worker" not in waiting.sentence
    assert "workers" not in waiting.facts


def test_the_facts_behind_the_sentence_are_kept() -> None:
    assert waiting_reason(a_run(LONG), BUSY, NOW).facts == {
        "waits_for_seconds": 300,
        "dispatched_at": (NOW - LONG).isoformat(),
        "queue": "operation-runs",
        "workers": 2,
        "last_asked_at": (NOW - timedelta(seconds=1)).isoformat(),
        "backlog": 12,
        "oldest_waits_seconds": 45,
    }


def test_a_clock_that_is_behind_does_no_harm() -> None:
    assert waiting_reason(a_run(-LONG), BUSY, NOW).code == "starting"
