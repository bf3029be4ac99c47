"""Render one report or pack in a process of its own, within limits of memory, processor time and size.

Reads a review (review_file.py) from standard input, which is a file, and writes to standard output. It
knows neither the database nor any secret: what a repository holds is read here, and nothing else. Run by
child_process.py.
"""

import errno
import os
import resource
import signal
import subprocess
import sys
from typing import BinaryIO, Final

from services.reports.kept.file_names import FileName
from services.reports.kept.review_file import read_review
from services.reports.packs.writing import write_pack
from services.reports.rendering import report_of, write_report
from services.reviews.readiness import Profile

MEMORY: Final = 512 * 1024 * 1024
PROCESSOR_SECONDS: Final = 60
LARGEST_FILE: Final = 256 * 1024 * 1024

DONE: Final = 0
TOO_LARGE: Final = 3
# How the compiler ends where it gets no memory, and any process past its processor time.
_PAST_A_LIMIT: Final = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGXCPU, -signal.SIGKILL}


def main(name: str) -> int:
    """Render the file of that name; return the exit code."""
    _limit()
    try:
        _render(FileName.parse(name), sys.stdin.buffer, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    except MemoryError:
        return TOO_LARGE
    except OSError as error:
        if error.errno == errno.EFBIG:
            return TOO_LARGE
        raise
    except subprocess.CalledProcessError as error:
        if error.returncode in _PAST_A_LIMIT:
            return TOO_LARGE
        raise
    return DONE


def _limit() -> None:
    """Bound this process and the compiler's, and let what answers requests go first."""
    for what, most in (
        (resource.RLIMIT_DATA, MEMORY),
        (resource.RLIMIT_CPU, PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
    ):
        resource.setrlimit(what, (most, most))
    os.nice(5)


def _render(name: FileName, review: BinaryIO, out: BinaryIO) -> None:
    source = read_review(review)
    if name.form is None:
        write_pack(source, out, profiles=(name.profile,) if name.profile else tuple(Profile))
    elif name.profile is not None:
        out.writelines(write_report(report_of(source, name.profile), source.changes(), name.form))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
