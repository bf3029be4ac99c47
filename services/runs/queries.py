from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import String, literal, select, union, union_all
from sqlalchemy.orm import Session

from models.operation_run import OperationRequest, OperationRun, OperationRunHistory, OperationRunTransition
from models.reconciliation import Related
from models.restore import RestoreResult
from models.review import LIVE, EnvironmentReview


@dataclass(frozen=True, kw_only=True)
class BusinessTruth:
    """What the database holds of a run's result; the repository's branch is read by a check alone.

    `reviews` are the run's own, the one its reconciliation found, and the live one of the same evidence, all
    of the run's environment; `result` is what a restore wrote.
    """

    reviews: Sequence[EnvironmentReview] = ()
    result: RestoreResult | None = None


def reviews_for(session: Session, run: OperationRun) -> Sequence[EnvironmentReview]:
    """Return the reviews of a run, its own first: see BusinessTruth."""
    review, context = EnvironmentReview, run.context
    led_to = context.reconciliation.related if context.reconciliation else None
    found_id = led_to.id if led_to and led_to.type == "environment_review" else None
    own = select(review.id).where(review.run_id == run.id)
    same = select(review.id).where(
        review.workspace_id == run.workspace_id,
        review.environment_id == run.environment_id,
        review.fingerprint == context.fingerprint,
        review.status.in_(LIVE),
    )
    related = select(review.id).where(review.workspace_id == run.workspace_id, review.id == found_id)
    ids = union(own, same, related).scalar_subquery()
    found = session.scalars(select(review).where(review.id.in_(ids)))
    return sorted(found, key=lambda each: each.run_id != run.id)


def get_runs(session: Session, run_ids: Collection[UUID]) -> dict[UUID, OperationRun]:
    """Return runs by their ids alone; the caller judges access."""
    found = session.scalars(select(OperationRun).where(OperationRun.id.in_(run_ids)))
    return {run.id: run for run in found}


def transitions_of(session: Session, run_id: UUID) -> Sequence[OperationRunTransition]:
    """Return the transitions of a run, in order."""
    statement = select(OperationRunTransition).where(OperationRunTransition.run_id == run_id)
    return session.scalars(statement.order_by(OperationRunTransition.id)).all()


def requests_of(session: Session, run_id: UUID, *, limit: int) -> Sequence[OperationRequest]:
    """Return the requests that a run answers, oldest first; at most `limit`."""
    statement = select(OperationRequest).where(OperationRequest.run_id == run_id)
    return session.scalars(statement.order_by(OperationRequest.at, OperationRequest.id).limit(limit)).all()


def own_results(session: Session, run_ids: Collection[UUID]) -> dict[UUID, Related]:
    """Return the reviews and restore results that runs made themselves, by run id; others are left out."""
    reviews = select(
        EnvironmentReview.run_id, EnvironmentReview.id, literal("environment_review", String).label("type")
    )
    restores = select(RestoreResult.run_id, RestoreResult.id, literal("restore_result", String).label("type"))
    rows = session.execute(
        union_all(
            reviews.where(EnvironmentReview.run_id.in_(run_ids)),
            restores.where(RestoreResult.run_id.in_(run_ids)),
        )
    )
    return {
        run_id: Related.model_validate({"type": kind, "id": result_id}) for run_id, result_id, kind in rows
    }


def history_of(session: Session, run_id: UUID) -> OperationRunHistory | None:
    """Return the compact history of a run's workflow; None until it is stored."""
    return session.get(OperationRunHistory, run_id)


def result_of(session: Session, run_id: UUID) -> RestoreResult | None:
    """Return the result of a restore; None for other runs, and until there is one."""
    return session.scalars(select(RestoreResult).where(RestoreResult.run_id == run_id)).one_or_none()


def own_review(run: OperationRun, truth: BusinessTruth) -> EnvironmentReview | None:
    """Return the review that a run composed itself; None where there is none."""
    return next((review for review in truth.reviews if review.run_id == run.id), None)
