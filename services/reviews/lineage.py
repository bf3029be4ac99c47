from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session, defer

from models.access import AuditAction
from models.actor import Actor
from models.base import Clock, utc_now
from models.environment import Environment
from models.errors import Conflict, NotFound, ReviewBaseMoved
from models.review import EnvironmentReview, ReviewStatus
from services.access.audit import SYSTEM, Audit


def published_review(session: Session, environment_id: UUID) -> EnvironmentReview | None:
    """Return the one published review of an environment; None: none was published yet.

    Its findings and sections, which may be large, are not read.
    """
    return session.scalars(
        select(EnvironmentReview)
        .where(
            EnvironmentReview.environment_id == environment_id,
            EnvironmentReview.status == ReviewStatus.PUBLISHED,
        )
        .options(defer(EnvironmentReview.sections), defer(EnvironmentReview.findings))
    ).one_or_none()


class Reviews:
    """Moves reviews along their lineage; never writes a run. Each move leaves an audit entry."""

    def __init__(self, session: Session, *, actor: Actor = SYSTEM, clock: Clock = utc_now) -> None:
        self._session = session
        self._actor = actor
        self._clock = clock

    def publish(self, review_id: UUID) -> EnvironmentReview:
        """Publish a draft and supersede the review before it, in the caller's transaction.

        Publishing a published review again changes nothing. Raises NotFound, Conflict for a review that has
        left the living, and ReviewBaseMoved where another review was published since it was composed.
        """
        review = self._locked(review_id)
        if review.status == ReviewStatus.PUBLISHED:
            return review
        if review.status != ReviewStatus.DRAFT:
            raise Conflict(f"This review is {review.status}; only a draft can be published.")
        before = published_review(self._session, review.environment_id)
        if (before.id if before else None) != review.previous_review_id:
            raise ReviewBaseMoved
        now = self._clock()
        if before is not None:
            # First the old one: at no moment are two published.
            self._move(
                before.id, status=ReviewStatus.SUPERSEDED, superseded_by_id=review.id, superseded_at=now
            )
        self._move(review.id, status=ReviewStatus.PUBLISHED, published_at=now)
        self._record(AuditAction.REVIEW_PUBLISHED, review)
        self._session.refresh(review)
        return review

    def archive(self, review_id: UUID) -> EnvironmentReview:
        """Put a draft away; again, it changes nothing. Raises NotFound, and Conflict for no draft."""
        review = self._locked(review_id)
        if review.status == ReviewStatus.ARCHIVED:
            return review
        if review.status != ReviewStatus.DRAFT:
            raise Conflict(f"This review is {review.status}; only a draft can be archived.")
        self._move(review.id, status=ReviewStatus.ARCHIVED, archived_at=self._clock())
        self._record(AuditAction.REVIEW_ARCHIVED, review)
        self._session.refresh(review)
        return review

    def _locked(self, review_id: UUID) -> EnvironmentReview:
        """Lock the lineage of a review's environment: two drafts must not both find the same base."""
        review = self._session.get(EnvironmentReview, review_id)
        if review is None:
            raise NotFound
        self._session.execute(
            select(Environment.id).where(Environment.id == review.environment_id).with_for_update()
        )
        self._session.refresh(review)
        return review

    def _record(self, action: AuditAction, review: EnvironmentReview) -> None:
        of = select(Environment.name).where(Environment.id == review.environment_id)
        name = self._session.scalars(of).one()
        audit = Audit(
            session=self._session, workspace_id=review.workspace_id, actor=self._actor, clock=self._clock
        )
        audit.record(action, name, subject_id=review.id, detail=review.commit)

    def _move(self, review_id: UUID, **values: object) -> None:
        self._session.execute(
            update(EnvironmentReview).where(EnvironmentReview.id == review_id).values(**values)
        )
