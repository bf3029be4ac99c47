import re
from pathlib import Path
from typing import Final

import pygit2

from services.repositories.objects import tree_of
from services.repositories.transport import DEFAULT_LIMITS, run_local
from services.repositories.tree_objects import damaged

TRAILER_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


def find_by_trailer(
    repository: pygit2.Repository, *, key: str, value: str, head: str, since: str | None
) -> list[str]:
    """Return the commits of since..head that carry the trailer, newest first; the whole history for None.

    Like git, reads trailers in the last paragraph only: a quotation further up does not count. Raises
    RefNotFound where the repository lacks `head` or `since`.
    """
    if not TRAILER_KEY.fullmatch(key):
        raise ValueError(f"{key!r} is not the key of a trailer")
    for commit in (head, since):
        if commit is not None:
            tree_of(repository, commit)
    # By git, and not by libgit2: that one ends at the first commit whose signature is odd.
    arguments = [
        "log",
        "-z",
        "--no-show-signature",
        "--encoding=UTF-8",
        "--fixed-strings",
        f"--grep={value}",
        f"--format=%H%n%(trailers:key={key},valueonly,unfold)",
        "--end-of-options",
        head if since is None else f"{since}..{head}",
        "--",
    ]
    result = run_local(Path(repository.path), arguments, limits=DEFAULT_LIMITS)
    if result.exit_code != 0:
        raise damaged(repository, head)
    records = (record.split("\n") for record in result.stdout.decode("utf-8", "replace").split("\0"))
    return [commit for commit, *values in records if value in values]
