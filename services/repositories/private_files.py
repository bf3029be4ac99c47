import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def private_file(content: str = "") -> Iterator[str]:
    """Lend the path of a file that only this user can read; it is gone behind the block.

    On Linux the file has no name on any disk and ends with this process, however it ends. Elsewhere it is a
    temporary file, which a killed process leaves behind.
    """
    in_memory = hasattr(os, "memfd_create")
    # Git and its children inherit no descriptor of it: they open it through this process.
    descriptor, path = (os.memfd_create("operationrun"), "") if in_memory else tempfile.mkstemp()
    try:
        os.fchmod(descriptor, 0o600)
        with os.fdopen(descriptor, "w", closefd=False) as file:
            file.write(content)
        yield path or f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)
        if path:
            os.unlink(path)  # noqa: PTH108 - mkstemp's own name
