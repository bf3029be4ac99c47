"""How reviews are worded: what they stand at, what changed, how much a finding asks of the reader."""

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

# The gravest first.
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

# What became of one setting inside an item.
OF_SETTING: Final[Mapping[str, str]] = {
    "added": "added",
    "removed": "removed",
    "changed": "changed",
    "moved": "in another order",
}

# What a report is for, in the words of who reads it.
OF_PROFILE: Final[Mapping[str, tuple[str, str]]] = {
    Profile.EXECUTIVE: ("Executive", "One page: how the environment stands."),
    Profile.TECHNICAL: ("Technical", "Everything, setting by setting."),
    Profile.AUDIT: ("Audit", "Evidence, ids and hashes, to keep."),
}

NOT_SET: Final = "not set"


def filter_options(kinds: Sequence[str], chosen: str | None) -> Mapping[str, list[tuple[str, str]]]:
    """Return what each filter may be set to, value and word.

    `chosen` is the kind that is filtered by; it stays to be chosen where the review has no such kind.
    """
    known = [*kinds, *([chosen] if chosen and chosen not in kinds else [])]
    return {
        "severity": [(severity, state.word) for severity, state in OF_SEVERITY.items()],
        "change": [(change, state.word) for change, state in OF_CHANGE.items()],
        "kind": [(kind, kind_name(visible(kind)) or "(unknown)") for kind in known],
    }


def state_of_status(status: str) -> State:
    """Return the state of a review that stands at `status`."""
    return OF_STATUS[status]


def state_of_severity(severity: str) -> State:
    """Return the state of a finding; one of an unknown severity is for information."""
    return OF_SEVERITY.get(severity, OF_SEVERITY[Severity.INFO])
