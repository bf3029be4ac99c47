import os
import signal
from collections.abc import Mapping
from pathlib import Path

from models.errors import SettingsError
from services.kill_points import KILL_POINTS, FaultHook, no_op

SWITCH = "OPERATIONRUN_FAULT_LANE"
ON = "this process is meant to fail"


def faults(environ: Mapping[str, str] = os.environ) -> FaultHook:
    """Return what a worker does at its kill points: nothing, unless the fault lane switched it on.

    `OPERATIONRUN_FAULT_LANE` is `<on>:<folder>`. A file in the folder that is named after a point makes the
    first worker that reaches the point take the file and do what it says: `kill`, or `stop` (SIGSTOP, until
    SIGCONT). Raises SettingsError for any other value, so that a typing error cannot switch it on.
    """
    value = environ.get(SWITCH)
    if not value:
        return no_op
    on, _, folder = value.partition(":")
    if on != ON or not Path(folder).is_dir():
        raise SettingsError(f"{SWITCH} is for the fault lane alone; unset it.")
    return _Faults(Path(folder)).inject


class _Faults:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def inject(self, point: str) -> None:
        if point not in KILL_POINTS:
            raise ValueError(f"{point} is not in KILL_POINTS")
        order = self._folder / point
        taken = self._folder / f"{point}.taken-by-{os.getpid()}"
        try:
            order.rename(taken)
        except FileNotFoundError:
            return
        stop = taken.read_text().strip() == "stop"
        os.kill(os.getpid(), signal.SIGSTOP if stop else signal.SIGKILL)
