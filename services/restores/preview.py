from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import takewhile

import pygit2

from models.base import Json
from models.restore import PlannedChange, RestoreMode
from services.configuration.parsing import parse
from services.repositories.objects import Entry, read_blob
from services.repositories.paths import is_dangerous, is_text, selects, shown

State = dict[str, str | int] | None


def preview(
    repository: pygit2.Repository,
    *,
    live: Sequence[Entry],
    wanted: Sequence[Entry],
    mode: RestoreMode,
    patterns: Sequence[str],
    prefix: str,
    limit: int,
) -> list[Json]:
    """Return for each selected item what a restore does to it, in the order of paths.

    `overlay` selects among the wanted items, `exact` among the live ones too. An item is refused, with the
    reason, if it does not parse, has more than `limit` bytes, or would overwrite a folder or a file that is
    not selected; with a path that is dangerous or not UTF-8, whatever a restore would do to it. One change is
    {`path`, `change`, `reason`, `live`, `wanted`}.
    """
    selected_wanted = {entry.path: entry for entry in select(wanted, patterns, prefix=prefix)}
    live_by_path = {entry.path: entry for entry in live}
    selected_live = {entry.path for entry in select(live, patterns, prefix=prefix)}
    deleted = selected_live - selected_wanted.keys() if mode is RestoreMode.EXACT else set[str]()
    in_the_way = _obstacles(live_by_path.keys() - deleted)

    def refusal(entry: Entry) -> str | None:
        return in_the_way(entry.path) or _unreadable(repository, entry, limit=limit)

    return [
        _change(path, live_by_path.get(path), selected_wanted.get(path), refusal)
        for path in sorted(selected_wanted.keys() | deleted)
    ]


def select(entries: Iterable[Entry], patterns: Sequence[str], *, prefix: str) -> list[Entry]:
    """Return the entries that the patterns select; no pattern selects them all."""
    if not patterns:
        return list(entries)
    return [entry for entry in entries if selects(patterns, entry.path, prefix=prefix)]


def states(entries: Iterable[Entry]) -> Mapping[str, State]:
    """Return the object id and mode of each entry by path, as plans store them."""
    return {shown(entry.path): _state(entry) for entry in entries}


def _change(
    path: str, live: Entry | None, wanted: Entry | None, refusal: Callable[[Entry], str | None]
) -> Json:
    reason = None
    if wanted is None:
        change = PlannedChange.DELETE
    elif _state(live) == _state(wanted):
        change = PlannedChange.UNCHANGED
    else:
        change = PlannedChange.CREATE if live is None else PlannedChange.UPDATE
        reason = refusal(wanted)
    reason = _unwritable(path) or reason
    return {
        "path": shown(path),
        "change": PlannedChange.REFUSED if reason else change,
        "reason": reason,
        "live": _state(live),
        "wanted": _state(wanted),
    }


def _unwritable(path: str) -> str | None:
    if is_dangerous(path):
        return "Git refuses this path: it leads into a .git folder or out of the repository."
    return None if is_text(path) else "Its name is not UTF-8."


def _state(entry: Entry | None) -> State:
    return None if entry is None else {"oid": entry.oid, "mode": entry.mode}


def _unreadable(repository: pygit2.Repository, entry: Entry, *, limit: int) -> str | None:
    if not entry.is_blob:
        return None
    content = read_blob(repository, entry.oid, limit=limit)
    if content is None:
        return f"It is larger than {limit // 1024 // 1024} MiB."
    error = parse(entry.path, content, values=False).error
    return f"It cannot be read: {error}." if error else None


def _obstacles(kept: Iterable[str]) -> Callable[[str], str | None]:
    files = set(kept)
    folders = set[str]()
    for path in files:
        # Above a folder that is known, all are.
        for folder in takewhile(lambda folder: folder not in folders, _folders_above(path)):
            folders.add(folder)

    def in_the_way(path: str) -> str | None:
        if path in folders:
            return "A folder of this name stands there."
        if any(folder in files for folder in _folders_above(path)):
            return "A file stands where its folder would be."
        return None

    return in_the_way


def _folders_above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path
