from http import HTTPStatus

from flask import Response
from sqlalchemy.orm import Session

from models.catalog import Capability
from models.review import EnvironmentReview, ReviewStatus
from services.database.paging import Page
from services.reports.formats import Format
from services.response_models import list_response
from services.reviews.lineage import Reviews
from services.reviews.queries import list_changes, list_reviews
from services.reviews.readiness import Profile
from services.reviews.response_models import ReviewAnswer, ReviewChangeListAnswer, ReviewListAnswer
from web.access import authorized, current_principal
from web.api.authentication import api
from web.api.bodies import optional_json_object, parse
from web.api.openapi.spec import JSON, Content, EndpointSpec, Tag, documented, reads
from web.api.parameters import PackQuery, PageQuery, ReviewQuery, read_query
from web.api.requests import Nothing
from web.api.responses import json_response
from web.api.scope import environment_named
from web.context import services
from web.reviews.downloads import PendingFile, pack_response, report_response


@api.get("/reviews")
@documented(reads(Tag.REVIEWS, ReviewListAnswer, query=ReviewQuery))
def show_reviews() -> Response:
    """List the reviews in scope, newest first."""
    query = read_query(ReviewQuery)
    with services().database.transaction() as session:
        page = _page(session, query)
    return json_response(list_response(ReviewListAnswer, page.items, following=page.next))


@api.get("/reviews/<review_id>")
@documented(reads(Tag.REVIEWS, ReviewAnswer))
def show_review(review_id: str) -> Response:
    """Show one review."""
    with services().database.transaction() as session:
        review = _readable(session, review_id)
    return json_response(ReviewAnswer.model_validate(review))


@api.get("/reviews/<review_id>/changes")
@documented(reads(Tag.REVIEWS, ReviewChangeListAnswer, query=PageQuery))
def show_changes(review_id: str) -> Response:
    """List what changed since the review before, in the order of paths."""
    query = read_query(PageQuery)
    with services().database.transaction() as session:
        review = _readable(session, review_id)
        page = list_changes(session, review.id, after=query.after, limit=query.limit)
    return json_response(list_response(ReviewChangeListAnswer, page.items, following=page.next))


@api.post("/reviews/<review_id>/publish")
@documented(
    EndpointSpec(
        tag=Tag.REVIEWS,
        body=Nothing,
        body_optional=True,
        acts=True,
        conflicts="A newer review was published since this one was composed, or it is no draft any more.",
        answers={HTTPStatus.OK: Content(model=ReviewAnswer, description="The review, published.")},
    )
)
def publish_review(review_id: str) -> Response:
    """Publish a draft; publishing it again changes nothing."""
    with services().database.transaction() as session:
        review = authorized(session, EnvironmentReview, review_id, Capability.REVIEWS_MANAGE)
        parse(Nothing, optional_json_object())
        published = Reviews(session, actor=current_principal().actor).publish(review.id)
    return json_response(ReviewAnswer.model_validate(published))


def _readable(session: Session, review_id: str) -> EnvironmentReview:
    return authorized(session, EnvironmentReview, review_id, Capability.REVIEWS_PUBLISHED_VIEW)


def _page(session: Session, query: ReviewQuery) -> Page[EnvironmentReview]:
    """Return a page of the reviews that the principal sees; customers see published ones alone."""
    statuses = frozenset({query.status} if query.status else ReviewStatus)
    principal = current_principal()
    seen = principal.workspaces_where(Capability.REVIEWS_VIEW)
    if not seen:
        seen = principal.workspaces_where(Capability.REVIEWS_PUBLISHED_VIEW)
        statuses &= {ReviewStatus.PUBLISHED}
    environment_id = environment_named(session, query.environment) if query.environment else None
    if query.environment and environment_id is None:
        return Page(items=[], next=None)
    return list_reviews(
        session,
        workspaces=seen,
        environment_id=environment_id,
        statuses=statuses,
        after=query.after,
        limit=query.limit,
    )


_PENDING = Content(
    model=PendingFile,
    description="It is being rendered. Send the same request again after `Retry-After` seconds.",
    may_retry=True,
)


@api.get("/reviews/<review_id>/report/<profile>.<form>")
@documented(
    EndpointSpec(
        tag=Tag.REVIEWS,
        paths={"profile": Profile, "form": Format},
        answers={
            HTTPStatus.OK: Content(
                media_types=("text/html", "application/pdf", JSON), description="The report."
            ),
            HTTPStatus.ACCEPTED: _PENDING,
        },
        revalidated=True,
    )
)
def show_report(review_id: str, profile: str, form: str) -> Response:
    """Give one report of a review, as HTML, PDF or JSON."""
    with services().database.transaction() as session:
        review = _readable(session, review_id)
    return report_response(review, profile, form)


@api.get("/reviews/<review_id>/pack.zip")
@documented(
    EndpointSpec(
        tag=Tag.REVIEWS,
        query=PackQuery,
        answers={
            HTTPStatus.OK: Content(media_types=("application/zip",), description="The pack."),
            HTTPStatus.ACCEPTED: _PENDING,
        },
        revalidated=True,
    )
)
def show_pack(review_id: str) -> Response:
    """Give the review pack, or with `profile` one with that profile's reports alone."""
    profile = read_query(PackQuery).profile
    with services().database.transaction() as session:
        review = _readable(session, review_id)
    return pack_response(review, profile)
