from collections.abc import Sequence
from typing import Final
from uuid import UUID

from models.contracts import Contract
from models.errors import OperationRunError, RefNotFound, TooManyFetches
from models.review import EnvironmentReview
from services.finding_changes import FindingChange, FindingChanges
from services.reports.text import visible
from web.presenters.review_wording import state_of_severity, state_of_status
from web.presenters.states import State
from web.presenters.times import utc
from web.queries.past_reviews import PastReview

# Items of a finding named in a comparison; the findings' own pages have them all.
NAMED: Final = 20


class Choice(Contract):
    """One review that may be compared."""

    id: UUID
    label: str


class FindingChangeView(Contract):
    """What became of one finding; the items are its first, the counts whole."""

    code: str
    state: State
    title: str
    came: tuple[str, ...]
    came_count: int
    went: tuple[str, ...]
    went_count: int


class FindingChangesView(Contract):
    """What became of the findings between two reviews."""

    appeared: tuple[FindingChangeView, ...]
    gone: tuple[FindingChangeView, ...]
    other_items: tuple[FindingChangeView, ...]
    unchanged: int


def finding_change_views(changes: FindingChanges) -> FindingChangesView:
    """Word what became of the findings."""
    return FindingChangesView(
        appeared=_views(changes.appeared),
        gone=_views(changes.gone),
        other_items=_views(changes.other_items),
        unchanged=changes.unchanged,
    )


def choices_of(
    past: Sequence[PastReview], before: EnvironmentReview, after: EnvironmentReview
) -> list[Choice]:
    """Name the reviews that may be chosen: the newest, and behind them the two that are."""
    listed: dict[UUID, PastReview | EnvironmentReview] = {review.id: review for review in past}
    for chosen in (after, before):
        listed.setdefault(chosen.id, chosen)
    return [Choice(id=review.id, label=review_label(review)) for review in listed.values()]


def review_label(review: PastReview | EnvironmentReview) -> str:
    """Name a review in a line: when it was composed, how it stands, and from which commit."""
    return f"{utc(review.composed_at)} ({state_of_status(review.status).word}, {review.commit[:10]})"


def unread(error: OperationRunError) -> str:
    """Say why a repository could not be read, in words that claim no more than is known."""
    if isinstance(error, RefNotFound):
        return "The repository no longer has the state that one of these reviews was composed from."
    if isinstance(error, TooManyFetches):
        return "Too many repositories are being asked at this moment. Load the page again shortly."
    return "The environment's repository could not be read just now. Load the page again shortly."


def _views(changes: Sequence[FindingChange]) -> tuple[FindingChangeView, ...]:
    return tuple(
        FindingChangeView(
            code=change.finding["code"],
            state=state_of_severity(change.finding["severity"]),
            title=visible(change.finding["title"]),
            came=tuple(visible(item) for item in change.came[:NAMED]),
            came_count=len(change.came),
            went=tuple(visible(item) for item in change.went[:NAMED]),
            went_count=len(change.went),
        )
        for change in changes
    )
