import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import OperationRunError


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Make a data directory and lock it for this process; raise OperationRunError if another has the lock.

    The operating system releases the lock when this process ends, also when it is killed.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperationRunError(f"--data-dir {data_dir} cannot be made: {error.strerror}.") from error
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise OperationRunError(
                f"Another `operationrun up` (pid {lock.read().strip() or 'unknown'}) uses {data_dir}. "
                "Stop that one, or pass another --data-dir."
            ) from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield
