import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Read by prometheus_client when it is first imported.
VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"


@contextmanager
def shared_metrics() -> Iterator[None]:
    """Let the processes that are forked from this one add their metrics up, in a folder that goes with it."""
    folder = tempfile.mkdtemp(prefix="operationrun-metrics-")
    os.environ[VARIABLE] = folder
    owner = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == owner:
            shutil.rmtree(folder, ignore_errors=True)


def forget_process(pid: int) -> None:
    """Take what a process had in use out of the sums; what it counted stays."""
    # Imported late: what it does depends on the folder that is set above.
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

    mark_process_dead(pid)  # type: ignore[no-untyped-call] # it has no types
