from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

from models.errors import InvalidInput
from services.repositories.paths import CONTROL, LONGEST
from services.repositories.transport import GitLimits, run_local
from services.repositories.tree_objects import damaged, peel

COMMIT_LENGTH = 40


def check_branch(name: str) -> str:
    """Return the short name of a branch, such as `main`; raise InvalidInput for what Git would not take."""
    if name.startswith("refs/"):
        raise InvalidInput("branch", "Write the branch's short name: main, not refs/heads/main.")
    if not _is_ref_name(name, "refs/heads/"):
        raise InvalidInput("branch", "This is not a branch name Git allows. Write a name such as main.")
    return name


def branch_ref(name: str) -> str:
    """Return the full ref of a branch; raise InvalidInput as `check_branch` does."""
    return f"refs/heads/{check_branch(name)}"


def check_ref(ref: str, field: str = "ref") -> str:
    """Return the name of a branch, a tag, a full ref or a commit; raise InvalidInput otherwise.

    A commit id has 4 to 64 hex digits; a branch may be named like one, and only the repository tells them
    apart. Refused are revision operators (^ ~ : @{), ranges, and HEAD, which a mirror does not have.
    """
    if not _is_ref_name(ref, "" if ref.startswith("refs/") else "refs/heads/"):
        raise InvalidInput(
            field, "This is not a ref. Name a branch, a tag, a full ref such as refs/tags/v1, or a commit id."
        )
    return ref


def _is_ref_name(name: str, prefix: str) -> bool:
    if not name or name.startswith("-") or name in {"HEAD", "@"} or CONTROL.search(name):
        return False
    return len(name) <= LONGEST and pygit2.reference_is_valid_name(f"{prefix}{name}")


def commit_of_name(repository: pygit2.Repository, ref: str) -> str | None:
    """Return the commit of a full ref, or of a branch, else a tag; None where no name leads to a commit.

    A full ref is only looked up as such: anyone who may push could create a branch `refs/heads/main`.
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
    """Return the commit that a whole object id names, directly or through a tag; None where it is missing.

    Raises RepositoryError where the object is broken.
    """
    found = peel(repository, oid)
    return found[1] if found is not None and found[0] == ObjectType.COMMIT else None


def commit_of_id(repository: pygit2.Repository, oid: str, *, limits: GitLimits) -> str | None:
    """Return the commit of an object id or its beginning; None where no object has it, or several do."""
    if len(oid) == COMMIT_LENGTH:
        return commit_at(repository, oid)
    return _commit_of_abbreviation(Path(repository.path), oid, limits) if oid.isalnum() else None


def _commit_of_abbreviation(git_dir: Path, abbreviation: str, limits: GitLimits) -> str | None:
    arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{abbreviation}^{{commit}}"]
    result = run_local(git_dir, arguments, limits=limits)
    found = result.stdout.decode().splitlines()[-1:]
    # Git also resolves names such as HEAD here.
    return found[0] if result.exit_code == 0 and found and found[0].startswith(abbreviation) else None
