import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopAsked(BaseException):
    """A signal asked this process to stop; not an Exception, so that nothing on the way swallows it."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise StopAsked in the main thread at the first SIGTERM, SIGINT or SIGHUP of the block."""
    before = {each: signal.signal(each, _raise) for each in STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def ignore_stop_signals() -> None:
    """Let nothing interrupt the way down, which has time limits of its own."""
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)


def _raise(number: int, _frame: FrameType | None) -> None:
    ignore_stop_signals()
    raise StopAsked(signal.Signals(number).name)
