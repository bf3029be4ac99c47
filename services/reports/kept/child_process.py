import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final

from models.errors import ReportFailed, ReportTooLarge
from services.reports.kept.file_names import FileName
from services.reports.kept.rendering_child import DONE, TOO_LARGE

# The bound is the child's processor time; this one is for a machine that gives it none.
RENDERED_WITHIN: Final = timedelta(minutes=5)

_ROOT: Final = Path(__file__).resolve().parents[3]
_PAST_PROCESSOR_TIME: Final = -signal.SIGXCPU


def render_in_child(name: FileName, review: BinaryIO, out: BinaryIO) -> None:
    """Render a report or pack of the review in a file (review_file.py) to another, in a bounded child.

    Raises ReportTooLarge where it takes more memory, processor time or room than one may, and ReportFailed
    where the child ends in any other way than by writing the file, or not at all.
    """
    review.seek(0)
    child = subprocess.Popen(
        # -P keeps the current folder off the path: a package of the same name there would replace ours.
        [sys.executable, "-P", "-m", "services.reports.kept.rendering_child", str(name)],
        stdin=review,
        stdout=out,
        stderr=subprocess.PIPE,
        env=_environment(),
        # A group of its own, so that the compiler ends with it.
        process_group=0,
    )
    try:
        _, said = child.communicate(timeout=RENDERED_WITHIN.total_seconds())
    except subprocess.TimeoutExpired:
        raise ReportFailed from None
    finally:
        _end(child)
    if child.returncode in {TOO_LARGE, _PAST_PROCESSOR_TIME, -signal.SIGKILL}:
        raise ReportTooLarge
    if child.returncode != DONE:
        raise ReportFailed from RuntimeError(said[-2000:].decode(errors="replace"))


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.returncode is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def _environment() -> dict[str, str]:
    """Return the child's environment: no setting of ours, as most of them are secrets."""
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONPATH": str(_ROOT)}
