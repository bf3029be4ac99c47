"""Names that Git itself refuses: ours is the same rule, with git as the judge."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from services.repositories.paths import is_dangerous, may_be_dangerous
from tests.git_repository import ENVIRONMENT
from tests.repositories.hostile import write_tree_of

DANGEROUS = [
    ".git/config",
    "a/.GIT/hooks/post-checkout",
    ".git /config",
    ".git./config",
    "git~1/config",
    "GIT~1",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    "\ufeff.git",
    ".git\udcff",
    "a\\.git\\config",
    "../a",
    "a/../../b",
    "a//b",
    "/a",
    "a/",
    "./a",
    "a/.",
    "",
]
HARMLESS = [
    "a",
    ".gitmodules",
    ".gitignore",
    "a/.gitattributes",
    "git~2",
    "git",
    ".github/workflows/a.yml",
    "...",
    "..a",
    "a..",
    ".g\u0456t",
    "a\\b",
    "legit/.git2",
    "\u200c",
    "gitmo~1",
]
# `..\a` is a plain name to Git; on Windows it leads upwards.
OF_WINDOWS = ["..\\a", "a\\..\\..\\b", "x/..\\y"]

PIECES = [
    *[
        ".",
        "..",
        ".git",
        ".GiT",
        "git~1",
        "GIT~1",
        "git",
        " ",
        ".",
        ":",
        "\\",
        "a",
        "~1",
        "modules",
        "g",
        "it",
    ],
    *[
        "\u200c",
        "\u200d",
        "\u202e",
        "\u206f",
        "\ufeff",
        "\u2070",
        "\u2029",
        "\ufffe",
        "\ufffd",
        "\udcff",
        "\udce2",
    ],
]
names = st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join)


@pytest.mark.parametrize("path", [*DANGEROUS, *HARMLESS, *OF_WINDOWS])
def test_a_path_is_dangerous_where_git_refuses_it(tmp_path: Path, path: str) -> None:
    assert is_dangerous(path) is (path not in HARMLESS)
    if path not in OF_WINDOWS:
        assert is_dangerous(path) is not _takes(tmp_path, path)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(names, min_size=30, max_size=60, unique=True))
@example([path for path in (*DANGEROUS, *HARMLESS) if path and "/" not in path])
def test_a_name_is_dangerous_where_git_fsck_says_so(tmp_path: Path, names: Sequence[str]) -> None:
    found = _refused_by_fsck(tmp_path, [name.encode("utf-8", "surrogateescape") for name in names])
    ours = {name.encode("utf-8", "surrogateescape") for name in names if is_dangerous(name)}
    assert found <= ours
    assert all(b".." in name.split(b"\\") for name in ours - found)


@given(st.lists(names, min_size=1, max_size=20))
def test_the_quick_look_misses_no_dangerous_name(names: Sequence[str]) -> None:
    if any(map(is_dangerous, names)):
        assert may_be_dangerous("/".join(names).encode("utf-8", "surrogateescape"))


def _takes(folder: Path, path: str) -> bool:
    """Return whether git takes a path into its index."""
    repository = pygit2.init_repository(str(folder), bare=True)
    entry = f"100644,{repository.create_blob(b'x')},{path}".encode("utf-8", "surrogateescape")
    guards = ["-c", "core.protectNTFS=true", "-c", "core.protectHFS=true"]
    result = subprocess.run(
        ["git", *guards, "update-index", "--add", "--cacheinfo", entry],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    return result.returncode == 0


def _refused_by_fsck(folder: Path, names: Sequence[bytes]) -> set[bytes]:
    repository = pygit2.init_repository(str(folder), bare=True)
    blob = repository.create_blob(b"x")
    trees = {str(write_tree_of(repository, [("100644", name, blob)])): name for name in names}
    result = subprocess.run(
        ["git", "fsck", "--strict", "--no-dangling", *trees],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"in tree (\w+): (?:hasDot|emptyName|fullPathname)", result.stderr)
    return {trees[tree] for tree in found if tree in trees}
