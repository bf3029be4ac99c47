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
    """Return the published review of an environment, or None.

    Its findings and sections may be large and are deferred.
    """
    return session.scalars(
        select(EnvironmentReview)
        .where(
            EnvironmentReview.environment_id == environment_id,
            EnvironmentReview.status == ReviewStatus.PUBLISHED,
        )
        .options(defer(EnvironmentReview.sections), defer(EnvironmentReview.findings))
    ).one_or_none()


def has_base_moved(review: EnvironmentReview, published_id: UUID | None) -> bool:
    """Return whether another review was published since this one was composed.

    `published_id` is the environment's published review; None: it has none.
    """
    return published_id != review.previous_review_id


def publish_conflict(review: EnvironmentReview, published_id: UUID | None) -> Conflict | None:
    """Return why a review that is not published cannot be; None where it can. Arguments as above."""
    if review.status != ReviewStatus.DRAFT:
        return Conflict(f"This review is {review.status}; only a draft can be published.")
    return ReviewBaseMoved() if has_base_moved(review, published_id) else None


def archive_conflict(review: EnvironmentReview) -> Conflict | None:
    """Return why a review that is not archived cannot be; None where it can."""
    if review.status != ReviewStatus.DRAFT:
        return Conflict(f"This review is {review.status}; only a draft can be archived.")
    return None


class Reviews:
    """Moves reviews along their lineage; never writes a run. Each move leaves an audit entry."""

    def __init__(self, session: Session, *, actor: Actor = SYSTEM, clock: Clock = utc_now) -> None:
        self._session = session
        self._actor = actor
        self._clock = clock

    def publish(self, review_id: UUID) -> EnvironmentReview:
        """Publish a draft and supersede the published review, in the caller's transaction.

        Publishing a published review again changes nothing. Raises NotFound, and what `publish_conflict`
        returns.
        """
        review = self._locked(review_id)
        if review.status == ReviewStatus.PUBLISHED:
            return review
        before = published_review(self._session, review.environment_id)
        if conflict := publish_conflict(review, before.id if before else None):
            raise conflict
        now = self._clock()
        if before is not None:
            # The old one first: an index allows one published review.
            self._move(
                before.id, status=ReviewStatus.SUPERSEDED, superseded_by_id=review.id, superseded_at=now
            )
        self._move(review.id, status=ReviewStatus.PUBLISHED, published_at=now)
        self._record(AuditAction.REVIEW_PUBLISHED, review)
        self._session.refresh(review)
        return review

    def archive(self, review_id: UUID) -> EnvironmentReview:
        """Archive a draft; archiving an archived review again changes nothing.

        Raises NotFound, and what `archive_conflict` returns.
        """
        review = self._locked(review_id)
        if review.status == ReviewStatus.ARCHIVED:
            return review
        if conflict := archive_conflict(review):
            raise conflict
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
