from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, union
from sqlalchemy.orm import Session

from models.operation_run import OperationRun
from models.restore import RestoreResult
from models.review import EnvironmentReview, ReviewStatus

_LIVE = (ReviewStatus.DRAFT, ReviewStatus.PUBLISHED)


@dataclass(frozen=True, kw_only=True)
class BusinessTruth:
    """What the run's result looks like from the business side, as it stands in the database.

    `reviews` are the run's own, the one it was found to have led to, and the live one of the same evidence,
    of its environment alone; `result` is what a restore put back. The branch of a repository is not asked
    for it: that takes a check.
    """

    reviews: Sequence[EnvironmentReview] = ()
    result: RestoreResult | None = None


def reviews_for(session: Session, run: OperationRun) -> Sequence[EnvironmentReview]:
    """Return the review that a run composed, the one it led to, and the live one of the same fingerprint."""
    review, reconciliation = EnvironmentReview, run.context.get("reconciliation") or {}
    led_to = reconciliation.get("related") or {}
    found_id = led_to["id"] if led_to.get("type") == "environment_review" else None
    own = select(review.id).where(review.run_id == run.id)
    same = select(review.id).where(
        review.workspace_id == run.workspace_id,
        review.environment_id == run.environment_id,
        review.fingerprint == run.context.get("fingerprint"),
        review.status.in_(_LIVE),
    )
    related = select(review.id).where(review.workspace_id == run.workspace_id, review.id == found_id)
    ids = union(own, same, related).scalar_subquery()
    found = session.scalars(select(review).where(review.id.in_(ids)))
    return sorted(found, key=lambda each: each.run_id != run.id)
