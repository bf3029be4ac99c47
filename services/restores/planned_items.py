from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Final

from models.base import Json
from models.errors import ItemsRefused
from models.restore import PlannedChange, RestoreMode, RestorePlan
from services.repositories.objects import Entry
from services.repositories.paths import shown
from services.restores.preview import State
from services.restores.preview import select as selected

WRITING: Final = frozenset({PlannedChange.CREATE, PlannedChange.UPDATE, PlannedChange.DELETE})


class PlannedItems:
    """What a plan does to its items.

    `changes`, one object per item as RestorePlan has them, may be large and is read at first use.
    """

    def __init__(self, plan: RestorePlan, read: Callable[[], Sequence[Json]]) -> None:
        self.plan = plan
        self._read = read

    @cached_property
    def changes(self) -> Sequence[Json]:
        """Every planned item, in the order of paths."""
        return self._read()

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """The number of items by planned change; no key for zero."""
        kept = self.plan.counts
        return count(self.changes) if kept is None else kept

    @property
    def writes(self) -> int:
        """The number of items that the restore writes or deletes."""
        return sum(self.counts.get(change, 0) for change in WRITING)

    @property
    def refuses(self) -> int:
        """The number of refused items."""
        return self.counts.get(PlannedChange.REFUSED, 0)

    @property
    def is_whole(self) -> bool:
        """Whether the restore leaves exactly the restore point's items."""
        return self.plan.mode == RestoreMode.EXACT and not self.plan.items and not self.refuses

    def check_writable(self) -> None:
        """Raise ItemsRefused, naming the items, where some are refused and no other is written."""
        if self.refuses and not self.writes:
            raise ItemsRefused([change["path"] for change in self.changes if _is_refused(change)])

    def match(self, current: Mapping[str, State]) -> bool:
        """Return whether every item that is not refused is in its planned state."""
        return all(
            current.get(change["path"]) == change["wanted"]
            for change in self.changes
            if not _is_refused(change)
        )

    def moved(self, live: Sequence[Entry], current: Mapping[str, State], *, prefix: str) -> list[str]:
        """Return the paths of the items that changed since the plan was made, sorted."""
        planned = {change["path"]: change["live"] for change in self.changes}
        moved = [path for path, before in planned.items() if current.get(path) != before]
        if self.plan.mode == RestoreMode.EXACT:
            # A new file that the selection matches counts as a changed item: an exact restore deletes it.
            paths = (shown(entry.path) for entry in selected(live, self.plan.items, prefix=prefix))
            moved += (path for path in paths if path not in planned)
        return sorted(moved)


def count(changes: Iterable[Json]) -> dict[str, int]:
    """Count planned items by their planned change; no key for zero."""
    return dict(Counter(str(change["change"]) for change in changes))


def _is_refused(change: Json) -> bool:
    return bool(change["change"] == PlannedChange.REFUSED)
