from pathlib import Path

import pygit2

from services.repositories.objects import damaged
from services.repositories.transport import GitLimits, run_local

COMMIT_LENGTH = 40


def commit_of_name(repository: pygit2.Repository, ref: str) -> str | None:
    """Return the commit of a full ref, or of a branch, else a tag; None where no name leads to a commit.

    A full ref is nothing else: who may push any branch could make one named `refs/heads/main`.
    """
    names = [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
    for name in names:
        try:
            reference = repository.references.get(name)
        except pygit2.GitError:
            raise damaged(repository, name) from None
        if reference is not None:
            found = commit_at(repository, str(reference.target))
            if found is not None:
                return found
    return None


def commit_at(repository: pygit2.Repository, oid: str) -> str | None:
    """Return the commit of a whole object id, a tag's or its own; None where it is not in the repository.

    Raises RepositoryError where the object is broken.
    """
    try:
        found = repository[pygit2.Oid(hex=oid)]
    except (KeyError, ValueError):
        return None
    except pygit2.GitError:
        raise damaged(repository, oid) from None
    try:
        return str(found.peel(pygit2.Commit).id)
    except pygit2.GitError:
        return None


def commit_of_abbreviation(git_dir: Path, abbreviation: str, *, limits: GitLimits) -> str | None:
    """Return the one commit whose id begins like this; None where there is none, or more than one."""
    arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{abbreviation}^{{commit}}"]
    result = run_local(git_dir, arguments, limits=limits)
    found = result.stdout.decode().splitlines()[-1:]
    # Git knows more names than abbreviations, HEAD for one.
    return found[0] if result.exit_code == 0 and found and found[0].startswith(abbreviation) else None
