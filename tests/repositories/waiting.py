import os
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep


def wait_until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return once the condition holds; fail where it does not within the deadline."""
    ends_at = monotonic() + seconds
    while not condition():
        assert monotonic() < ends_at, "the condition did not come true in time"
        sleep(0.01)


def is_alive(pid: int) -> bool:
    """Tell whether a process is there that is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def has_group(pgid: int) -> bool:
    """Tell whether any process of the group is left that is not a zombie."""
    for pid in (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            if os.getpgid(pid) == pgid and is_alive(pid):
                return True
        except (ProcessLookupError, FileNotFoundError):
            continue
    return False
