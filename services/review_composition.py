from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.base import utc_now
from models.contracts import Evidence, OperationResult, ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import PathPrefixEmpty, RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reasons import ReasonCode
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.canonical import digest
from services.database import Database
from services.kill_points import Reach, pass_by
from services.new_run import Dispatch
from services.operation_runs import OperationRunService
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import runs, subtree_of, tree_of
from services.review_content import ReviewContent, compose_content
from services.review_context import ReviewContext, read_context
from services.reviews import published_review
from services.run_start import take

Beat = Callable[[], None]

# Part of the fingerprint: raise it when the same evidence would give another review.
COMPOSER_VERSION: Final = "2"

# Up to this many items a review is composed in the step that pinned its evidence. What a killed worker loses
# by that is less than a second's work; a step of its own costs every review a round trip through Temporal.
ITEMS_AT_ONCE: Final = 200


@dataclass(frozen=True, kw_only=True)
class _Work:
    run: OperationRun
    environment: Environment
    mirror: Mirror
    evidence: Evidence
    context: ReviewContext


class ReviewComposition:
    """Composes environment reviews: pins the evidence, then composes from it and completes the run."""

    def __init__(
        self,
        database: Database,
        mirrors: MirrorStore,
        *,
        clock: Callable[[], datetime] = utc_now,
        reach: Reach = pass_by,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
        self._clock = clock
        self._reach = reach

    def collect(
        self,
        correlation: Correlation,
        scope: ReviewComposeInput,
        *,
        dispatch: Dispatch,
        beat: Beat,
        repeated: bool = False,
    ) -> Evidence | OperationResult | None:
        """Mark the run running, fetch, and pin the commits that the review is composed from.

        Of a small environment the review is composed at once: the answer is that of `compose` then. Also an
        OperationResult: another run does this work already, or an attempt before this one (`repeated`) did
        it all. Raises RunRefused, EnvironmentUnreachable, RefNotFound or PathPrefixEmpty.
        """
        with self._database.transaction() as session:
            if repeated and (run := _ended(session, correlation)):
                return _recorded(session, run)
            taken = take(session, correlation, scope, dispatch=dispatch, clock=self._clock)
            if taken.refusal is not None:
                return taken.refusal
            environment = session.get_one(Environment, scope.environment_id)
            published = published_review(session, environment.id)
        mirror = self._mirrors.open(environment.id, environment.repository_url)
        self._reach("compose.after_start")
        mirror.fetch(beat)
        self._reach("compose.after_fetch")
        evidence = pin_evidence(mirror, environment, scope.ref, published)
        small = _is_small(mirror, environment, evidence)
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            run = service.record_fingerprint(correlation.run_id, evidence.fingerprint)
            if run is None:
                raise RunRefused
            published_at = published.composed_at if published else None
            work = _work(session, run, environment, mirror, evidence, published_at) if small else None
        self._reach("compose.after_evidence")
        if work is None:
            return evidence
        beat()
        return self._compose(correlation, work, beat)

    def compose(
        self, correlation: Correlation, scope: ReviewComposeInput, evidence: Evidence, *, beat: Beat
    ) -> OperationResult | None:
        """Compose the review and insert it in the transaction that completes the run (law L8).

        None: a live review of this fingerprint is there already; the reconciler tells what that means.
        Safe to repeat: a run that has its review returns it.
        """
        with self._database.transaction() as session:
            environment = session.get_one(Environment, scope.environment_id)
            run = session.get_one(OperationRun, correlation.run_id)
            if run.status == Status.COMPLETED:
                return _recorded(session, run)
            previous = select(EnvironmentReview.composed_at)
            published_at = session.scalar(previous.where(EnvironmentReview.id == evidence.previous_review_id))
            mirror = self._mirrors.open(environment.id, environment.repository_url)
            work = _work(session, run, environment, mirror, evidence, published_at)
        mirror.ensure(_commits(evidence), beat)
        return self._compose(correlation, work, beat)

    def _compose(self, correlation: Correlation, work: _Work, beat: Beat) -> OperationResult | None:
        content = compose_content(work.mirror, work.environment, work.evidence, work.context, beat=beat)
        self._reach("compose.before_insert")
        with self._database.transaction() as session:
            review_id = self._insert(session, work, content)
            if review_id is None:
                return None
            service = OperationRunService(session, clock=self._clock)
            completed = service.succeed(
                correlation, reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts=content.summary
            )
            if completed is None:
                raise RunRefused
            self._reach("compose.before_commit")
        self._reach("compose.after_commit")
        return _result(work.run.id, review_id)

    def _insert(self, session: Session, work: _Work, content: ReviewContent) -> UUID | None:
        run, evidence = work.run, work.evidence
        trees = _trees(work.mirror, work.environment, evidence.commit, evidence.baseline_commit)
        # Waits for another run of the same fingerprint to commit or roll back, and then knows.
        review_id: UUID | None = session.scalar(
            postgresql.insert(EnvironmentReview)
            .values(
                id=uuid7(),
                workspace_id=run.workspace_id,
                environment_id=run.environment_id,
                run_id=run.id,
                status=ReviewStatus.DRAFT,
                fingerprint=evidence.fingerprint,
                commit=evidence.commit,
                tree=trees["live_tree"],
                baseline_commit=evidence.baseline_commit,
                baseline_tree=trees["baseline_tree"],
                previous_review_id=evidence.previous_review_id,
                composer_version=COMPOSER_VERSION,
                summary=content.summary,
                sections=content.sections,
                findings=content.findings,
                composed_at=self._clock(),
            )
            .on_conflict_do_nothing()
            .returning(EnvironmentReview.id)
        )
        if review_id is not None and content.changes:
            rows = [
                {"review_id": review_id, "workspace_id": run.workspace_id, "position": position, **change}
                for position, change in enumerate(content.changes)
            ]
            session.execute(insert(ReviewChange), rows)
        return review_id


def _work(
    session: Session,
    run: OperationRun,
    environment: Environment,
    mirror: Mirror,
    evidence: Evidence,
    published_at: datetime | None,
) -> _Work:
    context = read_context(session, environment, published_at=published_at, run_id=run.id, now=run.created_at)
    return _Work(run=run, environment=environment, mirror=mirror, evidence=evidence, context=context)


def pin_evidence(
    mirror: Mirror, environment: Environment, ref: str | None, published: EnvironmentReview | None
) -> Evidence:
    """Resolve what a review is composed from, in the fetched mirror, and name it by its fingerprint.

    Raises RefNotFound, and PathPrefixEmpty where the environment has nothing under its prefix.
    """
    commit = mirror.resolve(ref or f"refs/heads/{environment.branch}")
    baseline = mirror.resolve(environment.baseline_ref) if environment.baseline_ref else None
    trees = _trees(mirror, environment, commit, baseline)
    if trees["live_tree"] is None:
        raise PathPrefixEmpty
    fingerprint = digest(
        {
            "environment_id": environment.id,
            **trees,
            "previous_tree": published.tree if published else None,
            "composer_version": COMPOSER_VERSION,
        }
    )
    return Evidence(
        commit=commit,
        baseline_commit=baseline,
        previous_review_id=published.id if published else None,
        previous_commit=published.commit if published else None,
        fingerprint=fingerprint,
    )


def _is_small(mirror: Mirror, environment: Environment, evidence: Evidence) -> bool:
    items = (
        len(run.names)
        for commit in _commits(evidence)
        for run in runs(mirror.repository, commit, environment.path_prefix)
    )
    return all(count <= ITEMS_AT_ONCE for count in accumulate(items))


def _trees(
    mirror: Mirror, environment: Environment, commit: str, baseline: str | None
) -> Mapping[str, str | None]:
    def tree(of: str | None) -> str | None:
        return of and subtree_of(mirror.repository, tree_of(mirror.repository, of), environment.path_prefix)

    return {"live_tree": tree(commit), "baseline_tree": tree(baseline)}


def _commits(evidence: Evidence) -> list[str]:
    return [commit for commit in (evidence.commit, evidence.baseline_commit) if commit]


def _ended(session: Session, correlation: Correlation) -> OperationRun | None:
    run = session.get(OperationRun, correlation.run_id)
    return run if run is not None and run.status == Status.COMPLETED else None


def _recorded(session: Session, run: OperationRun) -> OperationResult:
    review_id = session.scalar(select(EnvironmentReview.id).where(EnvironmentReview.run_id == run.id))
    if review_id is None and run.outcome == Outcome.SUCCEEDED:
        # By the truth, with the review that was there already.
        review_id = UUID(run.context["reconciliation"]["related"]["id"])
    if review_id is None:
        raise RunRefused
    return _result(run.id, review_id)


def _result(run_id: UUID, review_id: UUID) -> OperationResult:
    return OperationResult(
        run_id=run_id,
        outcome=Outcome.SUCCEEDED,
        related_type="environment_review",
        related_id=review_id,
    )
