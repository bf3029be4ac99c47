import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.git_repository import ENVIRONMENT, git
from tests.remotes.clients import Kill
from tests.remotes.served import ServedRemote

EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
ABSENT: Final = ""
_LINE = re.compile(r"^(.)\t[^\t:]*:([^\t]+)\t(.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Update:
    """One ref of a push: where the client expects it, and where it shall be."""

    ref: str
    expected: str
    new: str


class PlainGit:
    """A clone that pushes with git's own command: what the protocol of tickets rests on."""

    def __init__(self, folder: Path, remote: ServedRemote) -> None:
        self._path, self._remote = folder, remote
        self._environment = {**ENVIRONMENT, **remote.environment, "LC_ALL": "C", "HOME": os.environ["HOME"]}
        subprocess.run(
            ["git", "clone", "--quiet", "--bare", remote.url, str(folder)], env=self._environment, check=True
        )

    def commit(self, message: str, *, parent: str, tree: str | None = None) -> str:
        return git("commit-tree", tree or f"{parent}^{{tree}}", "-p", parent, "-m", message, cwd=self._path)

    def ticket(self, state: str) -> str:
        return git("commit-tree", git("mktree", cwd=self._path), "-m", state, cwd=self._path)

    def start(self, *updates: Update) -> "Push":
        """Start a push with a lease on each ref, atomic where it has several."""
        atomic = ["--atomic"] if len(updates) > 1 else []
        leases = [f"--force-with-lease={update.ref}:{update.expected}" for update in updates]
        refspecs = [f"{update.new}:{update.ref}" for update in updates]
        said = self._path.with_name(f"{uuid4().hex}.said")
        with said.open("wb") as file:
            process = subprocess.Popen(
                ["git", "push", "--porcelain", *atomic, *leases, self._remote.url, *refspecs],
                cwd=self._path,
                env=self._environment,
                stdout=file,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return Push(process=process, said=said)

    def push(self, *updates: Update) -> Mapping[str, str]:
        """Push and return what `Push.answers` does."""
        return self.start(*updates).answers()


@dataclass(frozen=True, kw_only=True)
class Push:
    """A push under way; what it says goes to a file, which no child of a killed git keeps open."""

    process: subprocess.Popen[bytes]
    said: Path

    def end(self, kill: Kill) -> None:
        """Kill git, which then says nothing of any ref."""
        kill(self.process.pid)
        assert not self.answers()

    def answers(self) -> Mapping[str, str]:
        """Wait for git's end and return flag and summary by ref: `*[new reference]`, `![rejected] (…)`."""
        self.process.wait(timeout=60)
        return {ref: flag + summary for flag, ref, summary in _LINE.findall(self.said.read_text())}
