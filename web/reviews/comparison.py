from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from http import HTTPStatus
from typing import Any, NamedTuple
from uuid import UUID

from flask import Blueprint, make_response, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from models.base import Json
from models.catalog import Capability
from models.environment import Environment
from models.errors import (
    InvalidInput,
    NotFound,
    OperationRunError,
    RefNotFound,
    RepositoryError,
    TooManyFetches,
)
from models.review import EnvironmentReview
from services.database.paging import LARGEST_PAGE, as_uuid, decode_position
from services.masking.token_forms import mask_name
from services.repositories.diff import Change, TreeChange
from services.repositories.paths import shown
from services.reviews.comparison import ROWS_AT_ONCE, ReviewComparison
from services.reviews.findings import compare_findings
from services.reviews.queries import PastReview, ReviewFilters, list_past_reviews
from web.access import authorized
from web.context import fetching, services
from web.problems import problem_of
from web.reviews.changes import change_view
from web.reviews.settings import settings_page
from web.reviews.wording import OF_CHANGE
from web.ui.links import comparison_item_path, comparison_path


def choices_of(
    past: Sequence[PastReview], before: EnvironmentReview, after: EnvironmentReview
) -> list[PastReview | EnvironmentReview]:
    """Return the reviews to choose from: the newest, then the two that are compared."""
    listed: dict[UUID, PastReview | EnvironmentReview] = {review.id: review for review in past}
    for chosen in (after, before):
        listed.setdefault(chosen.id, chosen)
    return [*listed.values()]


def unread(error: OperationRunError) -> str:
    """Word why the repository was not read; claims no more than is known."""
    if isinstance(error, RefNotFound):
        return "The repository no longer has the state that one of these reviews was composed from."
    if isinstance(error, TooManyFetches):
        return "Too many repositories are being asked at this moment. Load the page again shortly."
    return "The environment's repository could not be read just now. Load the page again shortly."


blueprint = Blueprint("review_comparisons", __name__, url_prefix="/reviews/compare")

VIEW = Capability.REVIEWS_VIEW
# Errors that the page reports in place of the changes; any other is a fault of ours.
_UNREAD = (RepositoryError, TooManyFetches, InvalidInput)


class _Pair(NamedTuple):
    environment: Environment
    before: EnvironmentReview
    after: EnvironmentReview
    choices: list[PastReview | EnvironmentReview]


@blueprint.get("")
def show() -> Response:
    """Compare two reviews of an environment: items and settings from Git, findings from the reviews."""
    filters = ReviewFilters.parse(request.args)
    first = decode_position(request.args.get("after")) + 1
    pair = _pair()
    content: dict[str, Any] = {"problem": None, "counts": {}, "changes": [], "left": 0, "next": None}
    status = HTTPStatus.OK
    try:
        content |= _changes(pair, filters.change, first)
    except _UNREAD as error:
        content["problem"], status = unread(error), HTTPStatus(problem_of(error).status)
    page = render_template(
        "reviews/compare.html",
        **pair._asdict(),
        **content,
        filters=filters,
        differences=OF_CHANGE,
        findings=compare_findings(pair.before.findings, pair.after.findings),
        is_first_page="after" not in request.args,
        again=lambda **values: comparison_path(pair.before.id, pair.after.id, **values),
        swapped=comparison_path(pair.after.id, pair.before.id),
    )
    return make_response(page, status)


@blueprint.get("/item")
def item() -> Response:
    """Show every setting of one item that differs between two reviews, a page at a time."""
    first = decode_position(request.args.get("after")) + 1
    pair = _pair()
    path = request.args.get("path", "")
    status, problem, row = HTTPStatus.OK, None, None
    try:
        row = _row(pair, path)
    except _UNREAD as error:
        problem, status = unread(error), HTTPStatus(problem_of(error).status)

    def again(after: int | None = None) -> str:
        return comparison_item_path(pair.before.id, pair.after.id, path, after=after)

    page = render_template(
        "reviews/compared_item.html",
        **pair._asdict(),
        problem=problem,
        change=change_view(row, again()) if row else None,
        settings=settings_page(row["settings"], first=first) if row else None,
        is_first_page="after" not in request.args,
        again=again,
        back=comparison_path(pair.before.id, pair.after.id),
    )
    return make_response(page, status)


def _pair() -> _Pair:
    """Read the two reviews in the query string; NotFound unless one environment in scope has both."""
    with services().database.transaction() as session:
        before, after = _review(session, "from"), _review(session, "to")
        if before.environment_id != after.environment_id:
            raise NotFound
        environment = session.get_one(Environment, after.environment_id)
        past = list_past_reviews(
            session,
            workspaces={environment.workspace_id},
            environment_id=environment.id,
            limit=LARGEST_PAGE,
        )
        return _Pair(environment, before, after, choices_of(past.items, before, after))


def _review(session: Session, name: str) -> EnvironmentReview:
    given = request.args.get(name, "")
    if not given:
        raise InvalidInput(name, f"{name}: name the two reviews to compare, ?from=<id>&to=<id>.")
    return authorized(session, EnvironmentReview, as_uuid(given), VIEW)


def _opened(pair: _Pair) -> ReviewComparison:
    """Open the comparison with both commits in the mirror; fetch only where one is missing."""
    mirror = services().mirrors.open(pair.environment)
    comparison = ReviewComparison(mirror, pair.environment, pair.before, pair.after)
    with nullcontext() if comparison.is_at_hand() else fetching(pair.environment.workspace_id):
        comparison.fetch()
    return comparison


def _changes(pair: _Pair, chosen: Change | None, first: int) -> dict[str, Any]:
    """Count the changes and read the settings of one page of them."""
    comparison = _opened(pair)
    every = comparison.changes()
    left = [change for change in every if chosen is None or change.change == chosen]
    page = left[first : first + ROWS_AT_ONCE]
    counted = Counter(change.change for change in every)
    return {
        "counts": {kind: counted[kind] for kind in Change},
        "changes": [change_view(row, _address(pair, row)) for row in comparison.rows(page)],
        "left": len(left),
        "next": first + ROWS_AT_ONCE - 1 if first + ROWS_AT_ONCE < len(left) else None,
    }


def _row(pair: _Pair, path: str) -> Json:
    comparison = _opened(pair)
    found: list[TreeChange] = [
        change for change in comparison.changes() if mask_name(shown(change.path)) == path
    ]
    if not found:
        raise NotFound
    return comparison.rows(found[:1])[0]


def _address(pair: _Pair, row: Json) -> str:
    return comparison_item_path(pair.before.id, pair.after.id, row["path"])
