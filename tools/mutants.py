"""Break one rule at a time in a copy of the tree; the test that holds the rule must fail.

Usage: make mutants (ARGS="name…" for some of them)
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.broken_rules import MUTANTS, Mutant

ROOT = Path(__file__).parents[1]
PASSED, FAILED = 0, 1


def main(names: Sequence[str]) -> int:
    """Return 1 where a mutant survived, or could not be tried at all."""
    started = time.monotonic()
    chosen = [mutant for mutant in MUTANTS if not names or mutant.name in names]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        # A test that fails already would kill whatever comes.
        whole = pool.submit(try_tests, sorted({mutant.test for mutant in chosen}))
        killed = sum(pool.map(is_killed, chosen))
    if whole.result() != PASSED:
        print("These tests fail without any mutant too; run them by themselves first.")
        return 1
    print(f"{killed} of {len(chosen)} mutants killed, in {time.monotonic() - started:.0f} s.")
    return int(not chosen or killed < len(chosen))


def is_killed(mutant: Mutant) -> bool:
    """Return whether a mutant's test failed, and print what became of it."""
    said = "TEXT IS GONE"
    if mutant.stands_in(ROOT):
        # Any other code says that the test did not run, which proves nothing.
        said = {FAILED: "killed", PASSED: "SURVIVED"}.get(try_tests([mutant.test], mutant), "NOT RUN")
    print(f"{said:>12}  {mutant.name}\n{'':12}  {mutant.file}; {mutant.test}", flush=True)
    return said == "killed"


def try_tests(tests: Sequence[str], mutant: Mutant | None = None) -> int:
    """Run tests in a copy of the tree, with a mutant in it or without; return pytest's exit code."""
    options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
    with tempfile.TemporaryDirectory(prefix="operationrun-mutant-") as folder:
        tree = Path(folder)
        copy_tree(tree)
        if mutant is not None:
            path = tree / mutant.file
            path.write_text(path.read_text().replace(mutant.text, mutant.mutation))
        command = [sys.executable, "-m", "pytest", *options, *tests]
        environment = os.environ | {"PYTHONPATH": folder}
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, check=False)
    return done.returncode


def copy_tree(to: Path) -> None:
    """Copy what Git has, or would take, of this tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        source, target = ROOT / name, to / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
