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
    """Run a process's main function and end the process with the exit code that it returns.

    Runs exit handlers and flushes output, but does not finalize the interpreter: Temporal's threads take the
    interpreter lock meanwhile, and one exit in a few would abort with 134 (temporalio/sdk-python issue 300).
    A SystemExit keeps its code; any other exception is printed and gives 1.
    """
    code = 1
    try:
        code = main()
    except SystemExit as stop:
        code = code_of(stop)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone (`operationrun runs | head`), so no message would arrive.
        code = 1
    except BaseException:  # noqa: BLE001 # the last place that can report it
        traceback.print_exc()
    finally:
        leave(code)


def leave(code: int) -> NoReturn:
    """Run exit handlers, flush output and end this process, without finalizing the interpreter."""
    for last_act in (atexit._run_exitfuncs, logging.shutdown, sys.stdout.flush, sys.stderr.flush):  # noqa: SLF001 # os._exit skips them
        # Output that cannot be flushed is lost either way, and must not change the exit code.
        with contextlib.suppress(Exception):
            last_act()
    os._exit(code)


def code_of(stop: SystemExit) -> int:
    """Return the exit code of a SystemExit as the interpreter defines it; print its message, if any."""
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    sys.stderr.write(f"{stop.code}\n")
    return 1
