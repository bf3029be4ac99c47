"""Record the history of every ending of every workflow anew, for the release that stands here.

Usage: make histories
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from tests.feature.temporal_cli import TemporalCli
from tests.replay.endings import ENDINGS
from tests.replay.replaying import HISTORIES
from tests.replay.scrubbing import scrub, written
from tests.system import System, up


def main() -> int:
    """Play every ending on a system of this tool's own; write only when all have been."""
    folder = HISTORIES / version("operationrun")
    with tempfile.TemporaryDirectory(prefix="operationrun-") as scratch:
        with up(Path(scratch) / "up") as system:
            texts = {name: _record(system, name) for name in ENDINGS}
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.json"):
        stale.unlink()
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text)
    print(f"{len(texts)} histories in {folder.relative_to(Path.cwd())}")
    return 0


def _record(system: System, name: str) -> str:
    workflow_id = ENDINGS[name](system)
    text = written(scrub(TemporalCli(system)("workflow", "show", "--workflow-id", workflow_id)))
    print(f"{name:28} {text.count(chr(10)) - 2:3} events {len(text):6} bytes", flush=True)
    return text


if __name__ == "__main__":
    sys.exit(main())
