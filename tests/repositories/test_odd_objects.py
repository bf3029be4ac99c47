"""Objects that git's own check objects to: what parses is fetched, what does not is named as damaged."""

import subprocess
from pathlib import Path

import pytest

from models.errors import EnvironmentUnreachable, RepositoryDamaged
from services.repositories.mirror import Mirror
from tests.git_repository import ENVIRONMENT, git
from tests.repositories.remote import Remote

ADA = b"A <a@example.org> 0 +0000"


class Loose:
    """Writes objects into a repository without any check."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self.blob = bytes.fromhex(self.write("blob", b"content"))

    def write(self, kind: str, content: bytes) -> str:
        return (
            subprocess.run(
                ["git", "hash-object", "-w", "--literally", "-t", kind, "--stdin"],
                cwd=self._repository,
                env=ENVIRONMENT,
                input=content,
                stdout=subprocess.PIPE,
                check=True,
            )
            .stdout.decode()
            .strip()
        )

    def tree(self, *names: bytes, mode: bytes = b"100644") -> str:
        return self.write("tree", b"".join(mode + b" " + name + b"\0" + self.blob for name in names))

    def commit(self, tree: str, *, author: bytes = ADA, message: bytes = b"change") -> str:
        head = b"tree %b\nauthor %b\ncommitter %b\n\n" % (tree.encode(), author, author)
        commit = self.write("commit", head + message + b"\n")
        git("update-ref", "refs/heads/main", commit, cwd=self._repository)
        return commit


@pytest.fixture
def loose(remote: Remote) -> Loose:
    return Loose(remote.path)


@pytest.mark.parametrize(
    ("names", "mode"),
    [
        ((b".git",), b"100644"),
        ((b".", b".."), b"100644"),
        ((b"a/b",), b"100644"),
        ((b"a",), b"0100666"),
        ((b".gitmodules",), b"120000"),
        ((b".gitattributes", b".gitmodules"), b"100644"),
    ],
)
def test_odd_names_and_modes_are_fetched(
    mirror: Mirror, loose: Loose, names: tuple[bytes, ...], mode: bytes
) -> None:
    commit = loose.commit(loose.tree(*names, mode=mode))
    mirror.fetch()
    assert mirror.resolve("main") == commit


@pytest.mark.parametrize(
    ("author", "message"),
    [
        (b"A\x01 <a@example.org> 99999999999999999999 +99999", b"change"),
        (b"A <a@example.org> 00 +0000", b"change"),
        (b"A 0 +0000", b"change"),
        (b"A a@example.org> 0 +0000", b"change"),
        (ADA, b"\x01 and \0 change"),
    ],
)
def test_odd_people_dates_and_words_are_fetched(
    mirror: Mirror, loose: Loose, author: bytes, message: bytes
) -> None:
    commit = loose.commit(loose.tree(b"a"), author=author, message=message)
    mirror.fetch()
    # libgit2 does not read all of these: what they mean is judged where commits are read.
    assert git("rev-parse", "refs/heads/main", cwd=mirror.path) == commit


@pytest.mark.parametrize("damage", ["unsorted", "twice", "cut", "no author"])
def test_objects_that_do_not_parse_are_damaged_and_not_out_of_reach(
    remote: Remote, mirror: Mirror, loose: Loose, damage: str
) -> None:
    good = remote.commit({"a": "1"})
    mirror.fetch()
    if damage == "no author":
        tree = loose.tree(b"a")
        git(
            "update-ref",
            "refs/heads/main",
            loose.write("commit", f"tree {tree}\n\nm\n".encode()),
            cwd=remote.path,
        )
    elif damage == "cut":
        loose.commit(loose.write("tree", b"100644 a\0" + loose.blob[:-3]))
    else:
        loose.commit(loose.tree(*{"unsorted": (b"b", b"a"), "twice": (b"a", b"a")}[damage]))
    with pytest.raises(RepositoryDamaged):
        mirror.fetch()
    git("update-ref", "refs/heads/main", good, cwd=remote.path)
    mirror.fetch()
    assert mirror.resolve("main") == good


def test_what_a_remote_says_is_no_damage(remote: Remote, mirror: Mirror) -> None:
    remote.commit({"a": "1"})
    remote.move_to(remote.path.with_name("fatal: fsck error in packed object.git"))
    with pytest.raises(EnvironmentUnreachable):
        mirror.fetch()
