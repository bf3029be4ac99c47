"""A restore of 5,000 files against the same by hand: git read-tree, commit-tree and push.

Ours is the whole operation, from the request for an existing plan to the settled run: the plan checked
against the live branch, the commit built and pushed behind the fence, and every item read back. Each round
restores both repositories to the other of two releases.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.report import at_most, milliseconds, write
from tests.git_repository import GitRepository
from tests.system import System, up

FILES, ROUNDS = 5_000, 7
PROMISE = 1.5


def main() -> None:
    """Measure both, in turn."""
    with (
        tempfile.TemporaryDirectory(prefix="operationrun-") as folder,
        up(Path(folder) / "system") as system,
    ):
        ours, by_hand = measure(system, Path(folder) / "hand")
    row = at_most(
        PROMISE,
        f"restore of {FILES:,} files, start to finish, p50",
        ours=median(ours),
        floor=median(by_hand),
        told=milliseconds,
    )
    write("restore", [row], notes=["The floor is git read-tree, write-tree, commit-tree and push by hand."])


def measure(system: System, hand: Path) -> tuple[list[float], list[float]]:
    """Return the seconds of each round, ours and by hand; a first round of each is not counted."""
    repository = _repository(system, "ours")
    other = _repository(system, "by-hand")
    subprocess.run(["git", "clone", "-q", "--bare", str(other.path), str(hand)], check=True)
    environment = system.environment(repository.url)
    ours, by_hand = [], []
    for number in range(1 + ROUNDS):
        release = f"release-{1 + number % 2}"
        plan = system.plan(environment, release)
        ours.append(_ours(system, environment, plan))
        by_hand.append(_by_hand(hand, release))
        assert repository.read("rev-parse", "main^{tree}") == other.read("rev-parse", "main^{tree}")
    return ours[1:], by_hand[1:]


def _repository(system: System, name: str) -> GitRepository:
    repository = GitRepository(system.repositories, name)
    for release in (1, 2, 3):
        files = {
            f"folder{number % 50}/policy {number}.json": f'{{"number": {number}, "release": {release}}}'
            for number in range(FILES)
        }
        repository.commit(dict(files))
        repository.tag(f"release-{release}")
    return repository


def _ours(system: System, environment: dict[str, str], plan: dict[str, str]) -> float:
    begun = time.perf_counter()
    run = system.settled(system.restore(environment, plan))
    assert run["outcome"] == "succeeded", run
    return time.perf_counter() - begun


def _by_hand(repository: Path, release: str) -> float:
    index = {**os.environ, "GIT_INDEX_FILE": str(repository / "by-hand.index")}

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", "-C", str(repository), *arguments], env=index, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    begun = time.perf_counter()
    git("read-tree", release)
    commit = git("commit-tree", git("write-tree"), "-p", "main", "-m", f"Restore {release}")
    git("push", "-q", "origin", f"{commit}:refs/heads/main")
    seconds = time.perf_counter() - begun
    git("update-ref", "refs/heads/main", commit)
    return seconds


if __name__ == "__main__":
    main()
