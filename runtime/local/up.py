from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.local.data_directory import locked
from runtime.local.stack import LocalSystem, Started
from runtime.process.signals import StopRequested, ignore_stop_signals, stop_on_signals
from runtime.settings import Settings


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """The options of `operationrun up`; port 0 takes a free one."""

    data_dir: Path
    port: int
    sample: bool = True
    worker: bool = True
    ready_file: Path | None = None


def run_up(
    options: UpOptions, settings: Settings, *, say: Callable[[str], None], announce: Callable[[Started], None]
) -> None:
    """Run everything on this machine until SIGTERM, SIGINT or SIGHUP.

    `say` gets each step as a line, and `announce` the addresses once everything answers. Raises
    OperationRunError if a program does not start, after stopping those that did.
    """
    try:
        with stop_on_signals(), locked(options.data_dir):
            _run(options, settings, say=say, announce=announce)
    except StopRequested:
        say("Stopped.")


def _run(
    options: UpOptions, settings: Settings, *, say: Callable[[str], None], announce: Callable[[Started], None]
) -> None:
    system = LocalSystem(options.data_dir, settings, ready_file=options.ready_file, say=say)
    try:
        announce(system.start(port=options.port, sample=options.sample, worker=options.worker))
        system.supervisor.watch()
    finally:
        ignore_stop_signals()
        system.stop()
