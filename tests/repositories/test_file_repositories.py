"""All that git reads of a repository on this machine lies within the borders, whatever leads out of them."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from models.errors import EnvironmentUnreachable, InvalidInput
from services.repositories.mirror import MirrorStore
from services.repositories.routing.file_repositories import resolve_repository
from services.repositories.routing.remote_access import ConnectionKind, RemoteAccess
from tests.git_repository import git
from tests.mirrors import FILES
from tests.repositories.remote import Remote

Way = Callable[[Path, Path], Path]


def a_link_to_it(own: Path, other: Path) -> Path:
    (own / "link").symlink_to(other)
    return own / "link"


def a_git_file(own: Path, other: Path) -> Path:
    work = own / "work"
    work.mkdir()
    (work / ".git").write_text(f"gitdir: {os.path.relpath(other, work)}\n")
    return work


def a_linked_git_file(own: Path, other: Path) -> Path:
    work = a_git_file(own, other)
    elsewhere = own / "deep" / "below"
    elsewhere.mkdir(parents=True)
    (work / ".git").rename(elsewhere / "pointer")
    (work / ".git").symlink_to(elsewhere / "pointer")
    return work


def a_common_directory(own: Path, other: Path) -> Path:
    work = own / "worktree"
    work.mkdir()
    (work / "HEAD").write_text("ref: refs/heads/main\n")
    (work / "commondir").write_text(f"{other}\n")
    return work


def alternates(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    (mine / "objects/info/alternates").write_text(f"# lent\n{other}/objects\n")
    return mine


def alternates_of_alternates(own: Path, other: Path) -> Path:
    between = alternates(own, other)
    mine = bare(own / "further.git")
    (mine / "objects/info/alternates").write_text(f"../../{between.name}/objects\n")
    return mine


def linked_objects(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    (mine / "objects").rename(own / "aside")
    (mine / "objects").symlink_to(other / "objects")
    return mine


def a_linked_folder_of_objects(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    folder = next(each for each in (other / "objects").iterdir() if len(each.name) == 2)
    (mine / "objects" / folder.name).symlink_to(folder)
    return mine


def one_linked_object(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    found = next(each for each in (other / "objects").rglob("*") if each.is_file())
    place = mine / "objects" / found.parent.name
    place.mkdir(exist_ok=True)
    (place / found.name).symlink_to(found)
    return mine


def linked_refs(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    (mine / "refs/heads").rmdir()
    (mine / "refs/heads").symlink_to(other / "refs/heads")
    return mine


def a_linked_head(own: Path, other: Path) -> Path:
    mine = bare(own / "mine.git")
    (mine / "HEAD").unlink()
    (mine / "HEAD").symlink_to(other / "HEAD")
    return mine


def a_link_behind_a_link(own: Path, other: Path) -> Path:
    mine = linked_objects(own, own / "between")
    (own / "between" / "objects").mkdir(parents=True)
    (own / "between" / "objects" / "pack").symlink_to(other / "objects" / "pack")
    return mine


WAYS = (
    *(a_link_to_it, a_git_file, a_linked_git_file, a_common_directory, alternates, alternates_of_alternates),
    *(linked_objects, a_linked_folder_of_objects, one_linked_object, linked_refs, a_linked_head),
    a_link_behind_a_link,
)
EVERY_WAY = pytest.mark.parametrize("way", WAYS)


def bare(path: Path) -> Path:
    git("init", "-q", "--bare", "-b", "main", str(path))
    return path


@pytest.fixture
def other(tmp_path: Path) -> Path:
    remote = Remote.create(tmp_path / "root" / "other" / "remote.git")
    remote.commit({"a": "secret"})
    return remote.path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "root" / "own"
    path.mkdir(parents=True)
    return path


@EVERY_WAY
def test_no_way_leads_out_of_a_root(tmp_path: Path, own: Path, other: Path, way: Way) -> None:
    named = way(own, other)
    store = MirrorStore(tmp_path / "mirrors", allowed_file_roots=[own])
    with pytest.raises(InvalidInput, match="OPERATIONRUN_ALLOWED_FILE_ROOTS"):
        store.open(uuid4(), str(named), FILES)


@EVERY_WAY
def test_no_way_leads_out_of_a_connections_folder(tmp_path: Path, own: Path, other: Path, way: Way) -> None:
    named = way(own, other)
    store = MirrorStore(tmp_path / "mirrors", allowed_file_roots=[tmp_path / "root"])
    for folder, is_open in ((own, False), (tmp_path / "root", True)):
        access = RemoteAccess(kind=ConnectionKind.FILE, url_prefix=str(folder))
        if is_open:
            store.open(uuid4(), str(named), access)
            continue
        with pytest.raises(InvalidInput, match="under no allowed file root"):
            store.open(uuid4(), str(named), access)


@EVERY_WAY
def test_a_way_out_that_is_made_later_is_refused_at_the_next_use(
    tmp_path: Path, own: Path, other: Path, way: Way
) -> None:
    made = way(own, other)
    kept = made.rename(own / "kept") if not made.is_symlink() else None
    if kept is None:
        made.unlink()
    bare(made)
    store = MirrorStore(tmp_path / "mirrors", allowed_file_roots=[own])
    mirror = store.open(uuid4(), str(made), FILES)
    mirror.fetch()
    made.rename(own / "before")
    if kept is None:
        made.symlink_to(other)
    else:
        kept.rename(made)
    with pytest.raises(EnvironmentUnreachable, match="under no allowed file root"):
        mirror.fetch()


def test_what_stays_inside_is_served(tmp_path: Path, own: Path) -> None:
    remote = Remote.create(own / "team" / "remote.git")
    head = remote.commit({"a": "1"})
    borrowing = alternates(own, remote.path)
    git("update-ref", "refs/heads/main", head, cwd=borrowing)
    hooks = tmp_path / "shared-hooks"
    hooks.mkdir()
    (borrowing / "hooks").rename(own / "hooks")
    (borrowing / "hooks").symlink_to(hooks)
    store = MirrorStore(tmp_path / "mirrors", allowed_file_roots=[own])
    mirror = store.open(uuid4(), str(borrowing), FILES)
    mirror.fetch()
    assert mirror.resolve("main") == head


@pytest.mark.parametrize("pointer", ["x" * 100_000, "\0", '"/quoted"', "."])
def test_pointers_that_lead_nowhere_end(own: Path, pointer: str) -> None:
    work = own / "worktree"
    work.mkdir()
    (work / "HEAD").write_text("ref: refs/heads/main\n")
    (work / "commondir").write_text(pointer)
    if pointer == ".":
        assert resolve_repository(str(work), borders=[[own]]) == str(work)
        return
    with pytest.raises(InvalidInput):
        resolve_repository(str(work), borders=[[own]])


def test_folders_of_any_depth_are_walked(own: Path) -> None:
    place = bare(own / "deep.git") / "refs"
    for _ in range(1200):
        place /= "d"
        place.mkdir()
    try:
        assert resolve_repository(str(own / "deep.git"), borders=[[own]]) == str(own / "deep.git")
    finally:
        # pytest's own clean-up calls itself for each folder, and gives up on so many.
        subprocess.run(["rm", "-r", str(own / "deep.git")], check=True)
