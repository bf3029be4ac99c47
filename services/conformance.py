from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.base import Json
from services.paths import shown
from services.repositories.objects import Entry

# Paths named in the review's row; the counts are always whole.
NAMED_PATHS = 200


@dataclass(frozen=True, kw_only=True)
class Conformance:
    """How an environment stands to its baseline, by path; a file conforms where its bytes are the same."""

    missing: Sequence[str]
    drifted: Sequence[str]
    extra: Sequence[str]
    conforming: int

    def section(self) -> Json:
        """Return the review's section."""
        groups = {"missing": self.missing, "drifted": self.drifted, "extra": self.extra}
        return {
            "set": True,
            "conforming": self.conforming,
            **{name: len(paths) for name, paths in groups.items()},
            "paths": {name: [shown(path) for path in paths[:NAMED_PATHS]] for name, paths in groups.items()},
        }


def compare_with_baseline(live: Mapping[str, Entry], baseline: Mapping[str, Entry]) -> Conformance:
    """Compare two trees by path and content."""
    both = [path for path in baseline if path in live]
    drifted = [path for path in both if (live[path].oid, live[path].mode) != _identity(baseline[path])]
    return Conformance(
        missing=[path for path in baseline if path not in live],
        drifted=drifted,
        extra=[path for path in live if path not in baseline],
        conforming=len(both) - len(drifted),
    )


def _identity(entry: Entry) -> tuple[str, int]:
    return entry.oid, entry.mode
