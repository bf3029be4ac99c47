import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from models.errors import (
    RepositoryError,
)
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import entries, read_blob
from services.repositories.tree_objects import DAMAGED
from tests.mirrors import FILES
from tests.repositories.remote import Remote


def _truncate_pack(path: Path) -> None:
    for pack in path.glob("objects/pack/*.pack"):
        pack.chmod(0o644)
        pack.write_bytes(pack.read_bytes()[:40])


def _follow_link(path: Path) -> None:
    link = path.parent / f"{path.name.partition('.')[0]}.git"
    link.unlink()
    path.rename(link)


def _put_a_file_there(path: Path) -> None:
    shutil.rmtree(path)
    path.touch()


def _empty(path: Path) -> None:
    shutil.rmtree(path)
    path.mkdir()


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        (path / name).write_bytes(content)

    return write


def _remove(name: str) -> Callable[[Path], None]:
    def remove(path: Path) -> None:
        if (path / name).is_dir():
            shutil.rmtree(path / name)
        else:
            (path / name).unlink()

    return remove


DAMAGE: dict[str, Callable[[Path], None]] = {
    "gone": shutil.rmtree,
    "link is gone": lambda path: next(path.parent.glob("*.git")).unlink(),
    "not a link": _follow_link,
    "empty": _empty,
    "a file": _put_a_file_there,
    "no HEAD": _remove("HEAD"),
    "HEAD is rubbish": _write("HEAD", b"\0rubbish"),
    "configuration is rubbish": _write("config", b"[[["),
    "no objects": _remove("objects"),
    "no packs": _remove("objects/pack"),
    "truncated packs": _truncate_pack,
    "refs are rubbish": _write("packed-refs", b"rubbish\n"),
    "ref to nowhere": _write("refs/heads/main", b"1" * 40),
    "ref is empty": _write("refs/heads/main", b""),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_mirror_is_made_anew(
    remote: Remote, mirror: Mirror, store: MirrorStore, damage: str
) -> None:
    commit = remote.commit({"a": "1", "b/c": "2"})
    mirror.fetch()
    DAMAGE[damage](mirror.path.resolve())
    again = store.open(uuid.UUID(mirror.path.stem), str(remote.path), FILES)
    again.fetch()
    assert again.resolve("main") == commit
    assert [
        read_blob(again.repository, entry.oid, limit=9) for entry in entries(again.repository, commit)
    ] == [
        b"1",
        b"2",
    ]
    assert mirror.resolve("main") == commit
    assert len(entries(mirror.repository, commit)) == 2


def test_a_mirror_half_made_by_a_killed_process_is_mended(remote: Remote, mirror: Mirror) -> None:
    first = remote.commit({"a": "1"})
    mirror.fetch()
    for leftover in ("packed-refs.lock", "refs/heads/main.lock", "HEAD.lock", "config.lock", "shallow.lock"):
        (mirror.path / leftover).touch()
    (mirror.path / "objects" / "pack" / "tmp_pack_abc").write_bytes(b"half")
    mirror.path.with_suffix(".new").symlink_to("nowhere")
    remote.commit({"a": "2"})
    remote.git("push", "--quiet", "--force", "origin", f"{first}:refs/heads/other")
    mirror.fetch()
    assert mirror.resolve("main") == remote.head()
    assert not list(mirror.path.rglob("*.lock"))
    assert not list(mirror.path.rglob("tmp_*"))


def test_a_reader_of_a_mirror_that_was_made_anew_meets_an_error_of_ours(
    remote: Remote, mirror: Mirror
) -> None:
    commit = remote.commit({"a": "1"})
    mirror.fetch()
    standing = mirror.repository
    (mirror.path / DAMAGED).touch()
    mirror.fetch()
    assert not (mirror.path / DAMAGED).exists()
    with pytest.raises(RepositoryError, match="next fetch"):
        read_blob(standing, "1" * 40, limit=9)
    assert len(entries(mirror.repository, commit)) == 1
