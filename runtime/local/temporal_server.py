import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from models.errors import OperationRunError
from runtime.local.child_process import Program
from runtime.local.ports import HOST, free_ports, http_answers
from runtime.local.supervisor import Supervisor
from runtime.local.temporal_cli import need_binary

NAMESPACE = "default"
ANSWER_WITHIN = timedelta(seconds=3)
STARTED_WITHIN = timedelta(minutes=1)
# The server's defaults make every operation five times slower: 20 dispatches per second and shard.
DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": 2000,
    "history.timerProcessorMaxPollRPS": 2000,
    "history.visibilityProcessorMaxPollRPS": 2000,
    # A few workers leave some of the usual four partitions unasked for a while, and the work there waits.
    "matching.numTaskqueueWritePartitions": 1,
}


class TemporalDevServer:
    """Temporal's development server on this machine, with its state in one file, `<data_dir>/temporal.db`."""

    def __init__(self, binary: Path, data_dir: Path) -> None:
        self._binary = binary
        self._database = data_dir / "temporal.db"
        self._port, self._ui_port, self._http_port, self._metrics_port = free_ports(4)
        self.address = f"{HOST}:{self._port}"
        self.ui_url = f"http://{HOST}:{self._ui_port}"

    def program(self) -> Program:
        """Return the server as a program to run."""
        flags = {
            "--db-filename": str(self._database),
            "--ip": HOST,
            "--port": str(self._port),
            "--ui-port": str(self._ui_port),
            "--http-port": str(self._http_port),
            "--metrics-port": str(self._metrics_port),
            "--namespace": NAMESPACE,
            "--log-level": "warn",
        }
        words = [word for flag, value in flags.items() for word in (flag, value)]
        for name, value in DYNAMIC_CONFIG.items():
            words += ["--dynamic-config-value", f"{name}={value}"]
        return Program(name="temporal", argv=(str(self._binary), "server", "start-dev", *words))

    def answers(self) -> bool:
        """Say whether the server and its web page answer."""
        return why_silent(self.address, NAMESPACE) is None and http_answers(self._ui_port, "/")


@contextmanager
def running_temporal(data_dir: Path, *, say: Callable[[str], None]) -> Iterator[TemporalDevServer]:
    """Run a server for as long as the block lasts; for tests and measurements.

    Fetches Temporal's CLI first where this machine has none, which can take minutes.
    """
    logs = data_dir / "logs"
    server = TemporalDevServer(need_binary(say=say, logs=logs).path, data_dir)
    supervisor = Supervisor(logs, say=say)
    try:
        supervisor.start(server.program())
        supervisor.wait_for("temporal", lambda _: server.answers(), within=STARTED_WITHIN)
        yield server
    finally:
        supervisor.stop(["temporal"])


def need_answer(address: str, namespace: str) -> None:
    """Raise OperationRunError with the reason if no Temporal server at an address serves a namespace."""
    reason = why_silent(address, namespace)
    if reason:
        raise OperationRunError(
            f"OPERATIONRUN_TEMPORAL_ADDRESS is {address}, but {reason} "
            "Start that server, or unset the variable."
        )


def why_silent(address: str, namespace: str) -> str | None:
    """Ask a Temporal server for a namespace; return None if it knows it, else why not, as a sentence."""
    try:
        asyncio.run(_describe(address, namespace))
    except RPCError as error:
        return f"it answered for the namespace {namespace!r}: {error.message}."
    except (RuntimeError, TimeoutError):
        return "nothing answers there."
    return None


async def _describe(address: str, namespace: str) -> None:
    async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
        client = await Client.connect(address, namespace=namespace)
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
