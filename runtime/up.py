from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from runtime.data_directory import held
from runtime.local_system import LocalSystem, Started
from runtime.settings import Settings
from runtime.stop_signals import StopAsked, ignore_stop_signals, stop_on_signals


@dataclass(frozen=True, kw_only=True)
class UpOptions:
    """What `operationrun up` was asked for; port 0 takes any that is free."""

    data_dir: Path
    port: int
    sample: bool = True
    worker: bool = True
    ready_file: Path | None = None


def run_up(
    options: UpOptions, settings: Settings, *, say: Callable[[str], None], announce: Callable[[Started], None]
) -> None:
    """Run everything on this machine until a signal asks to stop.

    `say` gets each step as a line, `announce` what stands once everything answers. Raises
    OperationRunError if something does not start; whatever was started is stopped first.
    """
    try:
        with stop_on_signals(), held(options.data_dir):
            _run(options, settings, say=say, announce=announce)
    except StopAsked:
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
