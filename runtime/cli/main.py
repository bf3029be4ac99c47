import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from models.errors import InvalidInput, OperationRunError, SettingsError
from runtime.cli.group import CommandGroup
from runtime.process.exit import INTERRUPTED, run_and_exit
from runtime.telemetry.logging import configure_logging
from services.text import visible

FAILED = 1
MISUSED = 2


@click.group(
    cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110}
)
def operationrun() -> None:
    """One true record for every long operation on a configuration environment."""


def main() -> NoReturn:
    """Run the command line this process was started with, and exit."""
    configure_logging()
    run_and_exit(lambda: run_command(sys.argv[1:]))


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 1 where it failed, 2 where the caller can correct it."""
    try:
        result = operationrun.main(list(arguments), prog_name="operationrun", standalone_mode=False)
    except OperationRunError as error:
        click.echo(f"error: {visible(str(error))}", err=True)
        return MISUSED if isinstance(error, SettingsError | InvalidInput) else FAILED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except Exception as error:
        if not _is_database_out_of_reach(error):
            raise
        click.echo(f"error: the database is out of reach: {str(error).splitlines()[0]}", err=True)
        return FAILED
    return result if isinstance(result, int) else 0


def _is_database_out_of_reach(error: Exception) -> bool:
    """Return whether a driver raised the error; imports none of them, so that help stays quick."""
    drivers = (sys.modules.get(name) for name in ("psycopg", "sqlalchemy.exc"))
    return any(driver is not None and isinstance(error, driver.OperationalError) for driver in drivers)


if __name__ == "__main__":
    main()
