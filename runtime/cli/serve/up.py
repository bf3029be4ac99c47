import contextlib
import os
from pathlib import Path

import click

from runtime.cli.output import json_option, show
from runtime.local.stack import Started
from runtime.local.up import UpOptions, run_up
from runtime.settings import Settings
from runtime.temporal.profile import without_profile

PORT = 8080
OWNER_ONLY = 0o077


@click.command("up")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Where everything is kept. [default: .operationrun]"
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0 takes a free one."
)
@click.option("--no-sample", is_flag=True, help="Leave the sample environment out.")
@click.option("--no-worker", is_flag=True, help="Leave the worker out; start it yourself.")
@click.option(
    "--ready-file", type=click.Path(path_type=Path), help="Write JSON here once everything answers."
)
@json_option
def command(
    *,
    data_dir: Path | None,
    port: int,
    no_sample: bool,
    no_worker: bool,
    ready_file: Path | None,
    as_json: bool,
) -> None:
    """Run PostgreSQL, Temporal, worker and web on this machine, until Ctrl-C or SIGTERM."""
    # Databases, logs and tokens are for this user alone.
    os.umask(OWNER_ONLY)
    # A person's own profile is for the cluster they work with, not for this machine's server.
    settings = Settings.from_environment(without_profile(os.environ))
    options = UpOptions(
        data_dir=(data_dir or settings.data_dir).resolve(),
        port=port,
        sample=not no_sample,
        worker=not no_worker,
        ready_file=ready_file.resolve() if ready_file else None,
    )

    def say(line: str) -> None:
        # A closed output must not stop what runs.
        with contextlib.suppress(OSError):
            click.echo(line, err=as_json)

    def announce(started: Started) -> None:
        if as_json:
            show(started.ready.as_dict() | {"sign_in_url": started.sign_in_url}, as_json=True)
        else:
            for line in _lines(started):
                say(line)

    run_up(options, settings, say=say, announce=announce)


def _lines(started: Started) -> list[str]:
    ready = started.ready
    console = [f"  Temporal's console: {ready.temporal_ui_url}"] if ready.temporal_ui_url else []
    return [
        "",
        f"OperationRun is ready: {ready.web_url}",
        f"  Sign in (once):     {started.sign_in_url}",
        *console,
        "  Ctrl-C stops everything; the data stays.",
        "",
    ]
