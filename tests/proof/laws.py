"""The laws of docs/design.md as conditions on every change of a row, every commit, and every state."""

from typing import Final

from models.catalog import OperationType
from models.lifecycle import ACTIVE, CORRECTIONS, MOVES, Outcome, Standing, Status
from models.reason_codes import ReasonCode
from models.review import LIVE
from tests.proof.executions import BORROWING
from tests.proof.explore import Violation
from tests.proof.ports.rows import Row
from tests.proof.scene import RUN, objects
from tests.proof.world import Process, World

_RUNS: Final = "operation_runs"
_REVIEWS: Final = "environment_reviews"
_RESULTS: Final = {"restore_results", _REVIEWS}
_WITH_RESULT: Final = {Outcome.SUCCEEDED, Outcome.PARTIALLY_SUCCEEDED}
# What says that this restore wrote nothing.
NOTHING_MADE: Final = frozenset(
    {
        ReasonCode.RESTORE_NOT_APPLIED,
        ReasonCode.RESTORE_NOT_NEEDED,
        ReasonCode.ENVIRONMENT_CHANGED,
        ReasonCode.PUSH_REFUSED,
        ReasonCode.ITEMS_REFUSED,
    }
)


def check_change(before: Row, after: Row) -> None:
    """Law L1: the legal moves, which PostgreSQL's trigger holds to as well."""
    was, now = _standing(before), _standing(after)
    if was == now or (was, now) in MOVES:
        return
    if (was, now) not in CORRECTIONS:
        raise Violation("L1", f"{was.status}/{was.outcome} became {now.status}/{now.outcome}")
    settled, corrected = (row["context"].get("reconciliation") for row in (before, after))
    if settled == corrected or corrected["decision"] != now.outcome:
        raise Violation("L1", f"{was.outcome} became {now.outcome} without a decision")


def check_commit(world: World, process: Process) -> None:
    """Law L5: each decision says something new, and keeps the first `previous`.

    Law L6: a foreign workflow writes nothing.
    """
    if process.writes and process.works_for == BORROWING.correlation.workflow_id:
        raise Violation("L6", f"a foreign workflow writes {', '.join(row.table for row in process.writes)}")
    committed = {row.key: row for row in world.rows}
    for row in process.writes:
        if row.table == _RUNS and row.key in committed:
            _check_reconciliation(committed[row.key], row)


def _check_reconciliation(before: Row, after: Row) -> None:
    was, now = (row["context"].get("reconciliation") for row in (before, after))
    if was is None or was == now:
        return
    if now is None or now["previous"] != was["previous"]:
        raise Violation("L5", "a decision lost the first standing that it replaced")
    if all(was[key] == now[key] for key in ("adapter", "decision", "reason_code", "related")):
        raise Violation("L5", "the same decision was written twice")


def check_state(world: World) -> None:
    """Raise Violation where a state breaks a law."""
    own = objects().own(world.head)
    if len(own) > 1:
        raise Violation("L11", "the branch has two commits of the run")
    _check_active(world)
    for run in world.rows:
        if run.table == _RUNS and run["status"] == Status.COMPLETED:
            _check_completed(world, run, has_own=bool(own))


def _check_active(world: World) -> None:
    active = [run for run in world.rows if run.table == _RUNS and run["status"] in ACTIVE]
    if len({(run["workspace_id"], run["type"], run["identity"]) for run in active}) < len(active):
        raise Violation("L7", "the same work is active twice")
    restores = [run for run in active if run["type"] == OperationType.RESTORE_EXECUTE]
    if len({run["environment_id"] for run in restores}) < len(restores):
        raise Violation("L7", "two restores of one environment are active")
    live = [row for row in world.rows if row.table == _REVIEWS and row["status"] in LIVE]
    if len({(review["environment_id"], review["fingerprint"]) for review in live}) < len(live):
        raise Violation("L7", "two reviews of one fingerprint are live")


def _check_completed(world: World, run: Row, *, has_own: bool) -> None:
    has_result = _has_result(world, run)
    if (run["outcome"] in _WITH_RESULT) != has_result:
        raise Violation("L8", f"the run reads {run['outcome']}, and has {'a' if has_result else 'no'} result")
    if run["id"] != RUN:
        return
    reason = reason_of(run)
    if reason not in NOTHING_MADE or is_by_time(run):
        return
    if any(flight.moves_branch and world.remote.holds_for(flight) for flight in world.remote.flights):
        raise Violation("L11", f"the run reads {run['outcome']}/{reason}, and a push of it may still land")
    if has_own:
        raise Violation("L11", f"the run reads {run['outcome']}/{reason}, and the branch has its commit")


def _has_result(world: World, run: Row) -> bool:
    """Return whether a run has made its artifact, or succeeded with that of another run of its scope."""
    if any(row.table in _RESULTS and row["run_id"] == run["id"] for row in world.rows):
        return True
    settled = run["context"].get("reconciliation")
    if reason_of(run) != ReasonCode.REVIEW_ALREADY_COMPOSED:
        return False
    named = (_REVIEWS, settled["related"]["id"])
    return any(row.key == named and row["environment_id"] == run["environment_id"] for row in world.rows)


def reason_of(run: Row) -> str | None:
    """Return the reason code of a decision about a run; None where its own workflow completed it."""
    settled = run["context"].get("reconciliation")
    return settled["reason_code"] if settled else None


def is_by_time(run: Row) -> bool:
    """Return whether nothing but time keeps the run's pushes from landing: then later looks correct it."""
    settled = run["context"].get("reconciliation")
    return settled is not None and settled["evidence"].get("fence") == "time"


def is_settled(world: World) -> bool:
    """Return whether every run has completed, and says what the branch says (law L9)."""
    runs = [row for row in world.rows if row.table == _RUNS]
    own = objects().own(world.head)
    return all(
        row["status"] == Status.COMPLETED and not (own and reason_of(row) in NOTHING_MADE) for row in runs
    )


def _standing(row: Row) -> Standing:
    return Standing(status=Status(row["status"]), outcome=Outcome(row["outcome"]))
