from datetime import UTC, datetime, timedelta

import pytest

from models.operation_run import OperationRun
from services.engine.port import QueueView
from services.runs.queue_status import waiting_reason
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


def a_queue(*, last_asked: timedelta | None, backlog: int = 0, oldest: float = 0.0) -> QueueView:
    return QueueView(
        pollers=0 if last_asked is None else 2,
        last_polled_at=NOW - last_asked if last_asked is not None else None,
        backlog=backlog,
        oldest_waits=oldest,
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
