from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.git_repository import git
from tests.remotes.clients import kill_alone
from tests.remotes.hooks import Hooks
from tests.repositories.remote import Remote
from tests.repositories.waiting import wait_until


@dataclass(frozen=True, kw_only=True)
class ServedRemote:
    """A bare repository behind one kind of transport, with all that a server's administrator can do to it.

    `url` is what an environment has as its repository URL, `environment` what git needs in its process
    environment to reach it. `repository` makes history without a push: no hook runs for it.
    """

    kind: str
    url: str
    environment: Mapping[str, str]
    repository: Remote
    hooks: Hooks
    cut_connections: Callable[[], None] | None

    @property
    def path(self) -> Path:
        return self.repository.path

    def cut(self) -> None:
        """Lose the connections to the server; a file has none."""
        assert self.cut_connections
        self.cut_connections()

    def kill_servers(self) -> None:
        """Kill every process that receives a push now."""
        for pid in self._receiving():
            kill_alone(pid)

    def quiesce(self) -> None:
        """Wait until no push is received any more, and remove the locks that killed servers left."""
        wait_until(lambda: not self._receiving(), seconds=60)
        self.unlock_all()

    def refs(self, pattern: str = "refs") -> dict[str, str]:
        """Return the refs of a pattern with their commits, hidden ones included."""
        lines = git("for-each-ref", "--format=%(refname) %(objectname)", pattern, cwd=self.path).splitlines()
        return dict(line.split(" ", 1) for line in lines)

    def has_in_history(self, commit: str, branch: str = "main") -> bool:
        return commit in git("rev-list", f"refs/heads/{branch}", cwd=self.path).split()

    def configure(self, key: str, value: str) -> None:
        git("config", "--add", key, value, cwd=self.path)

    def hide(self, namespace: str, *, by: str = "transfer") -> None:
        """Hide a namespace by `transfer`, `receive` (pushes alone) or `uploadpack` (reads alone)."""
        self.configure(f"{by}.hideRefs", namespace)

    def forgo_atomic(self) -> None:
        """Offer no atomic push, as old servers and some forges."""
        self.configure("receive.advertiseAtomic", "false")

    def lock(self, ref: str) -> None:
        """Leave a ref's lock behind, as a killed server does."""
        lock = self._lock(ref)
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.touch()

    def unlock(self, ref: str) -> None:
        self._lock(ref).unlink()

    def unlock_all(self) -> None:
        """Remove every lock, that of HEAD too, as an administrator does after a crash."""
        for lock in self.path.rglob("*.lock"):
            lock.unlink()

    def is_locked(self, ref: str) -> bool:
        return self._lock(ref).exists()

    def rewind(self, commit: str, branch: str = "main") -> None:
        """Move a branch to a commit, past every hook and lease."""
        git("-c", "core.hooksPath=/dev/null", "update-ref", f"refs/heads/{branch}", commit, cwd=self.path)

    def _lock(self, ref: str) -> Path:
        return self.path / f"{ref}.lock"

    def _receiving(self) -> list[int]:
        """Return git's processes that receive a push; ssh's, at either end, only carry it."""
        return [process.pid for process in psutil.process_iter(["cmdline"]) if self._receives(process)]

    def _receives(self, process: psutil.Process) -> bool:
        program, *arguments = process.info["cmdline"] or [""]
        is_server = Path(program).name == "git-receive-pack" or arguments[:1] == ["receive-pack"]
        return is_server and str(self.path) in arguments
