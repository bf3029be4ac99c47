"""What the first step of a compose tells where its run ended meanwhile, and when it composes at once."""

from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pygit2
import pytest
from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from models.catalog import OperationType
from models.contracts import OperationResult
from models.contracts.review_compose import Evidence
from models.correlation import Correlation
from models.environment import Environment
from models.errors import RepositoryError, RunRefused
from models.lifecycle import Outcome
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.reconciliation import Related
from models.review import EnvironmentReview
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.git import never_cancelled
from services.reviews.composition import ReviewComposition
from services.reviews.evidence import BYTES_AT_ONCE, ITEMS_AT_ONCE
from services.reviews.lineage import Reviews
from services.runs.service import OperationRunService
from tests.factories import ADA, EXECUTION, STARTED, compose_input, decision, make_environment, make_workspace
from tests.git_repository import GitRepository
from tests.mirrors import mirrors_under

COMPOSE = OperationType.ENVIRONMENT_REVIEW_COMPOSE
OTHERS_REVIEW = Related(type="environment_review", id=uuid7())


class Composing:
    """An environment of one file, and what a workflow asks of its composition."""

    def __init__(self, database: Database, repositories: Path) -> None:
        self.database = database
        self.repository = GitRepository(repositories)
        self.repository.commit({"a.json": "1"})
        self.mirrors = mirrors_under(repositories.parent / "mirrors", roots=[repositories])
        with database.transaction() as session:
            self.environment = make_environment(session, repository_url=self.repository.url)
        self.correlation = Correlation(operation_type=COMPOSE, run_id=uuid7())

    def collect(
        self, fault_hook: FaultHook = no_op, *, repeated: bool = False, environment: Environment | None = None
    ) -> Evidence | OperationResult | None:
        return ReviewComposition(self.database, self.mirrors, fault_hook=fault_hook).collect(
            self.correlation,
            compose_input(environment or self.environment),
            dispatch=STARTED,
            check_cancelled=never_cancelled,
            repeated=repeated,
        )

    def compose(self, evidence: Evidence) -> None:
        composition = ReviewComposition(self.database, self.mirrors)
        composition.compose(
            self.correlation,
            compose_input(self.environment),
            evidence,
            workflow_run_id=EXECUTION,
            check_cancelled=never_cancelled,
        )

    def publish(self) -> None:
        (review_id,) = self.reviews()
        with self.database.transaction() as session:
            Reviews(session).publish(review_id)

    def settle(self, outcome: Outcome, reason: ReasonCode, related: Related | None) -> None:
        with self.database.transaction() as session:
            OperationRunService(session).update_run_with_reconciliation(
                self.correlation.run_id,
                decision(outcome, reason, related),
                source="operator",
                actor=ADA,
            )

    def reviews(self) -> list[UUID]:
        with self.database.transaction() as session:
            return list(session.scalars(select(EnvironmentReview.id)))


@pytest.fixture
def composing(database: Database, repositories: Path) -> Composing:
    return Composing(database, repositories)


def at(point: str, do: Callable[[], object]) -> FaultHook:
    """Do something once, when the step is at the point."""
    waiting = [do]

    def fault_hook(name: str) -> None:
        if name == point and waiting:
            waiting.pop()()

    return fault_hook


@pytest.mark.parametrize("point", ["compose.after_start", "compose.after_fetch", "compose.before_insert"])
def test_two_attempts_at_once_compose_one_review(composing: Composing, point: str) -> None:
    told = composing.collect(at(point, lambda: composing.collect(repeated=True)))

    (review,) = composing.reviews()
    if point == "compose.before_insert":  # there is a review already, and the reconciler tells whose
        assert told is None
    else:
        assert isinstance(told, OperationResult)
        assert (told.outcome, told.related_id) == (Outcome.SUCCEEDED, review)


@pytest.mark.parametrize(
    ("outcome", "reason", "related"),
    [
        (Outcome.SUCCEEDED, ReasonCode.REVIEW_ALREADY_COMPOSED, OTHERS_REVIEW),
        (Outcome.BLOCKED, ReasonCode.REVIEW_SUPERSEDED, OTHERS_REVIEW),
        (Outcome.ATTENTION_REQUIRED, ReasonCode.REVIEW_OUT_OF_SCOPE, None),
    ],
)
@pytest.mark.parametrize("point", ["compose.after_fetch", "compose.before_insert"])
def test_how_the_truth_settled_it_meanwhile_is_told(
    composing: Composing, point: str, outcome: Outcome, reason: ReasonCode, related: Related | None
) -> None:
    told = composing.collect(at(point, lambda: composing.settle(outcome, reason, related)))
    again = composing.collect(repeated=True)

    assert told == again
    assert isinstance(told, OperationResult)
    assert (told.outcome, told.related_id) == (outcome, related.id if related else None)
    assert composing.reviews() == []


@pytest.mark.parametrize("point", ["compose.after_fetch", "compose.before_insert"])
@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED])
def test_a_run_that_did_not_end_by_its_work_is_refused(
    composing: Composing, point: str, outcome: Outcome
) -> None:
    def settle() -> None:
        composing.settle(outcome, ReasonCode.REVIEW_NOT_COMPOSED, None)

    with pytest.raises(RunRefused):
        composing.collect(at(point, settle))
    with pytest.raises(RunRefused):
        composing.collect(repeated=True)
    assert composing.reviews() == []


def test_a_duplicate_is_told_so_by_every_attempt(composing: Composing) -> None:
    composing.repository.commit({f"{number}": "" for number in range(ITEMS_AT_ONCE + 1)})
    active = composing.correlation
    assert isinstance(composing.collect(), Evidence)
    composing.correlation = Correlation(operation_type=COMPOSE, run_id=uuid7())

    told = composing.collect()

    assert isinstance(told, OperationResult)
    assert (told.outcome, told.related_id) == (Outcome.BLOCKED, active.run_id)
    assert composing.collect(repeated=True) == told


def test_an_attempt_tells_nothing_of_a_run_that_is_not_its_own(composing: Composing) -> None:
    composing.collect()
    with composing.database.transaction() as session:
        workspace = make_workspace(session, "other")
        other = make_environment(session, workspace, repository_url=composing.repository.url)

    with pytest.raises(RunRefused):
        composing.collect(repeated=True, environment=other)
    with composing.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(OperationRun)) == 1


@pytest.mark.parametrize(
    ("files", "answer"),
    [
        ({f"{number}": "" for number in range(ITEMS_AT_ONCE - 1)}, OperationResult),
        ({f"{number}": "" for number in range(ITEMS_AT_ONCE)}, Evidence),
        ({"b.json": "0" * (BYTES_AT_ONCE - 1)}, OperationResult),
        ({"b.json": "0" * BYTES_AT_ONCE}, Evidence),
    ],
)
def test_a_small_review_is_composed_at_once(
    composing: Composing, files: dict[str, str | bytes | None], answer: type
) -> None:
    composing.repository.commit(files)

    assert isinstance(composing.collect(), answer)


def test_a_mirror_that_lacks_a_file_is_made_anew(composing: Composing) -> None:
    mirror = composing.mirrors.open(composing.environment)
    mirror.fetch()
    kept = composing.repository.read("rev-parse", "main", "main^{tree}").split()
    objects = [mirror.repository.odb.read(oid) for oid in kept]
    for part in mirror.path.glob("objects/pack/*"):
        part.unlink()
    for kind, data in objects:
        pygit2.Repository(str(mirror.path)).odb.write(kind, data)

    with pytest.raises(RepositoryError):
        composing.collect()
    assert isinstance(composing.collect(repeated=True), OperationResult)


def test_a_review_of_little_that_was_much_is_not_small(composing: Composing) -> None:
    much = {f"{number}": "" for number in range(ITEMS_AT_ONCE)}
    composing.repository.commit(much)
    evidence = composing.collect()
    assert isinstance(evidence, Evidence)
    composing.compose(evidence)
    composing.publish()
    composing.repository.commit(dict.fromkeys(much))
    composing.correlation = Correlation(operation_type=COMPOSE, run_id=uuid7())

    assert isinstance(composing.collect(), Evidence)
