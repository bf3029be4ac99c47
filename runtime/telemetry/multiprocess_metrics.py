import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# prometheus_client reads it at its first import.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Sum the metrics of the processes forked from this one, in a folder that is removed after the block."""
    folder = tempfile.mkdtemp(prefix="operationrun-metrics-")
    os.environ[VARIABLE] = folder
    owner = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def forget_process(pid: int) -> None:
    """Remove the gauges of a process that ended from the sums; its counters stay."""
    # Imported late: at its import it reads the variable that shared_metrics sets.
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(pid)  # type: ignore[no-untyped-call] # it has no types
