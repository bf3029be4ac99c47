from collections.abc import Collection

from flask import Response, request
from sqlalchemy.orm import Session

from models.catalog import Capability
from models.review import EnvironmentReview, ReviewStatus
from services.reviews import Reviews
from web.api import parameters
from web.api.answers import answer
from web.api.authentication import principal
from web.api.blueprint import api
from web.api.bodies import optional_json_object, parse
from web.api.finding import environment_filtered, find_review
from web.api.schemas import Nothing, ReviewAnswer, ReviewChangeAnswer, list_answer
from web.queries.keyset import Page
from web.queries.reviews import list_changes, list_reviews
from web.services import services


@api.get("/reviews")
def show_reviews() -> Response:
    """List the reviews in scope, newest first."""
    status = parameters.choice("status", ReviewStatus)
    with services().database.transaction() as session:
        page = _page(
            session, frozenset({status} if status else ReviewStatus), request.args.get("environment")
        )
    return answer(list_answer(ReviewAnswer, page.items, following=page.next))


@api.get("/reviews/<review_id>")
def show_review(review_id: str) -> Response:
    """Show one review."""
    with services().database.transaction() as session:
        review = find_review(session, review_id)
    return answer(ReviewAnswer.model_validate(review))


@api.get("/reviews/<review_id>/changes")
def show_changes(review_id: str) -> Response:
    """List what changed since the review before, in the order of paths."""
    with services().database.transaction() as session:
        review = find_review(session, review_id)
        page = list_changes(session, review.id, after=parameters.after(), limit=parameters.limit())
    return answer(list_answer(ReviewChangeAnswer, page.items, following=page.next))


@api.post("/reviews/<review_id>/publish")
def publish_review(review_id: str) -> Response:
    """Publish a draft; publishing it again changes nothing."""
    with services().database.transaction() as session:
        review = find_review(session, review_id, Capability.REVIEWS_MANAGE)
        parse(Nothing, optional_json_object())
        published = Reviews(session).publish(review.id)
    return answer(ReviewAnswer.model_validate(published))


def _page(
    session: Session, statuses: Collection[ReviewStatus], environment: str | None
) -> Page[EnvironmentReview]:
    """Read a page of what the principal may see; for customers that is published reviews alone."""
    after, limit = parameters.after(), parameters.limit()
    seen = principal().workspaces_where(Capability.REVIEWS_VIEW)
    if not seen:
        seen = principal().workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW)
        statuses = frozenset(statuses) & {ReviewStatus.PUBLISHED}
    environment_id = environment_filtered(session, principal(), environment) if environment else None
    if environment and environment_id is None:
        return Page(items=[], next=None)
    return list_reviews(
        session,
        workspaces=seen,
        environment_id=environment_id,
        statuses=statuses,
        after=after,
        limit=limit,
    )
