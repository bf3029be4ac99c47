import os
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.topology.compose_file import ROOT

# Names another ref of this repository whose code has to work on this tree's schema.
NAMED = "OPERATIONRUN_RELEASE_BEFORE"
MIGRATIONS = Path("migrations", "versions")


@dataclass(frozen=True, kw_only=True)
class ReleaseBefore:
    """The source of an older version, and how it was chosen."""

    commit: str
    why: str

    def unpack(self, into: Path) -> Path:
        """Write its files into a folder, and return that."""
        into.mkdir()
        archive = into / "tree.tar"
        _git("archive", f"--output={archive}", self.commit)
        with tarfile.open(archive) as packed:
            packed.extractall(into, filter="data")
        return into


def release_before() -> ReleaseBefore | None:
    """Choose the version that has to run beside this tree's schema; None where history has none.

    1. The ref that OPERATIONRUN_RELEASE_BEFORE names.
    2. The newest release's tag whose commit is not the present one.
    3. While nothing is released, the last commit that lacks this tree's newest migration: what expand and
       contract promises a release, held to each migration.
    """
    named = os.environ.get(NAMED)
    if named:
        return ReleaseBefore(commit=_commit(named), why=f"{NAMED}={named}")
    present = _commit("HEAD")
    for tag in _git("tag", "--list", "v*", "--sort=-version:refname").splitlines():
        if _commit(tag) != present:
            return ReleaseBefore(commit=_commit(tag), why=f"the release {tag}")
    return _before_newest_migration()


def newest_migration(tree: Path = ROOT) -> str:
    """Return the file name of a tree's newest migration."""
    return max(path.name for path in (tree / MIGRATIONS).glob("[0-9]*.py"))


def _before_newest_migration() -> ReleaseBefore | None:
    newest = newest_migration()
    added = _git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(MIGRATIONS / newest))
    before = f"{added}~1" if added else "HEAD"
    try:
        commit = _commit(before)
    except subprocess.CalledProcessError:
        return None
    return ReleaseBefore(commit=commit, why=f"no release is tagged: the commit before {newest}")


def _commit(ref: str) -> str:
    return _git("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
