from collections.abc import Sequence
from datetime import datetime

from models.base import Json
from models.contracts import Contract
from models.review import ReviewChange
from services.text import kind_name, visible
from web.reviews.settings import SettingsView, settings_beside_item
from web.reviews.wording import OF_CHANGE
from web.ui.states import State


class CommitView(Contract):
    """Who changed an item, when, and in which words."""

    id: str
    author: str
    at: datetime
    subject: str


class ChangeView(Contract):
    """One changed item; `address` is the page of its own."""

    state: State
    kind: str
    path: str
    previous_path: str | None
    commits: tuple[CommitView, ...]
    settings: SettingsView
    address: str


def change_view(change: Json, address: str) -> ChangeView:
    """Word one changed item as a review's row has it."""
    previous = change["previous_path"]
    return ChangeView(
        state=OF_CHANGE[change["change"]],
        kind=kind_name(visible(change["kind"])),
        path=visible(change["path"]),
        previous_path=visible(previous) if previous else None,
        commits=commit_views(change["commits"]),
        settings=settings_beside_item(change["settings"]),
        address=address,
    )


def row_of(change: ReviewChange) -> Json:
    """Return a kept change in the form that a comparison has it in."""
    names = ("change", "kind", "path", "previous_path", "commits", "settings")
    return {name: getattr(change, name) for name in names}


def commit_views(commits: Sequence[Json]) -> tuple[CommitView, ...]:
    """Word the commits that touched an item, the newest first."""
    return tuple(
        CommitView(
            id=commit["id"],
            author=visible(commit["author"]),
            at=datetime.fromisoformat(commit["at"]),
            subject=visible(commit["subject"]),
        )
        for commit in commits
    )
