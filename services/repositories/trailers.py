import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pygit2
from pygit2.enums import SortMode

from services.repositories.objects import damaged, tree_of
from services.repositories.transport import DEFAULT_LIMITS, run_local

TRAILER_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def find_by_trailer(
    repository: pygit2.Repository, *, key: str, value: str, head: str, since: str | None
) -> list[str]:
    """Return the commits of since..head that carry the trailer, newest first; the whole history for None.

    As git parses trailers, in the last paragraph only: a quotation further up does not count. Raises
    RefNotFound where `head` or `since` is not in the repository.
    """
    if not TRAILER_KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not the key of a trailer")
    named = [commit for commit in _range(repository, head, since) if value.encode() in commit.raw_message]
    alone = f"{key}: {value}".encode()
    doubtful = [str(commit.id) for commit in named if not _ends_in(commit, alone)]
    others = set(doubtful) - set(_parsed(repository, doubtful, key, value))
    return [oid for oid in (str(commit.id) for commit in named) if oid not in others]


def _range(repository: pygit2.Repository, head: str, since: str | None) -> list[pygit2.Commit]:
    for commit in (head, since):
        if commit is not None:
            tree_of(repository, commit)
    try:
        walker = repository.walk(pygit2.Oid(hex=head), SortMode.TOPOLOGICAL)
        if since is not None:
            walker.hide(pygit2.Oid(hex=since))
        return list(walker)
    except (KeyError, pygit2.GitError):
        raise damaged(repository, head) from None


def _ends_in(commit: pygit2.Commit, trailer: bytes) -> bool:
    """Tell whether the trailer alone is the last paragraph, below others: what that means needs no git."""
    above, _, last = commit.raw_message.rstrip().rpartition(b"\n\n")
    return bool(above.strip()) and last == trailer


def _parsed(repository: pygit2.Repository, commits: Sequence[str], key: str, value: str) -> list[str]:
    """Return those of the commits that carry the trailer, by git's own word."""
    if not commits:
        return []
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
    return [commit for commit, *values in records if value in values]
