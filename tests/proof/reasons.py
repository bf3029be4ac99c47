"""The reason codes, each with a world that reaches it, and by what a code counts as reached."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from models.errors import (
    EncryptionKeyMissing,
    RepositoryDamaged,
    RepositoryNotCovered,
    RepositoryTooLarge,
)
from models.lifecycle import Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.review import ReviewStatus
from models.run_context import RunPush
from services.runs.messages import reason_of
from tests.proof.beginnings import beginning, restore
from tests.proof.executions import (
    COMPOSING,
    COMPOSING_GONE,
    COMPOSING_LARGE,
    COMPOSING_LARGE_REF,
    COMPOSING_MAIN,
    COMPOSING_NOTHING,
    COMPOSING_ODD,
    RESTORING,
    RESTORING_NOTHING,
    RESTORING_PARTLY,
    RESTORING_REFUSED,
)
from tests.proof.explore import Explored
from tests.proof.ports.rows import Row, row
from tests.proof.ports.sessions import REASONS, mapped
from tests.proof.ports.statements import RUNS
from tests.proof.ports.temporal import run_id_of
from tests.proof.reviews import review_row
from tests.proof.scene import FOREIGN_ENVIRONMENT, FOREIGN_WORKSPACE
from tests.proof.world import BEGINNING, Mishaps, World


def _beside(*rows: Callable[[], Row], **mishaps: int) -> World:
    """Return the world of two composes of one commit, beside reviews that are there already."""
    return beginning(Mishaps(**mishaps), COMPOSING, COMPOSING_MAIN, rows=[make() for make in rows])


_ARCHIVED: Final = partial(review_row, 31, status=ReviewStatus.ARCHIVED, archived_at=BEGINNING)
_FOREIGN: Final = partial(review_row, 32, workspace_id=FOREIGN_WORKSPACE, environment_id=FOREIGN_ENVIRONMENT)
_DRAFT: Final = partial(review_row, 33)
# Of later evidence, and composed from the draft once that was published.
_FOLLOWING: Final = partial(review_row, 34, fingerprint="later", previous_review_id=_DRAFT()["id"])


def _taken_and_out_of_reach() -> World:
    """Return the world, twenty minutes on, of a restore terminated after the remote took its push."""
    world = beginning(Mishaps(unreachable=1), RESTORING)
    (run,), (workflow,) = world.rows, world.workflows
    push = RunPush(ticket="refs/operation-runs/x/1", head="", commit="x", began_at=BEGINNING, answer="landed")
    context = {**run["context"], "pushes": [push.as_json()], "intended_commit": push.commit}
    context["workflow_run_id"] = run_id_of(workflow.id)
    running = row(RUNS, {**run.values, "status": Status.RUNNING, "context": context})
    closed = workflow._replace(state="closed", cause="terminated")
    return world._replace(phase=3, rows=(running,), workflows=(closed,))


OF_REASONS: Final[Mapping[str, Callable[[], World]]] = {
    "two runs compose one review": partial(_beside, attempts=2, kill=1),
    "two runs compose one large review": partial(
        beginning, Mishaps(attempts=2), COMPOSING_LARGE, COMPOSING_LARGE_REF
    ),
    "two runs compose beside an archived review": partial(_beside, _ARCHIVED, attempts=2),
    "reviews are published while a run composes": partial(_beside, _DRAFT, _FOLLOWING, publish=2),
    "another workspace has the fingerprint": partial(_beside, _FOREIGN, terminate=1),
    "a compose is cancelled": partial(beginning, Mishaps(cancel=1, kill=1), COMPOSING),
    "a compose cannot reach the remote": partial(beginning, Mishaps(unreachable=1, time=1), COMPOSING),
    "a compose passes its deadline": partial(beginning, Mishaps(deadline=1, kill=1), COMPOSING),
    "an attempt of a compose is given up": partial(beginning, Mishaps(attempts=2, timeout=1), COMPOSING),
    "a compose fails by a bug": partial(beginning, Mishaps(bug=1), COMPOSING),
    "a compose names no ref that is there": partial(beginning, Mishaps(), COMPOSING_GONE),
    "a compose names what is no ref": partial(beginning, Mishaps(), COMPOSING_ODD),
    "a compose has nothing under its prefix": partial(beginning, Mishaps(), COMPOSING_NOTHING),
    "a compose has too much to fetch": partial(beginning, Mishaps(), COMPOSING, unfit=RepositoryTooLarge),
    "a compose finds damaged objects": partial(beginning, Mishaps(), COMPOSING, unfit=RepositoryDamaged),
    "a compose has no connection": partial(beginning, Mishaps(), COMPOSING, unfit=RepositoryNotCovered),
    "a compose lacks the key": partial(beginning, Mishaps(), COMPOSING, unfit=EncryptionKeyMissing),
    "a remote is out of reach for long": _taken_and_out_of_reach,
    "a restore refuses some items": partial(beginning, Mishaps(terminate=1), RESTORING_PARTLY),
    "a restore refuses every item": partial(beginning, Mishaps(), RESTORING_REFUSED),
    "a restore has nothing to do": partial(beginning, Mishaps(cancel=1), RESTORING_NOTHING),
    "a restore passes its deadline": restore(deadline=1),
    "an attempt of a restore is given up": restore(attempts=2, sweeps=0, timeout=1),
    "another author repeats or resets the restore": restore(copied=1, rewind=1, sweeps=0, kill=1),
    "a workflow without a run is adopted": partial(
        beginning, Mishaps(terminate=1), direct=[RESTORING_NOTHING]
    ),
    "two people request a restore": partial(beginning, Mishaps(requests=2, sweeps=0)),
    "a start is refused, or its answer lost": partial(
        beginning, Mishaps(requests=1, start_lost=1, start_refused=1, time=1)
    ),
    "a start never arrives": partial(beginning, Mishaps(requests=1, start_lost=1, time=4)),
    "a web server is killed with a start in hand": partial(beginning, Mishaps(requests=1, kill=1, time=1)),
}

# A code counts as reached where a transition with it has committed, a failure of a run has it, or a run is
# worded by it (services/runs/messages.py). Every code has its world: none is for other worlds than these.
REACHED_IN: Final[Mapping[ReasonCode, str]] = {
    ReasonCode.REQUESTED: "a workflow without a run is adopted",
    ReasonCode.STARTED: "a restore has nothing to do",
    ReasonCode.CANCELLATION_REQUESTED: "a restore has nothing to do",
    ReasonCode.PUSH_UNANSWERED: "a restore refuses some items",
    ReasonCode.REVIEW_COMPOSED: "two runs compose one large review",
    ReasonCode.REVIEW_ALREADY_COMPOSED: "two runs compose one large review",
    ReasonCode.REVIEW_OUT_OF_SCOPE: "another workspace has the fingerprint",
    ReasonCode.REVIEW_LINEAGE_AMBIGUOUS: "two runs compose beside an archived review",
    ReasonCode.REVIEW_SUPERSEDED: "reviews are published while a run composes",
    ReasonCode.REVIEW_NOT_COMPOSED: "another workspace has the fingerprint",
    ReasonCode.RESTORE_APPLIED: "an answer is lost",
    ReasonCode.RESTORE_PARTLY_APPLIED: "a restore refuses some items",
    ReasonCode.RESTORE_NOT_NEEDED: "a restore has nothing to do",
    ReasonCode.RESTORE_OVERWRITTEN: "another author repeats or resets the restore",
    ReasonCode.RESTORE_APPLIED_TWICE: "another author repeats or resets the restore",
    ReasonCode.RESTORE_NOT_APPLIED: "a restore refuses some items",
    ReasonCode.ENVIRONMENT_CHANGED: "other authors push",
    ReasonCode.PUSH_REFUSED: "the server dies half-way, a push is refused",
    ReasonCode.ITEMS_REFUSED: "a restore refuses every item",
    ReasonCode.ENVIRONMENT_UNREACHABLE: "a remote is out of reach for long",
    ReasonCode.ALREADY_IN_PROGRESS: "the same restore is started directly",
    ReasonCode.DISPATCH_FAILED: "a start is refused, or its answer lost",
    ReasonCode.REF_NOT_FOUND: "a compose names no ref that is there",
    ReasonCode.PATH_PREFIX_EMPTY: "a compose has nothing under its prefix",
    ReasonCode.REPOSITORY_TOO_LARGE: "a compose has too much to fetch",
    ReasonCode.REPOSITORY_DAMAGED: "a compose finds damaged objects",
    ReasonCode.REPOSITORY_NOT_COVERED: "a compose has no connection",
    ReasonCode.ENCRYPTION_KEY_MISSING: "a compose lacks the key",
    ReasonCode.INPUT_REFUSED: "a compose names what is no ref",
    ReasonCode.ACTIVITY_TIMED_OUT: "an attempt of a compose is given up",
    ReasonCode.DEADLINE: "a compose passes its deadline",
    ReasonCode.CANCELLED: "a compose is cancelled",
    ReasonCode.UNEXPECTED_ERROR: "a compose fails by a bug",
}


def reached(found: Explored) -> set[str]:
    """Return the reason codes that the world explored last has reached."""
    runs = {row for state in found.states for row in state.rows if row.table == RUNS}
    failures = {failure["code"] for run in runs for failure in run["failures"]}
    return (REASONS | failures | {reason_of(_run(run)) for run in runs}) & {*ReasonCode}


def missed(name: str, codes: set[str]) -> Sequence[ReasonCode]:
    """Return the codes that a world is there for and has not reached."""
    return [code for code, world in REACHED_IN.items() if world == name and code not in codes]


def _run(row: Row) -> OperationRun:
    run = OperationRun()
    run.__dict__.update(mapped(OperationRun, row))
    return run
