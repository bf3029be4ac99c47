import struct
import sys
import uuid
import zlib
from pathlib import Path

import pygit2
import pytest
from pygit2.enums import ObjectType

from models.errors import RefNotFound, RepositoryError, RepositoryTooLarge
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import Entry, entries, entry_at, read_blob, subtree_of, tree_of
from tests.git_repository import git, git_bytes
from tests.mirrors import FILES
from tests.repositories.remote import Remote

AWKWARD = {
    "plain.json": "{}",
    "a.b": "1",
    "a/c": "2",
    "a-b/c": "3",
    "a0": "4",
    "policies/with space/[x] *.json": "5",
    "policies/tab\tand\nnewline": "6",
    "policies/ünï/\udcff\udcfe": "7",
    'policies/"quoted"': "8",
    "policies/-option": "9",
    ":(top)magic": "10",
}


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    """A repository with every kind of entry; it is only read."""
    remote = Remote.create(tmp_path_factory.mktemp("awkward") / "served" / "remote.git")
    remote.commit(AWKWARD)
    (remote.work / "link").symlink_to("plain.json")
    (remote.work / "policies" / "dangling").symlink_to("../../../etc/passwd")
    (remote.work / "run.sh").write_text("#!/bin/sh\n")
    (remote.work / "run.sh").chmod(0o755)
    remote.git("add", "--all")
    remote.git(
        "update-index", "--add", "--cacheinfo", f"160000,{remote.git('rev-parse', 'HEAD')},policies/module"
    )
    remote.commit_index()
    return remote


@pytest.fixture(scope="module")
def seen(awkward: Remote) -> Mirror:
    """Its mirror, fetched once."""
    store = MirrorStore(awkward.work.parent / "mirrors", allowed_file_roots=[awkward.path.parent])
    mirror = store.open(uuid.uuid4(), str(awkward.path), FILES)
    mirror.fetch()
    return mirror


def ls_tree(repository: Path, treeish: str, prefix: str = "") -> list[Entry]:
    arguments = ["--literal-pathspecs", "ls-tree", "-r", "-z", treeish, *([prefix] if prefix else [])]
    lines = git_bytes(*arguments, cwd=repository).decode("utf-8", "surrogateescape").split("\0")
    rows = [(line.split("\t", 1)[0].split(" "), line.split("\t", 1)[1]) for line in lines if line]
    return [Entry(path, int(mode, 8), oid) for (mode, _, oid), path in rows]


@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "policies",
        "a",
        "a-b",
        "policies/with space",
        "plain.json",
        "link",
        "policies/module",
        "nothing",
        "polic",
    ],
)
def test_entries_are_those_of_git_ls_tree(awkward: Remote, seen: Mirror, prefix: str) -> None:
    found = entries(seen.repository, awkward.head(), prefix)
    assert found == ls_tree(awkward.path, awkward.head(), prefix)
    assert bool(found) is (prefix not in {"nothing", "polic"})


def test_entries_of_a_tree_are_those_of_its_commit(awkward: Remote, seen: Mirror) -> None:
    tree = tree_of(seen.repository, awkward.head())
    assert entries(seen.repository, tree) == entries(seen.repository, awkward.head())
    assert len(entries(seen.repository, tree)) == len(AWKWARD) + 4


def test_only_files_are_blobs(awkward: Remote, seen: Mirror) -> None:
    others = [entry.path for entry in entries(seen.repository, awkward.head()) if not entry.is_blob]
    assert others == ["link", "policies/dangling", "policies/module"]


def test_old_modes_read_as_git_reads_them(tmp_path: Path) -> None:
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    blob = repository.create_blob(b"x").raw
    data = b"100664 a\0" + blob + b"100775 b\0" + blob
    tree = str(repository.odb.write(ObjectType.TREE, data))
    assert entries(repository, tree) == ls_tree(tmp_path, tree)


def test_it_finds_the_entry_at_a_path(awkward: Remote, seen: Mirror) -> None:
    for entry in entries(seen.repository, awkward.head()):
        assert entry_at(seen.repository, awkward.head(), entry.path) == entry


@pytest.mark.parametrize(
    "path", ["nothing", "policies", "plain.json/x", "policies/../plain.json", "", "/", "a/", "/a.b"]
)
def test_it_finds_no_entry_where_none_is(awkward: Remote, seen: Mirror, path: str) -> None:
    assert entry_at(seen.repository, awkward.head(), path) is None


def test_it_finds_subtrees_and_says_where_none_is(awkward: Remote, seen: Mirror) -> None:
    tree = tree_of(seen.repository, awkward.head())
    assert subtree_of(seen.repository, tree, "") == tree
    expected = git("rev-parse", f"{awkward.head()}:policies/with space", cwd=awkward.path)
    assert subtree_of(seen.repository, tree, "policies/with space") == expected
    for prefix in ("nothing", "plain.json", "link", "policies/module", "plain.json/x", ".."):
        assert subtree_of(seen.repository, tree, prefix) is None


def test_it_says_which_commit_is_not_there(mirror: Mirror) -> None:
    for treeish in ("1" * 40, "main", "not hex"):
        with pytest.raises(RefNotFound):
            tree_of(mirror.repository, treeish)


def test_it_reads_blobs_byte_for_byte_and_not_past_the_limit(remote: Remote, mirror: Mirror) -> None:
    content = '{"größe": 1}\r\n'.encode("utf-16")
    remote.commit({"export.json": content})
    mirror.fetch()
    entry = entry_at(mirror.repository, remote.head(), "export.json")
    assert entry is not None
    assert read_blob(mirror.repository, entry.oid, limit=len(content)) == content
    assert read_blob(mirror.repository, entry.oid, limit=len(content) - 1) is None


def test_a_missing_blob_marks_the_mirror_and_the_next_fetch_mends_it(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"a": "content"})
    mirror.fetch()
    (entry,) = entries(mirror.repository, commit)
    _replace_packs_by_loose_objects(mirror.path)
    (mirror.path / "objects" / entry.oid[:2] / entry.oid[2:]).unlink()
    mirror.fetch()
    with pytest.raises(RepositoryError, match="next fetch"):
        read_blob(pygit2.Repository(str(mirror.path)), entry.oid, limit=100)
    mirror.fetch()
    assert read_blob(mirror.repository, entry.oid, limit=100) == b"content"


def test_a_corrupt_tree_marks_the_mirror_and_the_next_fetch_mends_it(remote: Remote, mirror: Mirror) -> None:
    commit = remote.commit({"folder/a": "content"})
    mirror.fetch()
    folder = subtree_of(mirror.repository, tree_of(mirror.repository, commit), "folder")
    assert folder is not None
    _replace_packs_by_loose_objects(mirror.path)
    broken = mirror.path / "objects" / folder[:2] / folder[2:]
    broken.unlink()
    broken.write_bytes(zlib.compress(b"tree 3\x00abc") + struct.pack("<I", 7))
    with pytest.raises(RepositoryError, match="next fetch"):
        entries(pygit2.Repository(str(mirror.path)), commit)
    mirror.fetch()
    assert [entry.path for entry in entries(mirror.repository, commit)] == ["folder/a"]


def test_a_tree_deeper_than_the_stack_is_read(tmp_path: Path) -> None:
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    tree = repository.odb.write(ObjectType.TREE, b"100644 a\0" + repository.create_blob(b"x").raw)
    depth = sys.getrecursionlimit() + 200
    for _ in range(depth):
        tree = repository.odb.write(ObjectType.TREE, b"40000 d\0" + tree.raw)
    (entry,) = entries(repository, str(tree))
    assert entry.path == "d/" * depth + "a"


def test_a_tree_that_names_itself_without_end_is_too_large(tmp_path: Path) -> None:
    repository = pygit2.init_repository(str(tmp_path), bare=True)
    tree = repository.odb.write(ObjectType.TREE, b"100644 a\0" + repository.create_blob(b"x").raw)
    for _ in range(12):
        lines = (b"40000 %d\0" % name + tree.raw for name in range(10))
        tree = repository.odb.write(ObjectType.TREE, b"".join(lines))
    with pytest.raises(RepositoryTooLarge):
        entries(repository, str(tree))


def _replace_packs_by_loose_objects(repository: Path) -> None:
    for pack in (repository / "objects" / "pack").glob("*.pack"):
        data = pack.read_bytes()
        for part in pack.parent.glob(f"{pack.stem}.*"):
            part.unlink()
        git_bytes("unpack-objects", "-q", cwd=repository, stdin=data)
    assert not list((repository / "objects" / "pack").glob("*.pack"))
