from uuid import UUID

from flask import url_for

from models.base import Json
from models.contracts import Contract
from models.review import EnvironmentReview, ReviewStatus
from services.reviews.lineage import archive_conflict, publish_conflict
from services.runs.links import review_path
from web.reviews.wording import OF_PROFILE
from web.ui.links import ReviewLinks, comparison_path, history_path


class ReviewAction(Contract):
    """A link, or a form where `is_sent`; disabled where `why_not` gives a reason."""

    label: str
    address: str
    is_sent: bool = False
    why_not: str | None = None


class HeaderActions(Contract):
    """The actions in the header of a review's page; `note` names reports that are not ready."""

    primary: ReviewAction | None
    others: tuple[ReviewAction, ...]
    note: str | None = None


def header_actions(
    review: EnvironmentReview, *, published_id: UUID | None, why_not: str | None, readiness: Json
) -> HeaderActions:
    """Choose the actions by the review's status.

    `published_id` is the environment's published review, `why_not` why the reader may not manage reviews.
    """
    pack = ReviewAction(
        label="Download pack", address=ReviewLinks(site="reviews", review_id=review.id).pack()
    )
    compare = ReviewAction(label="Compare", address=_comparison(review))
    match review.status:
        case ReviewStatus.DRAFT:
            others = (pack, compare, _archive(review, why_not))
            return HeaderActions(
                primary=_publish(review, published_id, why_not), others=others, note=_lacking(readiness)
            )
        case ReviewStatus.PUBLISHED:
            return HeaderActions(primary=pack, others=(compare,), note=_lacking(readiness))
        case ReviewStatus.SUPERSEDED if review.superseded_by_id:
            newer = ReviewAction(label="Open the newer review", address=review_path(review.superseded_by_id))
            return HeaderActions(primary=newer, others=(pack, compare))
        case _:
            return HeaderActions(primary=None, others=(pack, compare))


def why_not_archive(review: EnvironmentReview, why_not: str | None) -> str | None:
    """Return why a reader may not archive a review, or None; `why_not` is why their role may not."""
    conflict = archive_conflict(review)
    return str(conflict) if conflict else why_not


def _publish(review: EnvironmentReview, published_id: UUID | None, why_not: str | None) -> ReviewAction:
    conflict = publish_conflict(review, published_id)
    return ReviewAction(
        label="Publish review",
        address=url_for("reviews.publish", review_id=review.id),
        is_sent=True,
        why_not=why_not or (str(conflict) if conflict else None),
    )


def _archive(review: EnvironmentReview, why_not: str | None) -> ReviewAction:
    address = url_for("reviews.confirm_archive", review_id=review.id)
    return ReviewAction(label="Archive", address=address, why_not=why_not)


def _comparison(review: EnvironmentReview) -> str:
    if review.previous_review_id is None:
        return history_path(review.environment_id)
    return comparison_path(review.previous_review_id, review.id)


def _lacking(readiness: Json) -> str | None:
    """Name the reports that are not ready to be shared; for information, it disables no action."""
    names = [
        OF_PROFILE[profile][0].lower() for profile, standing in readiness.items() if not standing["ready"]
    ]
    if not names:
        return None
    are = "report is" if len(names) == 1 else "reports are"
    return f"The {' and '.join(names)} {are} not ready to be shared; see Reports."
