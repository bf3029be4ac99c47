"""Repositories that answer late, or not at all."""

import os
import shutil
from pathlib import Path

from tests.git_repository import GitRepository
from tests.system import Json, System, wait_for

# What a hook reads for a push to a branch; a ticket's own push has none.
TO_A_BRANCH = "grep -q ' refs/heads/'"
# That one, and every push after it, a ticket's too.
FROM_A_BRANCH_ON = "{{ grep -q ' refs/heads/' || [ -e {marker} ]; }}"


def held_restore(system: System, held: str = TO_A_BRANCH) -> tuple[GitRepository, Json, Json]:
    """Return a restore whose push waits at the remote until the file `gate` is there.

    `held` says which pushes wait there, as a shell command.
    """
    repository = system.repository({"a.json": "1"})
    repository.tag("release-1")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    plan = system.plan(environment, "release-1")
    gate, marker = gate_of(repository), repository.path.with_suffix(".marker")
    held = held.format(marker=marker)
    repository.hook(
        "pre-receive", f"if {held}; then touch {marker}; while [ ! -e {gate} ]; do sleep 0.05; done; fi"
    )
    run = system.restore(environment, plan)
    wait_for(marker.exists, what="the push to be under way")
    return repository, environment, run


def gate_of(repository: GitRepository) -> Path:
    return repository.path.with_suffix(".gate")


def silence(repository: GitRepository) -> None:
    """Make a repository that is reached and never answers: git waits for a pipe that nobody writes to."""
    (repository.path / "HEAD").rename(repository.path / "HEAD.kept")
    os.mkfifo(repository.path / "HEAD")


def speak(repository: GitRepository) -> None:
    """Answer again, also to the git that waits already."""
    head, kept = repository.path / "HEAD", repository.path / "HEAD.kept"
    answer = kept.read_bytes()
    try:
        waiting = os.open(head, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        # ENXIO: nobody waits.
        kept.replace(head)
        return
    kept.replace(head)
    os.write(waiting, answer)
    os.close(waiting)


def slow_git(folder: Path, *, seconds: float) -> dict[str, str]:
    """Return the environment of processes whose git takes so long to reach a remote, any remote."""
    git = shutil.which("git")
    folder.mkdir()
    slow = folder / "git"
    slow.write_text(
        '#!/bin/sh\nfor word; do\n    case "$word" in\n'
        f"        fetch | push | ls-remote) sleep {seconds}; break ;;\n    esac\n"
        f'done\nexec {git} "$@"\n'
    )
    slow.chmod(0o755)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}
