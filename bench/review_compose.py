"""Composing a review of 20,000 JSON files of which 1,000 changed, against git's own diff of them.

The floor is `git diff -M` of the two trees, plus reading and parsing the changed files once (both sides).
Each side runs in a process of its own, several times in turn; the ratio is of the medians.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from uuid import UUID

from models.contracts import Evidence
from models.environment import Environment
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import read_blob
from services.review_content import compose_content
from services.review_context import ReviewContext

FILES, CHANGED, ROUNDS = 20_000, 1_000, 5
ENVIRONMENT_ID = UUID(int=1)


def policy(number: int, revision: int) -> str:
    settings = [
        {
            "id": f"{index}",
            "settingDefinitionId": f"device_vendor_{index}",
            "value": str(number % (index + 2)),
        }
        for index in range(12)
    ]
    settings[number % 12]["value"] = f"revision {revision}"
    content = {"@odata.type": f"#kind{number % 20}", "displayName": f"Policy {number}", "settings": settings}
    return json.dumps(content, indent=1)


def write_repository(folder: Path) -> tuple[str, str]:
    """Write both states with git fast-import; return their commits."""
    stream = []
    for revision, count in ((1, FILES), (2, CHANGED)):
        stream.append(f"commit refs/heads/main\ncommitter A <a@example.org> {revision} +0000\ndata 1\nx\n")
        for number in range(count):
            content = policy(number, revision)
            path = f"folder{number % 100}/policy {number}.json"
            stream.append(f"M 100644 inline {path}\ndata {len(content.encode())}\n{content}\n")
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    subprocess.run(
        ["git", "-C", str(folder), "fast-import", "--quiet"], input="".join(stream).encode(), check=True
    )
    commits = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "main~1", "main"], capture_output=True, text=True, check=True
    ).stdout.split()
    return commits[0], commits[1]


def opened(root: Path) -> Mirror:
    repository = root / "repository.git"
    return MirrorStore(root / "mirrors", allowed_file_roots=[root]).open(ENVIRONMENT_ID, str(repository))


def floor(root: Path, before: str, after: str) -> None:
    mirror = opened(root)
    diff = ["git", "-C", str(mirror.path), "diff", "-M", "--raw", "--no-abbrev", before, after]
    for line in subprocess.run(diff, capture_output=True, text=True, check=True).stdout.splitlines():
        for oid in line.split(" ")[2:4]:
            json.loads(read_blob(mirror.repository, oid, limit=1_000_000) or b"")


def compose(root: Path, before: str, after: str) -> None:
    environment = Environment(id=ENVIRONMENT_ID, path_prefix="", branch="main")
    evidence = Evidence(
        commit=after,
        baseline_commit=before,
        previous_review_id=UUID(int=2),
        previous_commit=before,
        fingerprint="",
    )
    context = ReviewContext(
        environment={},
        newest_point=None,
        last_restore=None,
        operations={"since": None, "runs": 0, "by_outcome": {}},
        history=[],
    )
    content = compose_content(opened(root), environment, evidence, context, beat=lambda: None)
    assert content.summary["changed"] == CHANGED, content.summary


SIDES: dict[str, Callable[[Path, str, str], None]] = {"floor": floor, "compose": compose}


def measure(side: str, root: Path, before: str, after: str) -> tuple[float, float]:
    """Run one side in this process; return seconds and peak MB."""
    started = time.perf_counter()
    SIDES[side](root, before, after)
    seconds = time.perf_counter() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    if len(sys.argv) > 1:
        side, folder, before, after = sys.argv[1:]
        print(json.dumps(measure(side, Path(folder), before, after)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        before, after = write_repository(root / "repository.git")
        opened(root).fetch()
        figures: dict[str, list[tuple[float, float]]] = {side: [] for side in SIDES}
        # The first compose reads every file once; what the next ones reuse is part of the claim.
        first = run(root, "compose", before, after)
        for _ in range(ROUNDS):
            for side in SIDES:
                figures[side].append(run(root, side, before, after))
    seconds = {side: median(second for second, _ in runs) for side, runs in figures.items()}
    print(f"first compose      {first[0] * 1000:7.0f} ms  {first[1]:5.0f} MB")
    for side, runs in figures.items():
        print(f"{side:18} {seconds[side] * 1000:7.0f} ms  {max(memory for _, memory in runs):5.0f} MB")
    print(f"ratio              {seconds['compose'] / seconds['floor']:7.2f}")


def run(root: Path, side: str, before: str, after: str) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "bench.review_compose", side, str(root), before, after],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = json.loads(done.stdout)
    return seconds, memory


if __name__ == "__main__":
    main()
