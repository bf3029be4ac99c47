import atexit
import contextlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

INTERRUPTED = 130


def run_and_exit(main: Callable[[], int]) -> NoReturn:
    """Run a process's main function and end the process with the exit code it returns.

    Exit handlers run and output is flushed, but the interpreter is not finalized: Temporal's threads
    take the interpreter lock while it is, and every few exits the process would die with 134 instead
    (temporalio/sdk-python issue 300). A SystemExit keeps its code; any other exception is printed, 1.
    """
    code = 1
    try:
        code = main()
    except SystemExit as stop:
        code = code_of(stop)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`operationrun runs | head`): nobody is left to tell.
        code = 1
    except BaseException:  # noqa: BLE001 # the last place that can tell of it
        traceback.print_exc()
    finally:
        leave(code)


def leave(code: int) -> NoReturn:
    """End this process now, after its exit handlers, with what it wrote flushed."""
    for last_act in (atexit._run_exitfuncs, logging.shutdown, sys.stdout.flush, sys.stderr.flush):  # noqa: SLF001 # os._exit skips them
        # What cannot be flushed is lost either way, and is no reason to end otherwise than asked.
        with contextlib.suppress(Exception):
            last_act()
    os._exit(code)


def code_of(stop: SystemExit) -> int:
    """Return the exit code a SystemExit stands for, as the interpreter reads it; print its message."""
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    sys.stderr.write(f"{stop.code}\n")
    return 1
