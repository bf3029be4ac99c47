from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from models.base import Json
from services.paths import shown
from services.repositories.objects import Entry

# Paths named in the review's row; the counts are always whole.
NAMED_PATHS = 200

FORMULA = "items as the baseline has them, of all items in the baseline; extra items do not count"


@dataclass(frozen=True, kw_only=True)
class Conformance:
    """How an environment stands to its baseline, by path; a file conforms where its bytes are the same."""

    missing: Sequence[str]
    drifted: Sequence[str]
    extra: Sequence[str]
    conforming: Sequence[str]

    @property
    def score(self) -> int | None:
        """The share of the baseline's items that are here unchanged, 0 to 100; None for an empty baseline."""
        expected = len(self.conforming) + len(self.drifted) + len(self.missing)
        return round(100 * len(self.conforming) / expected) if expected else None

    def section(self, kind_of: Callable[[str], str]) -> Json:
        """Return the review's section."""
        groups = {"missing": self.missing, "drifted": self.drifted, "extra": self.extra}
        return {
            "set": True,
            "conforming": len(self.conforming),
            "score": self.score,
            "formula": FORMULA,
            "by_kind": self._by_kind(kind_of),
            **{name: len(paths) for name, paths in groups.items()},
            "paths": {name: [shown(path) for path in paths[:NAMED_PATHS]] for name, paths in groups.items()},
        }

    def _by_kind(self, kind_of: Callable[[str], str]) -> list[Json]:
        groups = {
            "conforming": self.conforming,
            "drifted": self.drifted,
            "missing": self.missing,
            "extra": self.extra,
        }
        counts = {name: Counter(map(kind_of, paths)) for name, paths in groups.items()}
        kinds = sorted({kind for counted in counts.values() for kind in counted})
        return [{"kind": kind, **{name: counted[kind] for name, counted in counts.items()}} for kind in kinds]


def compare_with_baseline(live: Mapping[str, Entry], baseline: Mapping[str, Entry]) -> Conformance:
    """Compare two trees by path and content."""
    both = [path for path in baseline if path in live]
    drifted = {path for path in both if _identity(live[path]) != _identity(baseline[path])}
    return Conformance(
        missing=[path for path in baseline if path not in live],
        drifted=[path for path in both if path in drifted],
        extra=[path for path in live if path not in baseline],
        conforming=[path for path in both if path not in drifted],
    )


def _identity(entry: Entry) -> tuple[str, int]:
    return entry.oid, entry.mode
