"""The words for reviews: their status, their changes, the severity of findings."""

from collections.abc import Mapping, Sequence
from typing import Final

from models.review import ReviewStatus
from services.repositories.diff import Change
from services.reviews.findings import Severity
from services.reviews.readiness import Profile
from services.text import kind_name, visible
from web.ui.states import State

OF_STATUS: Final[Mapping[str, State]] = {
    ReviewStatus.DRAFT: State(word="Draft", tone="busy", icon="edit"),
    ReviewStatus.PUBLISHED: State(word="Published", tone="good"),
    ReviewStatus.SUPERSEDED: State(word="Superseded", tone="quiet"),
    ReviewStatus.ARCHIVED: State(word="Archived", tone="quiet", icon="minus"),
}

# The most severe first.
OF_SEVERITY: Final[Mapping[str, State]] = {
    Severity.CRITICAL: State(word="Critical", tone="bad"),
    Severity.WARNING: State(word="Warning", tone="look"),
    Severity.INFO: State(word="For information", tone="quiet", icon="note"),
}

OF_CHANGE: Final[Mapping[str, State]] = {
    Change.ADDED: State(word="Added", tone="good", icon="plus"),
    Change.CHANGED: State(word="Changed", tone="busy", icon="edit"),
    Change.RENAMED: State(word="Renamed", tone="held", icon="edit"),
    Change.REMOVED: State(word="Removed", tone="bad", icon="minus"),
}

# The change of one setting inside an item.
OF_SETTING: Final[Mapping[str, str]] = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "moved": "in another order",
}

# The name and the purpose of a report.
OF_PROFILE: Final[Mapping[str, tuple[str, str]]] = {
    Profile.EXECUTIVE: ("Executive", "One page: how the environment stands."),
    Profile.TECHNICAL: ("Technical", "Everything, setting by setting."),
    Profile.AUDIT: ("Audit", "Evidence, ids and hashes, to keep."),
}

NOT_SET: Final = "not set"


def filter_options(kinds: Sequence[str], chosen: str | None) -> Mapping[str, list[tuple[str, str]]]:
    """Return the options of each filter, as value and word.

    `chosen` is the kind in use; it stays an option where the review has no such kind.
    """
    known = [*kinds, *([chosen] if chosen and chosen not in kinds else [])]
    return {
        "severity": [(severity, state.word) for severity, state in OF_SEVERITY.items()],
        "change": [(change, state.word) for change, state in OF_CHANGE.items()],
        "kind": [(kind, kind_name(visible(kind)) or "(unknown)") for kind in known],
    }


def state_of_status(status: str) -> State:
    """Return the state of a review by its status."""
    return OF_STATUS[status]


def state_of_severity(severity: str) -> State:
    """Return the state of a finding by its severity; an unknown one reads as info."""
    return OF_SEVERITY.get(severity, OF_SEVERITY[Severity.INFO])
