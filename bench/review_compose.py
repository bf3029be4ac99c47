"""Compose a review of 20,000 JSON files, 1,000 of them changed, against git's own diff.

The floor is `git diff -M` of the two trees, plus reading and parsing the changed files once (both sides). A
lower floor is `git diff --raw`, which names the changed files and reads none. As in production, a compose
starts with the caches that the previous review left beside the mirror: they lack the changed contents only.
Each side runs in a process of its own, in turn; ratios are of the medians.
"""

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import UUID

from sqlalchemy.orm import configure_mappers

from bench import report
from bench.report import Row
from models.contracts.review_compose import Evidence
from models.environment import Environment
from models.restore import RestorePoint
from services.inventory.facts_cache import FACTS_FILE
from services.inventory.inventory_cache import INVENTORIES_FILE
from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import read_blob
from services.reviews.content import compose_content
from services.reviews.context import ReviewContext
from tests.mirrors import access_to

FILES, CHANGED, COMMITS, ROUNDS = 20_000, 1_000, 10, 15
ENVIRONMENT_ID = UUID(int=1)
MOST, MOST_MEGABYTES = 2, 400


class Commits(NamedTuple):
    """The commits of the baseline, of the previous review, and of the live branch."""

    baseline: str
    before: str
    after: str


class Run(NamedTuple):
    """One measurement: wall-clock seconds, CPU seconds (git's included) and peak memory in MB."""

    seconds: float
    cpu_seconds: float
    megabytes: float


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


def commit(revision: int, numbers: Iterable[int]) -> str:
    """Write one commit for git fast-import."""
    stream = [f"commit refs/heads/main\ncommitter A <a@example.org> {revision} +0000\ndata 1\nx\n"]
    for number in numbers:
        content = policy(number, revision)
        path = f"folder{number % 100}/policy {number}.json"
        stream.append(f"M 100644 inline {path}\ndata {len(content.encode())}\n{content}\n")
    return "".join(stream)


def write_repository(folder: Path) -> Commits:
    """Write every file, change CHANGED files in one commit, then CHANGED others in COMMITS commits."""
    each = CHANGED // COMMITS
    stream = chain(
        [commit(1, range(FILES)), commit(2, range(CHANGED, 2 * CHANGED))],
        (commit(3 + part, range(part * each, (part + 1) * each)) for part in range(COMMITS)),
    )
    subprocess.run(["git", "init", "-q", "--bare", str(folder)], check=True)
    importing = ["git", "-C", str(folder), "fast-import", "--quiet"]
    subprocess.run(importing, input="".join(stream).encode(), check=True)
    names = [f"main~{COMMITS + 1}", f"main~{COMMITS}", "main"]
    parsing = ["git", "-C", str(folder), "rev-parse", *names]
    return Commits(*subprocess.run(parsing, capture_output=True, text=True, check=True).stdout.split())


def opened(root: Path) -> Mirror:
    repository = root / "repository.git"
    store = MirrorStore(root / "mirrors", allowed_file_roots=[root])
    return store.open(ENVIRONMENT_ID, str(repository), access_to(str(repository)))


def floor(root: Path, commits: Commits) -> None:
    """`git diff` as people read it: changes by line, where ours are by setting."""
    _diff_and_parse(root, commits, "--full-index", line=r"(?m)^index (\w+)\.\.(\w+)")


def lower_floor(root: Path, commits: Commits) -> None:
    """`git diff` that names the changed files and reads none of them."""
    _diff_and_parse(root, commits, "--raw", "--no-abbrev", line=r"(?m)^:\d+ \d+ (\w+) (\w+)")


def _diff_and_parse(root: Path, commits: Commits, *options: str, line: str) -> None:
    mirror = opened(root)
    command = ["git", "-C", str(mirror.path), "diff", "-M", *options, commits.before, commits.after]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sides = re.findall(line, found)
    for oid in chain.from_iterable(sides):
        json.loads(read_blob(mirror.repository, oid, limit=1_000_000) or b"")
    assert len(sides) == CHANGED


def compose(root: Path, *, live: str, before: str | None = None, baseline: str | None = None) -> None:
    evidence = Evidence(
        commit=live,
        baseline_commit=baseline,
        previous_review_id=UUID(int=2) if before else None,
        previous_commit=before,
        fingerprint="",
    )
    context = ReviewContext(
        environment={},
        newest_point=RestorePoint(label="kept", commit=baseline, created_at=datetime.now(UTC))
        if baseline
        else None,
        last_restore=None,
        operations={"since": None, "runs": 0, "by_outcome": {}},
        history=[],
    )
    environment = Environment(id=ENVIRONMENT_ID, path_prefix="", branch="main")
    content = compose_content(opened(root), environment, evidence, context, check_cancelled=lambda: None)
    assert content.summary["items"] == FILES
    assert len(content.changes) == (CHANGED if before else 0)
    assert all(len(row["settings"]) == len(row["commits"]) == 1 for row in content.changes)
    assert content.sections["baseline"].get("drifted") == (2 * CHANGED if baseline else None)


def compose_changes(root: Path, commits: Commits) -> None:
    compose(root, live=commits.after, before=commits.before)


def compose_with_baseline(root: Path, commits: Commits) -> None:
    compose(root, live=commits.after, before=commits.before, baseline=commits.baseline)


SIDES: Mapping[str, Callable[[Path, Commits], None]] = {
    "git diff, reading, parsing": floor,
    "git diff --raw, reading, parsing": lower_floor,
    "changes by setting, with commits": compose_changes,
    "with conformance and coverage too": compose_with_baseline,
    "the same with nothing kept of the review before": compose_with_baseline,
}
FLOOR, LOWER_FLOOR, *_, COLD = SIDES


def measure(side: str, root: Path, commits: Commits) -> Run:
    """Run one side in this process, with the models mapped first, as in a worker."""
    configure_mappers()
    started, cpu = time.perf_counter(), _cpu_seconds()
    SIDES[side](root, commits)
    seconds, cpu_seconds = time.perf_counter() - started, _cpu_seconds() - cpu
    # Not ru_maxrss: a child inherits the peak of the process that started it.
    status = Path("/proc/self/status").read_text().splitlines()
    (peak,) = (line.split()[1] for line in status if line.startswith("VmHWM:"))
    return Run(seconds, cpu_seconds, int(peak) / 1024)


def _cpu_seconds() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def run(side: str, root: Path, commits: Commits) -> Run:
    command = [sys.executable, "-m", "bench.review_compose", side, str(root), *commits]
    return Run(*json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def measure_all(root: Path) -> dict[str, list[Run]]:
    commits = write_repository(root / "repository.git")
    mirror = opened(root)
    mirror.fetch()
    compose(root, live=commits.before)
    kept = [(mirror.path / name, root / name) for name in (FACTS_FILE, INVENTORIES_FILE)]
    for beside, copy in kept:
        shutil.copy(beside, copy)
    runs: dict[str, list[Run]] = {side: [] for side in SIDES}
    for _ in range(ROUNDS):
        for side in SIDES:
            for beside, copy in kept:
                beside.unlink(missing_ok=True)
                if side != COLD:
                    shutil.copy(copy, beside)
            runs[side].append(run(side, root, commits))
    return runs


def rows(runs: Mapping[str, list[Run]]) -> list[Row]:
    """Compare each side with the floor in time, and all with the bound of memory."""
    medians = {side: Run(*map(median, zip(*taken, strict=True))) for side, taken in runs.items()}
    base = medians[FLOOR]
    return [
        Row(
            what=side,
            ours=f"{found.seconds * 1000:.0f} ms",
            floor=f"{base.seconds * 1000:.0f} ms",
            ratio=found.seconds / base.seconds,
            promise="-" if side == COLD else f"at most {MOST}x",
            kept=None if side == COLD else found.seconds <= MOST * base.seconds,
        )
        for side, found in medians.items()
        if side not in {FLOOR, LOWER_FLOOR}
    ] + [_memory(runs)]


def _memory(runs: Mapping[str, list[Run]]) -> Row:
    peaks = {side: max(run.megabytes for run in taken) for side, taken in runs.items()}
    most = max(peaks.values())
    return Row(
        what="memory of any of these, at most",
        ours=f"{most:.0f} MB",
        floor=f"{peaks[FLOOR]:.0f} MB",
        ratio=most / peaks[FLOOR],
        promise=f"at most {MOST_MEGABYTES} MB",
        kept=most <= MOST_MEGABYTES,
    )


def _notes(runs: Mapping[str, list[Run]]) -> list[str]:
    cpu = {side: median(run.cpu_seconds for run in taken) for side, taken in runs.items()}
    lower = median(run.seconds for run in runs[LOWER_FLOOR])
    ratios = (
        f"{side} {seconds * 1000:.0f} ms ({seconds / cpu[FLOOR]:.2f}x)" for side, seconds in cpu.items()
    )
    return [
        f"{FILES:,} JSON files, {CHANGED:,} changed by {COMMITS} commits, {2 * CHANGED:,} since a baseline.",
        f"Medians of {ROUNDS} runs each, in turn, each in a process of its own.",
        "The floor: `git diff -M` of two trees, then both sides of the changed files read and parsed once.",
        f"A lower floor, with `git diff --raw`, which looks into no file: {lower * 1000:.0f} ms.",
        f"Time of processors, git's included: {'; '.join(ratios)}.",
    ]


def main() -> None:
    if len(sys.argv) > 1:
        side, folder, *commits = sys.argv[1:]
        print(json.dumps(measure(side, Path(folder), Commits(*commits))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        runs = measure_all(Path(temporary))
    report.write("review_compose", rows(runs), notes=_notes(runs))


if __name__ == "__main__":
    main()
