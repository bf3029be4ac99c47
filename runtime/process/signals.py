import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class StopRequested(BaseException):
    """This process got a stop signal; a BaseException, so that no `except Exception` swallows it."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise StopRequested in the main thread at the first SIGTERM, SIGINT or SIGHUP of the block."""
    before = {each: signal.signal(each, _raise) for each in STOPPING}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def ignore_stop_signals() -> None:
    """Ignore further stop signals: the shutdown has time limits of its own."""
    for each in STOPPING:
        signal.signal(each, signal.SIG_IGN)


def _raise(number: int, _frame: FrameType | None) -> None:
    ignore_stop_signals()
    raise StopRequested(signal.Signals(number).name)
