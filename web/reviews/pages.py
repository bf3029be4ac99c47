from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.catalog import Capability
from models.environment import Environment
from models.errors import Conflict
from models.review import EnvironmentReview
from services.reviews.lineage import Reviews, published_review
from services.reviews.queries import list_past_reviews
from web.access import authorized, current_principal
from web.context import services
from web.problems import problem_of
from web.reviews.actions import header_actions, why_not_archive
from web.reviews.downloads import pack_response, report_response
from web.reviews.review_page import change_page, finding_page, review_content
from web.ui.forms import NO_FORM, SentForm
from web.ui.links import ReviewLinks
from web.ui.navigation import why_not

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")

VIEW = Capability.REVIEWS_VIEW
MANAGE = Capability.REVIEWS_MANAGE


@blueprint.get("/<uuid:review_id>")
def show(review_id: UUID) -> str:
    """Show one review of any status, filtered by the query string."""
    return _page(review_id, NO_FORM)


@blueprint.get("/<uuid:review_id>/findings/<code>")
def finding(review_id: UUID, code: str) -> str:
    """Show every item of one finding, a page at a time."""
    with services().database.transaction() as session:
        return finding_page(session, _readable(session, review_id), code, _links(review_id))


@blueprint.get("/<uuid:review_id>/changes/<int:position>")
def change(review_id: UUID, position: int) -> str:
    """Show every setting of one changed item, a page at a time."""
    with services().database.transaction() as session:
        return change_page(session, _readable(session, review_id), position, _links(review_id))


@blueprint.post("/<uuid:review_id>/publish")
def publish(review_id: UUID) -> Response:
    """Publish a draft and redirect to it."""
    return _done(Reviews.publish, review_id)


@blueprint.get("/<uuid:review_id>/archiving")
def confirm_archive(review_id: UUID) -> str:
    """Show the confirmation page for archiving a draft."""
    with services().database.transaction() as session:
        review = _readable(session, review_id)
        return render_template(
            "reviews/archive.html",
            review=review,
            environment=session.get_one(Environment, review.environment_id),
            links=_links(review_id),
            why_not=why_not_archive(review, why_not(current_principal(), review.workspace_id, MANAGE)),
        )


@blueprint.post("/<uuid:review_id>/archive")
def archive(review_id: UUID) -> Response:
    """Archive a draft and redirect to it."""
    return _done(Reviews.archive, review_id)


@blueprint.get("/<uuid:review_id>/report/<profile>.<form>")
def report(review_id: UUID, profile: str, form: str) -> Response:
    """Download one report of a review."""
    with services().database.transaction() as session:
        review = _readable(session, review_id)
    return report_response(review, profile, form)


@blueprint.get("/<uuid:review_id>/pack.zip")
def pack(review_id: UUID) -> Response:
    """Download the review pack, with the reports of every profile."""
    with services().database.transaction() as session:
        review = _readable(session, review_id)
    return pack_response(review, None)


def _readable(session: Session, review_id: UUID) -> EnvironmentReview:
    return authorized(session, EnvironmentReview, review_id, VIEW)


def _page(review_id: UUID, form: SentForm) -> str:
    with services().database.transaction() as session:
        review = _readable(session, review_id)
        content: dict[str, Any] = review_content(session, review, _links(review_id))
        published = published_review(session, review.environment_id)
        actions = header_actions(
            review,
            published_id=published.id if published else None,
            why_not=why_not(current_principal(), review.workspace_id, MANAGE),
            readiness=content["readiness"],
        )
        return render_template("reviews/show.html", form=form, actions=actions, **content)


def _done(act: Callable[[Reviews, UUID], object], review_id: UUID) -> Response:
    """Act on a review and redirect to it; a Conflict is shown on its page."""
    try:
        with services().database.transaction() as session:
            authorized(session, EnvironmentReview, review_id, MANAGE)
            act(Reviews(session, actor=current_principal().actor), review_id)
    except Conflict as error:
        page = _page(review_id, SentForm.refused("review", {}, error, fields=()))
        return make_response(page, problem_of(error).status)
    return redirect(url_for("reviews.show", review_id=review_id), HTTPStatus.SEE_OTHER)


def _links(review_id: UUID) -> ReviewLinks:
    return ReviewLinks(site="reviews", review_id=review_id)


history_blueprint = Blueprint("review_history", __name__, url_prefix="/environments")


@history_blueprint.get("/<uuid:environment_id>/reviews")
def index(environment_id: UUID) -> str:
    """List every review of an environment, newest first, to select two for comparison."""
    with services().database.transaction() as session:
        environment = authorized(session, Environment, environment_id, VIEW)
        page = list_past_reviews(
            session,
            workspaces={environment.workspace_id},
            environment_id=environment.id,
            after=request.args.get("after"),
        )
        return render_template(
            "reviews/history.html",
            environment=environment,
            reviews=page.items,
            next=page.next,
            is_first_page="after" not in request.args,
        )
