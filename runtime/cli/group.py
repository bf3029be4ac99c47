import importlib
from typing import NamedTuple

import click


class LazyCommand(NamedTuple):
    """A command of `operationrun`: the module that holds it as `command`, and one line for the help."""

    module: str
    summary: str


COMMANDS = {
    "up": LazyCommand("runtime.cli.serve.up", "Run everything on this machine."),
    "worker": LazyCommand("runtime.cli.serve.worker", "Run a worker for Temporal's task queue."),
    "web": LazyCommand("runtime.cli.serve.web", "Run the web server."),
    "migrate": LazyCommand("runtime.cli.admin.migrate", "Bring the database's schema up to date."),
    "setup-temporal": LazyCommand(
        "runtime.cli.admin.setup_temporal", "Create what Temporal's namespace needs."
    ),
    "workspace": LazyCommand("runtime.cli.admin.workspace", "Workspaces and their people."),
    "user": LazyCommand("runtime.cli.admin.user", "Let people sign in: roles, links, passwords."),
    "token": LazyCommand("runtime.cli.admin.token", "Bearer tokens for programs."),
    "connection": LazyCommand(
        "runtime.cli.remote.connection", "With which credentials a workspace reaches its repositories."
    ),
    "environment": LazyCommand(
        "runtime.cli.remote.environment", "Environments, restore points and restore plans."
    ),
    "start": LazyCommand("runtime.cli.remote.start", "Start an operation."),
    "runs": LazyCommand("runtime.cli.remote.runs", "List runs."),
    "show": LazyCommand("runtime.cli.remote.show", "Show one run."),
    "cancel": LazyCommand("runtime.cli.remote.cancel", "Request a run's cancellation."),
    "reconcile": LazyCommand("runtime.cli.remote.reconcile", "Check a run and settle it by what is true."),
    "sweep": LazyCommand("runtime.cli.admin.sweep", "Sweep now, or say what a sweep would do."),
    "prune": LazyCommand("runtime.cli.admin.prune", "Delete old runs that nothing needs any more."),
    "audit": LazyCommand("runtime.cli.admin.audit", "Who did what, and whether that record is whole."),
    "verify-pack": LazyCommand("runtime.cli.remote.verify_pack", "Say whether a review pack is unchanged."),
    "doctor": LazyCommand(
        "runtime.cli.admin.doctor", "Say what is missing on this machine, and how to fix it."
    ),
}


class CommandGroup(click.Group):
    """Imports a command's module only when that command runs, so that help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 # click's signature
        """Return the names, in the order of the list."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 # click's
        """Return a command by name, None if there is none."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 # click's
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])
