from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from secrets import token_hex
from typing import Final

from models.base import Json
from models.errors import RepositoryError
from services.masking.text import mask_text
from services.repositories.diff import TreeChange
from services.repositories.mirror import Mirror
from services.repositories.paths import shown
from services.repositories.transport import run_local

# Enough to show who and when; a change made by more commits shows the newest.
COMMITS_PER_CHANGE: Final = 10
COMMITS_READ: Final = 5000

_FORMAT = "%H%x00%an%x00%at%x00%s%x00"


def commits_of_changes(
    mirror: Mirror, changes: Sequence[TreeChange], *, before: str, after: str
) -> Mapping[str, list[Json]]:
    """Return by changed item's path the commits of before..after that touched it, the newest first.

    One commit is {`id`, `author`, `at`, `subject`}, its texts masked. A renamed item has the commits of its
    old name too. Raises RepositoryError where git cannot read the history.
    """
    if not changes:
        return {}
    touched = defaultdict[str, list[Json]](list)
    for commit, paths in _log(mirror, before, after):
        for path in paths:
            touched[path].append(commit)
    return {change.path: _newest(touched, change) for change in changes}


def _newest(touched: Mapping[str, list[Json]], change: TreeChange) -> list[Json]:
    names = [change.path, *([change.previous_path] if change.previous_path else [])]
    commits = {commit["id"]: commit for name in names for commit in touched.get(name, [])}
    return sorted(commits.values(), key=lambda commit: commit["at"], reverse=True)[:COMMITS_PER_CHANGE]


def _log(mirror: Mirror, before: str, after: str) -> Iterator[tuple[Json, list[str]]]:
    # Names and paths may hold any byte but NUL: only what their authors cannot know begins a record.
    record_start = token_hex()
    arguments = [
        "log",
        f"--max-count={COMMITS_READ}",
        f"--format={record_start}{_FORMAT}",
        "--name-only",
        "-z",
        "--no-renames",
        "--diff-merges=first-parent",
        "--end-of-options",
        f"{before}..{after}",
        "--",
    ]
    result = run_local(mirror.path, arguments, limits=mirror.limits)
    if result.exit_code != 0:
        raise RepositoryError("The history between two commits could not be read.")
    for record in result.stdout.split(record_start.encode())[1:]:
        yield _parse(record)


def _parse(record: bytes) -> tuple[Json, list[str]]:
    commit, author, at, subject, *paths = record.decode("utf-8", "surrogateescape").split("\0")
    facts = {
        "id": commit,
        "author": mask_text(shown(author))[:200],
        "at": datetime.fromtimestamp(int(at), UTC).isoformat(),
        "subject": mask_text(shown(subject))[:200],
    }
    return facts, [path.removeprefix("\n") for path in paths if path.strip("\n")]
