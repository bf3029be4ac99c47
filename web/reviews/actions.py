from uuid import UUID

from flask import url_for

from models.base import Json
from models.contracts import Contract
from models.errors import ReviewBaseMoved
from models.review import EnvironmentReview, ReviewStatus
from services.runs.links import review_path
from web.reviews.wording import OF_PROFILE
from web.ui.links import ReviewLinks, comparison_path, history_path


class Action(Contract):
    """Something to do with a review, by a link or a form that is sent; greyed where `why_not` says why."""

    key: str
    label: str
    address: str
    is_sent: bool = False
    why_not: str | None = None


class HeaderActions(Contract):
    """What the head of a review's page offers: one thing before all others, or nothing."""

    primary: Action | None
    others: tuple[Action, ...]
    note: str | None = None


def header_actions(
    review: EnvironmentReview, *, published_id: UUID | None, why_not: str | None, readiness: Json
) -> HeaderActions:
    """Choose the actions by what the review stands at.

    `published_id` is the environment's published review, `why_not` why the reader may not manage reviews.
    """
    pack = Action(
        key="pack",
        label="Download pack",
        address=ReviewLinks(site="reviews", review_id=review.id).pack(),
    )
    compare = Action(key="compare", label="Compare", address=_comparison(review))
    match review.status:
        case ReviewStatus.DRAFT:
            others = (pack, compare, _archive(review, why_not))
            return HeaderActions(
                primary=_publish(review, published_id, why_not), others=others, note=_lacking(readiness)
            )
        case ReviewStatus.PUBLISHED:
            return HeaderActions(primary=pack, others=(compare,), note=_lacking(readiness))
        case ReviewStatus.SUPERSEDED if review.superseded_by_id:
            newer = Action(
                key="newer", label="Open the newer review", address=review_path(review.superseded_by_id)
            )
            return HeaderActions(primary=newer, others=(pack, compare))
        case _:
            return HeaderActions(primary=None, others=(pack, compare))


def _publish(review: EnvironmentReview, published_id: UUID | None, why_not: str | None) -> Action:
    has_moved = published_id != review.previous_review_id
    return Action(
        key="publish",
        label="Publish review",
        address=url_for("reviews.publish", review_id=review.id),
        is_sent=True,
        why_not=why_not or (ReviewBaseMoved.default_message() if has_moved else None),
    )


def why_not_archive(review: EnvironmentReview, why_not: str | None) -> str | None:
    """Say why a review may not be put away; None where it may. `why_not` is why the reader may not."""
    if review.status != ReviewStatus.DRAFT:
        return f"This review is {review.status}; only a draft can be archived."
    return why_not


def _archive(review: EnvironmentReview, why_not: str | None) -> Action:
    address = url_for("reviews.confirm_archive", review_id=review.id)
    return Action(key="archive", label="Archive", address=address, why_not=why_not)


def _comparison(review: EnvironmentReview) -> str:
    if review.previous_review_id is None:
        return history_path(review.environment_id)
    return comparison_path(review.previous_review_id, review.id)


def _lacking(readiness: Json) -> str | None:
    """Say which reports are not ready to be shared; it informs and refuses nothing."""
    names = [
        OF_PROFILE[profile][0].lower() for profile, standing in readiness.items() if not standing["ready"]
    ]
    if not names:
        return None
    are = "report is" if len(names) == 1 else "reports are"
    return f"The {' and '.join(names)} {are} not ready to be shared; see Reports."
