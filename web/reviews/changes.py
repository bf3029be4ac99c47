from collections.abc import Sequence

from models.base import Json
from models.contracts import Contract
from models.review import ReviewChange
from services.text import kind_name, visible
from web.reviews.settings import SettingsView, settings_beside_item
from web.reviews.wording import OF_CHANGE
from web.ui.states import State


class ChangeView(Contract):
    """One changed item: `commits` as the review keeps them, newest first; `address` is its own page."""

    state: State
    kind: str
    path: str
    previous_path: str | None
    commits: Sequence[Json]
    settings: SettingsView
    address: str


def change_view(change: Json, address: str) -> ChangeView:
    """Word one changed item for a row."""
    previous = change["previous_path"]
    return ChangeView(
        state=OF_CHANGE[change["change"]],
        kind=kind_name(visible(change["kind"])),
        path=visible(change["path"]),
        previous_path=visible(previous) if previous else None,
        commits=change["commits"],
        settings=settings_beside_item(change["settings"]),
        address=address,
    )


def row_of(change: ReviewChange) -> Json:
    """Return a stored change with the keys of a comparison's rows."""
    names = ("change", "kind", "path", "previous_path", "commits", "settings")
    return {name: getattr(change, name) for name in names}
