from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from models.base import Json
from models.contracts.review_compose import Evidence
from services.configuration.diff import compare
from services.inventory.reader import ItemReader
from services.masking.parsed_values import mask_changes
from services.masking.rows import setting_rows
from services.masking.token_forms import mask_name
from services.repositories.diff import TreeChange
from services.repositories.log import commits_of_changes
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry
from services.repositories.paths import shown


def rows_of_changes(
    mirror: Mirror,
    evidence: Evidence,
    changes: Sequence[TreeChange],
    reader: ItemReader,
    *,
    check_cancelled: Callable[[], None],
) -> list[Json]:
    """Return one row per changed item: what changed in it, by setting, and the commits that changed it."""
    if not changes or evidence.previous_commit is None:
        return []
    # Git reads the history while this thread reads the items.
    with ThreadPoolExecutor(max_workers=1) as git:
        logging = git.submit(
            commits_of_changes, mirror, changes, before=evidence.previous_commit, after=evidence.commit
        )
        rows = []
        for change in changes:
            check_cancelled()
            rows.append(_row(reader, change))
        for row, change in zip(rows, changes, strict=True):
            row["commits"] = logging.result()[change.path]
    return rows


def _row(reader: ItemReader, change: TreeChange) -> Json:
    old, new = change.old, change.new
    # First, because reading the settings also finds the kind.
    settings = _settings(reader, old, new)
    entry = new or old
    return {
        "change": change.change,
        "kind": reader.kind(entry) if entry else "",
        "path": mask_name(shown(change.path)),
        "previous_path": mask_name(shown(change.previous_path)) if change.previous_path else None,
        "settings": settings,
    }


def _settings(reader: ItemReader, old: Entry | None, new: Entry | None) -> list[Json]:
    """Return what changed inside an item, secrets masked; empty if it is added, removed or not parsed."""
    if old is None or new is None:
        return []
    before, after = reader.structure(old), reader.structure(new)
    if before is None or after is None:
        return []
    return setting_rows(mask_changes(compare(before, after), before, after))
