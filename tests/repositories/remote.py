import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pygit2

from tests.git_repository import git


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A bare repository that stands for an environment's, and a work tree beside it to make history in.

    Both keep their objects in one place: a commit is there once it is made, and publishing it is one ref.
    """

    path: Path
    work: Path

    @classmethod
    def create(cls, path: Path) -> "Remote":
        remote = cls(path=path, work=path.parent.parent / f"{path.stem}-work")
        pygit2.init_repository(path, bare=True, initial_head="main")
        work = pygit2.init_repository(remote.work, initial_head="main")
        work.remotes.create("origin", str(path))
        # Git would look after each commit whether there is something to tidy up.
        work.config["maintenance.auto"] = False
        own_objects = remote.work / ".git" / "objects"
        shutil.rmtree(own_objects)
        own_objects.symlink_to(path / "objects")
        return remote

    def git(self, *arguments: str) -> str:
        return git(*arguments, cwd=self.work)

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Write the files, remove those that are None, commit, push main; return the commit."""
        for name, content in files.items():
            place = self.work / name
            if content is None:
                place.unlink()
                continue
            if place.is_symlink() or place.is_file():
                place.unlink()
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(
                content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
            )
        return self.commit_work(message)

    def commit_only(self, files: Mapping[str, str], message: str = "change") -> str:
        """Commit exactly these files to main, past the work tree: quick where they are many."""
        parent = "from refs/heads/main^0\n" if list(pygit2.Repository(self.path).branches) else ""
        lines = [f"commit refs/heads/main\ncommitter Author <author@example.org> 0 +0000\n{_data(message)}"]
        lines += [f"{parent}deleteall\n"]
        lines += [f"M 100644 inline {name}\n{_data(content)}" for name, content in files.items()]
        git("fast-import", "--quiet", cwd=self.path, stdin="".join(lines).encode())
        return self.head()

    def commit_work(self, message: str = "change") -> str:
        self.git("add", "--all")
        return self.commit_index(message)

    def commit_index(self, message: str = "change") -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        commit = pygit2.Repository(self.work).head.target
        pygit2.Repository(self.path).references.create("refs/heads/main", commit, force=True)
        return str(commit)

    def head(self, branch: str = "main") -> str:
        return str(pygit2.Repository(self.path).references[f"refs/heads/{branch}"].target)

    def hook(self, name: str, script: str) -> None:
        place = self.path / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)

    def move_to(self, path: Path) -> None:
        shutil.move(self.path, path)


def _data(content: str) -> str:
    return f"data {len(content.encode())}\n{content}\n"
