from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask import url_for

from models.access import Workspace
from models.environment import Environment
from models.lifecycle import Outcome
from models.saved_view import SavedView
from web.presenters.run_views import RunRow
from web.presenters.states import OF_RUN, State
from web.queries.filters import RunFilters
from web.queries.run_counts import BOUND
from web.queries.run_walks import MENTIONED

CUT: Final = (
    f"The text is part of more than {MENTIONED} names. Only the first {MENTIONED} people and the first "
    f"{MENTIONED} environments are followed here: write more of the name to find the others."
)


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One standing that the list can be narrowed to; `number` None: it was not counted."""

    state: State | None
    path: str
    number: str | None
    is_current: bool


@dataclass(frozen=True, kw_only=True)
class ViewLink:
    """A list that is kept by name; `delete_path` None: the reader may not delete it, or nobody may."""

    name: str
    path: str
    is_current: bool
    workspace: str | None = None
    delete_path: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunList:
    """A page of runs as it is shown, whole or as the part that is asked for again and again.

    `rows` None: they could not be read. `uncounted` says why there are no numbers; None where there are.
    """

    rows: Sequence[RunRow] | None
    next: str | None
    tabs: Sequence[Tab]
    uncounted: str | None
    note: str | None

    @property
    def may_act(self) -> bool:
        """Tell whether the reader may act on any of the rows."""
        return any(row.may_act for row in self.rows or ())


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the list can be narrowed to."""

    workspaces: Sequence[Workspace]
    environments: Sequence[Environment]

    def environment(self, environment_id: UUID) -> Environment | None:
        """Return an environment by its id; None where the reader sees none such."""
        return next((each for each in self.environments if each.id == environment_id), None)


def list_path(filters: Mapping[str, str]) -> str:
    """Return the address of the list, narrowed."""
    return url_for("operations.index", **filters)  # type: ignore[arg-type] # every value is a string


def tabs_of(filters: RunFilters, counted: Mapping[str, int] | None) -> list[Tab]:
    """Offer every standing, each with how many there are; without numbers where they are not known."""
    others = filters.without_standing().given()
    everything = not (filters.status or filters.outcome)
    tabs = [Tab(state=None, path=list_path(others), number=None, is_current=everything)]
    for standing, state in OF_RUN.items():
        name = "outcome" if standing in [*Outcome] else "status"
        is_current = standing == (filters.outcome or filters.status)
        number = _number(counted.get(standing, 0)) if counted is not None else None
        tabs.append(
            Tab(state=state, path=list_path({**others, name: standing}), number=number, is_current=is_current)
        )
    return tabs


def views_of(
    saved: Sequence[SavedView],
    workspaces: Sequence[Workspace],
    filters: RunFilters,
    *,
    me: str,
    acting: frozenset[UUID],
) -> list[ViewLink]:
    """Offer everything, one's own requests, and the lists that the reader's workspaces keep."""
    given, slugs = filters.given(), {workspace.id: workspace for workspace in workspaces}
    links = [
        ViewLink(name="Everything", path=list_path({}), is_current=not given),
        ViewLink(
            name="Asked for by me", path=list_path({"initiator": me}), is_current=given == {"initiator": me}
        ),
    ]
    for view in saved:
        workspace = slugs[view.workspace_id]
        wanted = {**view.filters, "workspace": workspace.slug}
        links.append(
            ViewLink(
                name=view.name,
                path=list_path(wanted),
                is_current=given == wanted,
                workspace=workspace.name if len(workspaces) > 1 else None,
                delete_path=url_for("saved_views.delete", view_id=view.id)
                if view.workspace_id in acting
                else None,
            )
        )
    return links


def _number(count: int) -> str:
    return f"{BOUND:,}+" if count > BOUND else str(count)
