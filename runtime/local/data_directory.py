import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from models.errors import OperationRunError


@contextmanager
def held(data_dir: Path) -> Iterator[None]:
    """Make a data directory and hold it for this process alone; raise OperationRunError if another holds it.

    The lock is the operating system's: it is gone with this process, however that ends.
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
