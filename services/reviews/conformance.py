from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.base import Json
from services.masking.token_forms import mask_name
from services.repositories.diff import Change, TreeChange
from services.repositories.paths import shown

# Paths named in the review's row; the counts include all.
NAMED_PATHS = 200

FORMULA = "items as the baseline has them, of all items in the baseline; extra items do not count"


@dataclass(frozen=True, kw_only=True)
class Conformance:
    """How an environment conforms to its baseline, by path; an item conforms if its bytes are the same."""

    missing: Sequence[str]
    drifted: Sequence[str]
    extra: Sequence[str]
    conforming: int

    @property
    def score(self) -> int | None:
        """The share of the baseline's items that are unchanged, 0 to 100; None for an empty baseline."""
        expected = self.conforming + len(self.drifted) + len(self.missing)
        return round(100 * self.conforming / expected) if expected else None

    def section(self, live: Mapping[str, int], kinds: Mapping[str, str]) -> Json:
        """Return the review's section; `live` counts the live items by kind, `kinds` maps paths to kinds."""
        groups = {"missing": self.missing, "drifted": self.drifted, "extra": self.extra}
        return {
            "set": True,
            "conforming": self.conforming,
            **{name: len(paths) for name, paths in groups.items()},
            "score": self.score,
            "formula": FORMULA,
            "by_kind": _by_kind(
                live, {name: Counter(kinds[path] for path in paths) for name, paths in groups.items()}
            ),
            "paths": {
                name: [mask_name(shown(path)) for path in paths[:NAMED_PATHS]]
                for name, paths in groups.items()
            },
        }


def conformance_of(differences: Iterable[TreeChange], *, live_items: int) -> Conformance:
    """Return how an environment conforms, from the changes between its baseline and its live tree.

    A renamed item is missing under its old name and extra under its new one.
    """
    missing, drifted, extra = [], [], []
    for difference in differences:
        if difference.change is Change.CHANGED:
            drifted.append(difference.path)
        if difference.change in {Change.ADDED, Change.RENAMED}:
            extra.append(difference.path)
        if difference.change is Change.REMOVED:
            missing.append(difference.path)
        if difference.previous_path is not None:
            missing.append(difference.previous_path)
    return Conformance(
        missing=sorted(missing),
        drifted=drifted,
        extra=extra,
        conforming=live_items - len(extra) - len(drifted),
    )


def _by_kind(live: Mapping[str, int], groups: Mapping[str, Counter[str]]) -> list[Json]:
    kinds = sorted({*live, *groups["missing"]})
    return [
        {
            "kind": kind,
            "conforming": live.get(kind, 0) - groups["drifted"][kind] - groups["extra"][kind],
            **{name: counted[kind] for name, counted in groups.items()},
        }
        for kind in kinds
    ]
