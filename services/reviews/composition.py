from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models.base import Clock, utc_now
from models.contracts import OperationResult
from models.contracts.review_compose import Evidence, ReviewComposeInput
from models.correlation import Correlation
from models.environment import Environment
from models.errors import RunRefused
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from models.review import EnvironmentReview
from services.connections.access import EnvironmentMirrors
from services.connections.uses import note_use
from services.database.session import Database
from services.kill_points import FaultHook, no_op
from services.repositories.git import CheckCancelled
from services.repositories.mirror import Mirror
from services.reviews.content import ReviewContent, compose_content
from services.reviews.context import ReviewContext, read_context
from services.reviews.evidence import commits_of, is_small, pin_evidence, trees_of
from services.reviews.lineage import published_review
from services.reviews.new_review import insert_review
from services.runs.new_run import Dispatch
from services.runs.service import OperationRunService
from services.runs.start import claim, find_ended, resume


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
        mirrors: EnvironmentMirrors,
        *,
        clock: Clock = utc_now,
        fault_hook: FaultHook = no_op,
    ) -> None:
        self._database = database
        self._mirrors = mirrors
        self._clock = clock
        self._fault_hook = fault_hook

    def collect(
        self,
        correlation: Correlation,
        operation_input: ReviewComposeInput,
        *,
        dispatch: Dispatch,
        check_cancelled: CheckCancelled,
        repeated: bool = False,
    ) -> Evidence | OperationResult | None:
        """Mark the run running, fetch, and pin the commits that the review is composed from.

        A small review is composed at once, and the answer is that of `compose`. An OperationResult also where
        another run does this work, or where this run has ended: by an earlier attempt (`repeated`) or by a
        concurrent one. Raises RunRefused, EnvironmentUnreachable, RefNotFound or PathPrefixEmpty.
        """
        started = self._start(correlation, operation_input, dispatch, repeated=repeated)
        if isinstance(started, OperationResult):
            return started
        environment, published = started
        mirror = self._mirrors.open(environment)
        self._fault_hook("compose.after_start")
        mirror.fetch(check_cancelled)
        self._fault_hook("compose.after_fetch")
        evidence = pin_evidence(mirror, environment, operation_input.ref, published)
        small = is_small(mirror, environment, evidence)
        with self._database.transaction() as session:
            service = OperationRunService(session, clock=self._clock)
            run = service.record_fingerprint(correlation.run_id, evidence.fingerprint)
            if run is None:
                worked = dispatch.workflow_run_id
                ended = find_ended(session, correlation, operation_input, workflow_run_id=worked)
                return _result_of(session, ended)
            work = _work(session, run, environment, mirror, evidence) if small else None
        self._fault_hook("compose.after_evidence")
        if work is None:
            return evidence
        check_cancelled()
        return self._compose(correlation, work, check_cancelled)

    def compose(
        self,
        correlation: Correlation,
        operation_input: ReviewComposeInput,
        evidence: Evidence,
        *,
        workflow_run_id: str,
        check_cancelled: CheckCancelled,
    ) -> OperationResult | None:
        """Compose the review and insert it in the transaction that completes the run (law L8).

        None: a live review of this fingerprint exists; the reconciler decides what that means. Safe to
        repeat: a run that has its review returns it. Raises RunRefused where the run ended without one, or
        the execution may not act for it (law L6).
        """
        with self._database.transaction() as session:
            run = resume(
                session, correlation, operation_input, workflow_run_id=workflow_run_id, clock=self._clock
            )
            environment = session.get_one(Environment, operation_input.environment_id)
            if run.status == Status.COMPLETED:
                return _result_of(session, run)
            mirror = self._mirrors.open(environment)
            work = _work(session, run, environment, mirror, evidence)
        mirror.ensure(commits_of(evidence), check_cancelled)
        return self._compose(correlation, work, check_cancelled)

    def _start(
        self,
        correlation: Correlation,
        operation_input: ReviewComposeInput,
        dispatch: Dispatch,
        *,
        repeated: bool,
    ) -> tuple[Environment, EnvironmentReview | None] | OperationResult:
        """Mark the run running; return its environment and the published review, or how the run ended."""
        with self._database.transaction() as session:
            if repeated:
                worked = dispatch.workflow_run_id
                ended = find_ended(session, correlation, operation_input, workflow_run_id=worked)
                if ended is not None:
                    return _result_of(session, ended)
            claimed = claim(session, correlation, operation_input, dispatch=dispatch, clock=self._clock)
            if claimed.refusal is not None:
                return claimed.refusal
            environment = session.get_one(Environment, operation_input.environment_id)
            note_use(session, environment, by=claimed.run.initiator_name, at=self._clock())
            return environment, published_review(session, environment.id)

    def _compose(
        self, correlation: Correlation, work: _Work, check_cancelled: CheckCancelled
    ) -> OperationResult | None:
        content = compose_content(
            work.mirror, work.environment, work.evidence, work.context, check_cancelled=check_cancelled
        )
        self._fault_hook("compose.before_insert")
        try:
            return self._complete(correlation, work, content)
        except RunRefused:
            with self._database.transaction() as session:
                return _result_of(session, session.get_one(OperationRun, correlation.run_id))

    def _complete(
        self, correlation: Correlation, work: _Work, content: ReviewContent
    ) -> OperationResult | None:
        """Insert the review and complete the run; raise RunRefused, with neither done, where it has ended."""
        evidence = work.evidence
        trees = trees_of(work.mirror, work.environment, evidence.commit, evidence.baseline_commit)
        with self._database.transaction() as session:
            review_id = insert_review(
                session, work.run, work.evidence, content, trees=trees, composed_at=self._clock()
            )
            if review_id is None:
                return None
            service = OperationRunService(session, clock=self._clock)
            completed = service.succeed(
                correlation, reason_code=ReasonCode.REVIEW_COMPOSED, summary_counts=content.summary
            )
            if completed is None:
                raise RunRefused
            self._fault_hook("compose.before_commit")
        self._fault_hook("compose.after_commit")
        return _result(work.run.id, review_id)


def _work(
    session: Session, run: OperationRun, environment: Environment, mirror: Mirror, evidence: Evidence
) -> _Work:
    previous = EnvironmentReview.id == evidence.previous_review_id
    published_at = session.scalar(select(EnvironmentReview.composed_at).where(previous))
    context = read_context(session, environment, published_at=published_at, run_id=run.id, now=run.created_at)
    return _Work(run=run, environment=environment, mirror=mirror, evidence=evidence, context=context)


def _result_of(session: Session, run: OperationRun | None) -> OperationResult:
    """Return how a run ended; raise RunRefused for one that failed, was cancelled or does not exist."""
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
