from collections.abc import Callable, Mapping, Sequence

from models.base import Json
from models.contracts import Evidence
from models.environment import Environment
from services.change_commits import commits_of_changes
from services.inventory import Item, read_item
from services.paths import shown
from services.repositories.changes import TreeChange
from services.repositories.mirror import Mirror
from services.repositories.objects import Entry, read_blob
from services.secrets import mask_changes
from services.setting_changes import compare
from services.setting_rows import setting_rows
from services.structures import Structure, parse_structure


def change_rows(
    mirror: Mirror,
    environment: Environment,
    evidence: Evidence,
    changes: Sequence[TreeChange],
    items: Mapping[str, Item],
    *,
    beat: Callable[[], None],
) -> list[Json]:
    """Return one row per changed item: what changed in it, by setting, and who changed it when."""
    if not changes or evidence.previous_commit is None:
        return []
    commits = commits_of_changes(mirror, changes, before=evidence.previous_commit, after=evidence.commit)
    rows = []
    for change in changes:
        beat()
        item = items.get(change.path)
        rows.append(
            {
                "change": change.change,
                "kind": item.kind if item else kind_before(mirror, environment, change),
                "path": shown(change.path),
                "previous_path": shown(change.previous_path) if change.previous_path else None,
                "settings": _settings(mirror, change),
                "commits": commits[change.path],
            }
        )
    return rows


def _settings(mirror: Mirror, change: TreeChange) -> list[Json]:
    """Return what changed inside an item, secrets masked; nothing for one that is new, gone or no text."""
    before = _structure(mirror, change.previous_path or change.path, change.before, change.mode_before)
    after = _structure(mirror, change.path, change.after, change.mode_after)
    if before is None or after is None:
        return []
    return setting_rows(mask_changes(compare(before, after), before, after))


def _structure(mirror: Mirror, path: str, oid: str | None, mode: int) -> Structure | None:
    if oid is None or not Entry(path=path, mode=mode, oid=oid).is_blob:
        return None
    content = read_blob(mirror.repository, oid, limit=mirror.limits.max_file_bytes)
    return None if content is None else parse_structure(path, content)


def kind_before(mirror: Mirror, environment: Environment, change: TreeChange) -> str:
    """Return the kind that a removed or renamed item had."""
    if change.before is None:
        return ""
    entry = Entry(path=change.previous_path or change.path, mode=change.mode_before, oid=change.before)
    limit = mirror.limits.max_file_bytes
    return read_item(mirror.repository, entry, prefix=environment.path_prefix, limit=limit).kind
