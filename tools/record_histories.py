"""Record the history of every ending of every workflow for the version in pyproject.toml.

Usage: make histories
"""

import sys
import tempfile
from pathlib import Path

from tests.replay.endings import ENDINGS
from tests.replay.replaying import THIS_RELEASE
from tests.replay.scrubbing import scrub, written
from tests.system import System, up
from tests.temporal_cli import TemporalCli


def main() -> int:
    """Play every ending on a system of its own; write the files once all are recorded."""
    with tempfile.TemporaryDirectory(prefix="operationrun-") as scratch, up(Path(scratch) / "up") as system:
        texts = {name: _record(system, name) for name in ENDINGS}
    THIS_RELEASE.mkdir(parents=True, exist_ok=True)
    for stale in THIS_RELEASE.glob("*.json"):
        stale.unlink()
    for name, text in texts.items():
        (THIS_RELEASE / f"{name}.json").write_text(text)
    print(f"{len(texts)} histories in {THIS_RELEASE.relative_to(Path.cwd())}")
    return 0


def _record(system: System, name: str) -> str:
    workflow_id = ENDINGS[name](system)
    text = written(scrub(TemporalCli(system)("workflow", "show", "--workflow-id", workflow_id)))
    print(f"{name:28} {text.count(chr(10)) - 2:3} events {len(text):6} bytes", flush=True)
    return text


if __name__ == "__main__":
    sys.exit(main())
