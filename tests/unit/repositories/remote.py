import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A bare repository that stands for an environment's, and a work tree beside it to make history in."""

    path: Path
    work: Path

    @classmethod
    def create(cls, path: Path) -> "Remote":
        remote = cls(path=path, work=path.parent.parent / f"{path.stem}-work")
        path.parent.mkdir(parents=True, exist_ok=True)
        git("init", "--quiet", "--bare", "--initial-branch=main", str(path))
        git("init", "--quiet", "--initial-branch=main", str(remote.work))
        remote.git("remote", "add", "origin", str(path))
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

    def commit_work(self, message: str = "change") -> str:
        self.git("add", "--all")
        return self.commit_index(message)

    def commit_index(self, message: str = "change") -> str:
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        self.git("push", "--quiet", "--force", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def head(self, branch: str = "main") -> str:
        return git("rev-parse", f"refs/heads/{branch}", cwd=self.path)

    def hook(self, name: str, script: str) -> None:
        place = self.path / "hooks" / name
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)

    def move_to(self, path: Path) -> None:
        shutil.move(self.path, path)


def git(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> str:
    return git_bytes(*arguments, cwd=cwd, stdin=stdin).decode("utf-8", "surrogateescape").strip()


def git_bytes(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    environment = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Author",
        "GIT_AUTHOR_EMAIL": "author@example.org",
        "GIT_COMMITTER_NAME": "Author",
        "GIT_COMMITTER_EMAIL": "author@example.org",
    }
    return subprocess.run(
        ["git", *arguments], cwd=cwd, env=environment, input=stdin, stdout=subprocess.PIPE, check=True
    ).stdout
