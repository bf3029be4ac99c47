from uuid import UUID

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.catalog import Capability
from models.errors import NotFound
from models.review import EnvironmentReview, ReviewStatus
from services.reviews.queries import list_past_reviews
from web.access import authorized, current_principal
from web.context import services
from web.reviews.downloads import pack_response, report_response
from web.reviews.review_page import change_page, finding_page, review_content
from web.ui.links import ReviewLinks

blueprint = Blueprint("published", __name__, url_prefix="/published")

VIEW = Capability.REVIEWS_PUBLISHED_VIEW


@blueprint.get("")
def index() -> str:
    """List the published reviews that the reader may see, one per environment, newest first."""
    with services().database.transaction() as session:
        seen = current_principal().workspaces_where(VIEW)
        page = list_past_reviews(
            session,
            workspaces=seen,
            statuses={ReviewStatus.PUBLISHED},
            after=request.args.get("after"),
        )
    return render_template(
        "published/index.html",
        reviews=page.items,
        next=page.next,
        is_first_page="after" not in request.args,
        has_many_workspaces=len(seen) > 1,
    )


@blueprint.get("/<uuid:review_id>")
def show(review_id: UUID) -> str:
    """Show one published review; raise NotFound for any other status."""
    with services().database.transaction() as session:
        review = _published(session, review_id)
        return render_template("published/show.html", **review_content(session, review, _links(review_id)))


@blueprint.get("/<uuid:review_id>/findings/<code>")
def finding(review_id: UUID, code: str) -> str:
    """Show every item of one finding, a page at a time."""
    with services().database.transaction() as session:
        return finding_page(session, _published(session, review_id), code, _links(review_id))


@blueprint.get("/<uuid:review_id>/changes/<int:position>")
def change(review_id: UUID, position: int) -> str:
    """Show every setting of one changed item, a page at a time."""
    with services().database.transaction() as session:
        return change_page(session, _published(session, review_id), position, _links(review_id))


@blueprint.get("/<uuid:review_id>/report/<profile>.<form>")
def report(review_id: UUID, profile: str, form: str) -> Response:
    """Download one report of a published review."""
    with services().database.transaction() as session:
        review = _published(session, review_id)
    return report_response(review, profile, form)


@blueprint.get("/<uuid:review_id>/pack.zip")
def pack(review_id: UUID) -> Response:
    """Download the pack of a published review, with the reports of every profile."""
    with services().database.transaction() as session:
        review = _published(session, review_id)
    return pack_response(review, None)


def _published(session: Session, review_id: UUID) -> EnvironmentReview:
    """Return a published review in scope; raise NotFound for any other."""
    review = authorized(session, EnvironmentReview, review_id, VIEW)
    if review.status != ReviewStatus.PUBLISHED:
        raise NotFound
    return review


def _links(review_id: UUID) -> ReviewLinks:
    return ReviewLinks(site="published", review_id=review_id)
