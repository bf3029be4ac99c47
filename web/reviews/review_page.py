"""The pages of a review, shared by its managers (`/reviews`) and customers (`/published`)."""

from typing import Any

from flask import render_template, request
from sqlalchemy.orm import Session

from models.base import utc_now
from models.environment import Environment
from models.errors import NotFound
from models.review import EnvironmentReview
from services.database.paging import decode_position
from services.reports.document import open_review
from services.reports.sentences import comparison, headline, is_compared, operated, restorable
from services.reviews.queries import ReviewFilters, count_changes, get_change, kinds_of_changes, list_changes
from services.reviews.readiness import readiness_of
from web.reviews.changes import change_view, row_of
from web.reviews.findings import ITEMS_ON_PAGE, finding_view, finding_views
from web.reviews.settings import settings_page
from web.reviews.wording import OF_PROFILE, filter_options
from web.ui.links import ReviewLinks

Content = dict[str, Any]


def review_content(session: Session, review: EnvironmentReview, links: ReviewLinks) -> Content:
    """Read a review for its page; raise InvalidInput for a bad filter before anything is read."""
    filters = ReviewFilters.parse(request.args)
    changes = list_changes(session, review.id, filters=filters, after=request.args.get("after"))
    kinds = kinds_of_changes(session, review.id)
    document = open_review(session, review.id).document
    return {
        **_identity(session, review, links),
        "filters": filters,
        "headline": headline(document),
        "comparison": comparison(document),
        "is_compared": is_compared(document),
        "restorable": restorable(document),
        "operated": operated(document),
        "findings": finding_views(review.findings, links, severity=filters.severity),
        "changes": [change_view(row_of(change), links.change(change.position)) for change in changes.items],
        "next": changes.next,
        "is_first_page": "after" not in request.args,
        "changes_left": count_changes(session, review.id, filters),
        "kinds": kinds,
        "options": filter_options(kinds, filters.kind),
        "readiness": readiness_of(review, now=utc_now()),
        "profiles": OF_PROFILE,
        "long_findings": {finding["code"]: links.finding(finding["code"]) for finding in review.findings},
    }


def finding_page(session: Session, review: EnvironmentReview, code: str, links: ReviewLinks) -> str:
    """Show a page of one finding's items; NotFound where the review has no such finding."""
    finding = next((each for each in review.findings if each["code"] == code), None)
    if finding is None:
        raise NotFound
    first = decode_position(request.args.get("after")) + 1
    last = first + ITEMS_ON_PAGE
    count = len(finding["items"])
    return render_template(
        "reviews/finding.html",
        **_identity(session, review, links),
        finding=finding_view({**finding, "items": finding["items"][first:last]}, links),
        count=count,
        first=first,
        next=last - 1 if last < count else None,
        is_first_page="after" not in request.args,
    )


def change_page(session: Session, review: EnvironmentReview, position: int, links: ReviewLinks) -> str:
    """Show a page of the settings of one change; NotFound where the review has no such change."""
    change = get_change(session, review.id, position)
    if change is None:
        raise NotFound
    return render_template(
        "reviews/change.html",
        **_identity(session, review, links),
        change=change_view(row_of(change), links.change(position)),
        settings=settings_page(change.settings, first=decode_position(request.args.get("after")) + 1),
        is_first_page="after" not in request.args,
        again=lambda after=None: links.change(position, after=after),
    )


def _identity(session: Session, review: EnvironmentReview, links: ReviewLinks) -> Content:
    environment = session.get_one(Environment, review.environment_id)
    return {"review": review, "environment": environment, "links": links}
