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
    "PATH": "/usr/local/bin:/usr/bin:/bin",
}


class GitRepository:
    """A bare repository, as customers have them, with a work tree beside it to write history from."""

    def __init__(self, folder: Path, name: str = "environment") -> None:
        self.path = folder / f"{name}.git"
        self._work = folder / f"{name}.work"
        _git(folder, "init", "-q", "--bare", "-b", "main", str(self.path))
        _git(folder, "init", "-q", "-b", "main", str(self._work))
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
        for name, content in files.items():
            path = self._work / name
            if content is None:
                path.unlink()
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
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
        return _git(self.path, *arguments)

    def _here(self, *arguments: str) -> None:
        _git(self._work, *arguments)


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, check=True, text=True
    )
    return done.stdout.strip()
