import os
from collections.abc import Callable
from time import monotonic, sleep


def wait_until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    """Return once the condition holds; fail where it does not within the deadline."""
    ends_at = monotonic() + seconds
    while not condition():
        assert monotonic() < ends_at, "the condition did not come true in time"
        sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a file that may vanish while it is read
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def has_group(pgid: int) -> bool:
    """Tell whether any process of the group is left that is not a zombie."""
    for pid in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        try:
            if os.getpgid(pid) == pgid and is_alive(pid):
                return True
        except (ProcessLookupError, FileNotFoundError):
            continue
    return False
