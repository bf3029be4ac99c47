from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.base import utc_now
from models.catalog import Capability
from models.errors import Conflict, NotFound
from models.review import EnvironmentReview
from services.access import Principal, require
from services.output_readiness import readiness_of
from services.reviews import Reviews
from web.pages.signed_in import signed_in
from web.presenters.forms import Form
from web.presenters.permissions import why_not
from web.presenters.states import OF_DIFFERENCE, OF_SEVERITY
from web.problems import problem_of
from web.queries.environments import get_environment
from web.queries.reviews import get_review, list_changes
from web.reports import pack_response, report_response
from web.services import services

blueprint = Blueprint("reviews", __name__, url_prefix="/reviews")

VIEW = Capability.REVIEWS_VIEW
MANAGE = Capability.REVIEWS_MANAGE


@blueprint.get("/<uuid:review_id>")
def show(review_id: UUID) -> str:
    """Show one review of any status."""
    return _page(review_id, Form(name="none"))


@blueprint.post("/<uuid:review_id>/publish")
def publish(review_id: UUID) -> Response:
    """Publish a draft and lead back to it."""
    try:
        with services().database.transaction() as session:
            principal = signed_in(session)
            require(principal, _visible(get_review(session, review_id)).workspace_id, MANAGE, see=VIEW)
            Reviews(session).publish(review_id)
    except Conflict as error:
        page = _page(review_id, Form.refused("publish", {}, error, fields=()))
        return make_response(page, problem_of(error).status)
    return redirect(url_for("reviews.show", review_id=review_id), HTTPStatus.SEE_OTHER)


@blueprint.get("/<uuid:review_id>/report/<profile>.<form>")
def report(review_id: UUID, profile: str, form: str) -> Response:
    """Give one report of a review."""
    with services().database.transaction() as session:
        return report_response(session, _readable(session, review_id), profile, form)


@blueprint.get("/<uuid:review_id>/pack.zip")
def pack(review_id: UUID) -> Response:
    """Give the review pack, with the reports of every profile."""
    with services().database.transaction() as session:
        return pack_response(session, _readable(session, review_id), None)


def _readable(session: Session, review_id: UUID) -> EnvironmentReview:
    review = _visible(get_review(session, review_id))
    require(signed_in(session), review.workspace_id, VIEW, see=VIEW)
    return review


def _page(review_id: UUID, form: Form) -> str:
    with services().database.transaction() as session:
        principal = signed_in(session)
        review = _readable(session, review_id)
        environment = get_environment(session, review.environment_id)
        changes = list_changes(session, review.id, after=request.args.get("after"))
    return render_template(
        "reviews/show.html",
        review=review,
        environment=environment,
        findings=_by_severity(review),
        severities=OF_SEVERITY,
        differences=OF_DIFFERENCE,
        changes=changes,
        is_first_page="after" not in request.args,
        form=form,
        readiness=readiness_of(review, now=utc_now()),
        why_not=_why_not(principal, review),
    )


def _visible(review: EnvironmentReview | None) -> EnvironmentReview:
    if review is None:
        raise NotFound
    return review


def _why_not(principal: Principal, review: EnvironmentReview) -> str | None:
    return why_not(principal, review.workspace_id, MANAGE)


def _by_severity(review: EnvironmentReview) -> list[dict[str, object]]:
    order = {severity: place for place, severity in enumerate(OF_SEVERITY)}
    return sorted(review.findings, key=lambda finding: order.get(finding["severity"], len(order)))
