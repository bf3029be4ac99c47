from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from models.base import Clock, utc_now
from models.contracts import Evidence, OperationResult, ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.review import EnvironmentReview, ReviewChange, ReviewStatus
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.mirror import Mirror, MirrorStore
from services.reviews.content import ReviewContent, compose_content
from services.reviews.context import ReviewContext, read_context
from services.reviews.evidence import COMPOSER_VERSION, commits_of, is_small, pin_evidence, trees_of
from services.reviews.lineage import published_review
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from services.runs.start import claim, find_ended

CheckCancelled = Callable[[], None]


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
        clock: Clock = utc_now,
        reach: FaultHook = no_op,
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
        check_cancelled: CheckCancelled,
        repeated: bool = False,
    ) -> Evidence | OperationResult | None:
        """Mark the run running, fetch, and pin the commits that the review is composed from.

        A small review is composed at once: the answer is that of `compose` then. Also an OperationResult:
        another run does this work already, or this one ended meanwhile, by an attempt before (`repeated`) or
        beside this one. Raises RunRefused, EnvironmentUnreachable, RefNotFound or PathPrefixEmpty.
        """
        with self._database.transaction() as session:
            if repeated and (ended := find_ended(session, correlation, scope)):
                return _told(session, ended)
            taken = claim(session, correlation, scope, dispatch=dispatch, clock=self._clock)
            if taken.refusal is not None:
                return taken.refusal
            environment = session.get_one(Environment, scope.environment_id)
            published = published_review(session, environment.id)
        mirror = self._mirrors.open(environment.id, environment.repository_url)
        self._reach("compose.after_start")
        mirror.fetch(check_cancelled)
        self._reach("compose.after_fetch")
        evidence = pin_evidence(mirror, environment, scope.ref, published)
        small = is_small(mirror, environment, evidence)
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            run = service.record_fingerprint(correlation.run_id, evidence.fingerprint)
            if run is None:
                return _told(session, find_ended(session, correlation, scope))
            published_at = published.composed_at if published else None
            work = _work(session, run, environment, mirror, evidence, published_at) if small else None
        self._reach("compose.after_evidence")
        if work is None:
            return evidence
        check_cancelled()
        return self._compose(correlation, work, check_cancelled)

    def compose(
        self,
        correlation: Correlation,
        scope: ReviewComposeInput,
        evidence: Evidence,
        *,
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Compose the review and insert it in the transaction that completes the run (law L8).

        None: a live review of this fingerprint is there already; the reconciler tells what that means.
        Safe to repeat: a run that has its review returns it.
        """
        with self._database.transaction() as session:
            environment = session.get_one(Environment, scope.environment_id)
            run = session.get_one(OperationRun, correlation.run_id)
            if run.status == Status.COMPLETED:
                return _told(session, run)
            previous = select(EnvironmentReview.composed_at)
            published_at = session.scalar(previous.where(EnvironmentReview.id == evidence.previous_review_id))
            mirror = self._mirrors.open(environment.id, environment.repository_url)
            work = _work(session, run, environment, mirror, evidence, published_at)
        mirror.ensure(commits_of(evidence), check_cancelled)
        return self._compose(correlation, work, check_cancelled)

    def _compose(
        self, correlation: Correlation, work: _Work, check_cancelled: CheckCancelled
    ) -> OperationResult | None:
        content = compose_content(
            work.mirror, work.environment, work.evidence, work.context, check_cancelled=check_cancelled
        )
        self._reach("compose.before_insert")
        try:
            return self._complete(correlation, work, content)
        except RunRefused:
            with self._database.transaction() as session:
                return _told(session, session.get_one(OperationRun, correlation.run_id))

    def _complete(
        self, correlation: Correlation, work: _Work, content: ReviewContent
    ) -> OperationResult | None:
        """Insert the review and complete the run; raise RunRefused, with neither done, where it has ended."""
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
        trees = trees_of(work.mirror, work.environment, evidence.commit, evidence.baseline_commit)
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


def _told(session: Session, run: OperationRun | None) -> OperationResult:
    """Tell how a run ended; raise RunRefused of one that did not end by its work, or that is not there."""
    if run is None or run.outcome in {Outcome.FAILED, Outcome.CANCELLED}:
        raise RunRefused
    reconciliation = run.context.reconciliation
    if reconciliation is None:
        made = select(EnvironmentReview.id).where(EnvironmentReview.run_id == run.id)
        return _result(run.id, session.scalars(made).one())
    related = reconciliation.related
    return OperationResult(
        run_id=run.id,
        outcome=Outcome(run.outcome),
        related_type=related.type if related else None,
        related_id=related.id if related else None,
    )


def _result(run_id: UUID, review_id: UUID) -> OperationResult:
    return OperationResult(
        run_id=run_id,
        outcome=Outcome.SUCCEEDED,
        related_type="environment_review",
        related_id=review_id,
    )
