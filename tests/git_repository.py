import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ENVIRONMENT = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "PATH": os.environ["PATH"],
}


class GitRepository:
    """A bare repository, as customers have them, with a work tree beside it to write history from."""

    def __init__(self, folder: Path, name: str = "environment") -> None:
        self.path = folder / f"{name}.git"
        self._work = folder / f"{name}.work"
        git("init", "-q", "--bare", "-b", "main", str(self.path))
        git("init", "-q", "-b", "main", str(self._work))
        self._here("remote", "add", "origin", str(self.path))

    @property
    def url(self) -> str:
        return str(self.path)

    def commit(
        self, files: Mapping[str, str | bytes | None], message: str = "Change", *, branch: str = "main"
    ) -> str:
        """Write files (None removes one) as one commit on what is live, push it, and return its id."""
        self._here("fetch", "-q", "origin")
        if self.has(f"refs/heads/{branch}"):
            self._here("checkout", "-q", "-B", branch, f"origin/{branch}")
        write(self._work, files)
        self._here("add", "-A")
        self._here("commit", "-q", "--allow-empty", "-m", message)
        self._here("push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.read("rev-parse", branch)

    def tag(self, name: str, commit: str = "main") -> None:
        self.read("tag", name, commit)

    def hook(self, name: str, script: str) -> None:
        path = self.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def has(self, ref: str) -> bool:
        return ref in self.read("for-each-ref", "--format=%(refname)").split()

    def read(self, *arguments: str) -> str:
        """Run git in the bare repository and return what it says."""
        return git(*arguments, cwd=self.path)

    def _here(self, *arguments: str) -> None:
        git(*arguments, cwd=self._work)


def make_repository(path: Path, *commits: Mapping[str, str | None]) -> Path:
    """Make a repository with a work tree: a commit on `main` for each set of files (None removes one)."""
    path.mkdir(parents=True)
    git("init", "-q", "-b", "main", cwd=path)
    for files in commits:
        write(path, files)
        git("add", "--all", cwd=path)
        git("commit", "-q", "-m", "Change", cwd=path)
    return path


def write(folder: Path, files: Mapping[str, str | bytes | None]) -> None:
    """Write files below a folder; None removes one."""
    for name, content in files.items():
        path = folder / name
        if content is None:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def git(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> str:
    """Run git as Ada and return what it writes, without white space around it."""
    return git_bytes(*arguments, cwd=cwd, stdin=stdin).decode("utf-8", "surrogateescape").strip()


def git_bytes(*arguments: str, cwd: Path | None = None, stdin: bytes = b"") -> bytes:
    return subprocess.run(
        ["git", *arguments], cwd=cwd, env=ENVIRONMENT, input=stdin, stdout=subprocess.PIPE, check=True
    ).stdout
