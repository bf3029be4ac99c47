import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import SortMode

from services.repositories.objects import tree_of
from services.repositories.transport import DEFAULT_LIMITS, run_local
from services.repositories.tree_objects import damaged

TRAILER_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")

# Commits per git command: a command line has its limit.
_AT_ONCE: Final = 500
# Git ignores a message from here on.
_SCISSORS: Final = b" >8 "


def find_by_trailer(
    repository: pygit2.Repository, *, key: str, value: str, head: str, since: str | None
) -> list[str]:
    """Return the commits of since..head that carry the trailer, newest first; the whole history for None.

    Like git, reads trailers in the last paragraph only: a quotation further up does not count. Raises
    RefNotFound where the repository lacks `head` or `since`.
    """
    if not TRAILER_KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not the key of a trailer")
    alone = f"{key}: {value}".encode()
    named = {
        str(commit.id): _ends_in(commit.raw_message, alone)
        for commit in _range(repository, head, since)
        if value.encode() in commit.raw_message
    }
    doubtful = [commit for commit, certain in named.items() if not certain]
    by_git = set[str]()
    for first in range(0, len(doubtful), _AT_ONCE):
        by_git |= _parsed(repository, doubtful[first : first + _AT_ONCE], key, value)
    return [commit for commit, certain in named.items() if certain or commit in by_git]


def _range(repository: pygit2.Repository, head: str, since: str | None) -> Iterator[pygit2.Commit]:
    for commit in (head, since):
        if commit is not None:
            tree_of(repository, commit)
    try:
        # Unsorted: a topological walk would read the whole history before its first commit.
        walker = repository.walk(pygit2.Oid(hex=head), SortMode.NONE)
        if since is not None:
            walker.hide(pygit2.Oid(hex=since))
        yield from walker
    except (KeyError, pygit2.GitError):
        raise damaged(repository, head) from None


def _ends_in(message: bytes, trailer: bytes) -> bool:
    """Return whether the trailer alone is the last paragraph below others: then git need not parse it."""
    above, _, last = message.rstrip().rpartition(b"\n\n")
    return bool(above.strip()) and last == trailer and _SCISSORS not in above


def _parsed(repository: pygit2.Repository, commits: Sequence[str], key: str, value: str) -> set[str]:
    """Return those of the commits in which git itself finds the trailer."""
    arguments = [
        "log",
        "-z",
        "--no-walk=unsorted",
        "--no-show-signature",
        "--encoding=UTF-8",
        f"--format=%H%n%(trailers:key={key},valueonly,unfold)",
        "--end-of-options",
        *commits,
        "--",
    ]
    result = run_local(Path(repository.path), arguments, limits=DEFAULT_LIMITS)
    if result.exit_code != 0:
        raise damaged(repository, commits[0])
    records = (record.split("\n") for record in result.stdout.decode("utf-8", "replace").split("\0"))
    return {commit for commit, *values in records if value in values}
