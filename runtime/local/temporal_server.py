import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfigProfile
from temporalio.service import RPCError

from models.errors import OperationRunError
from runtime.local.child_process import Program
from runtime.local.ports import HOST, free_ports, http_answers
from runtime.local.supervisor import Supervisor
from runtime.local.temporal_cli import need_binary
from runtime.temporal.profile import need_connect_config

NAMESPACE = "default"
ANSWER_WITHIN = timedelta(seconds=3)
STARTED_WITHIN = timedelta(minutes=1)
# The defaults (20 dispatches per second and shard) make every operation five times slower.
DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": 2000,
    "history.timerProcessorMaxPollRPS": 2000,
    "history.visibilityProcessorMaxPollRPS": 2000,
    # With few workers some of the usual four partitions have no poller for a while, and tasks wait there.
    "matching.numTaskqueueWritePartitions": 1,
}


class TemporalDevServer:
    """Temporal's dev server on this machine, with its state in `<data_dir>/temporal.db`."""

    def __init__(self, binary: Path, data_dir: Path) -> None:
        self._binary = binary
        self._database = data_dir / "temporal.db"
        self._port, self._ui_port, self._http_port, self._metrics_port = free_ports(4)
        self.address = f"{HOST}:{self._port}"
        self.profile = ClientConfigProfile(address=self.address, namespace=NAMESPACE)
        self.ui_url = f"http://{HOST}:{self._ui_port}"

    def program(self) -> Program:
        """Return the program to run, with the raised poll rates."""
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
        """Return whether the server and its web UI answer."""
        return unreachable_reason(self.profile) is None and http_answers(self._ui_port, "/")


@contextmanager
def running_temporal(data_dir: Path, *, say: Callable[[str], None]) -> Iterator[TemporalDevServer]:
    """Run a server while the block lasts; for tests and benchmarks.

    Fetches Temporal's CLI where this machine has none, which can take minutes.
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


def need_answer(profile: ClientConfigProfile) -> None:
    """Raise OperationRunError if no Temporal server at a profile's address serves its namespace."""
    reason = unreachable_reason(profile)
    if reason:
        raise OperationRunError(
            f"Temporal's address is {profile.address}, but {reason} Start that server, or correct "
            "OPERATIONRUN_TEMPORAL_ADDRESS (else TEMPORAL_ADDRESS)."
        )


def unreachable_reason(profile: ClientConfigProfile) -> str | None:
    """Return in a sentence why no Temporal server serves a profile's namespace there; None if one does."""
    try:
        asyncio.run(_describe(profile))
    except RPCError as error:
        return f"it answered for the namespace {profile.namespace!r}: {error.message}."
    except (RuntimeError, TimeoutError):
        return "nothing answers there."
    return None


async def _describe(profile: ClientConfigProfile) -> None:
    async with asyncio.timeout(ANSWER_WITHIN.total_seconds()):
        client = await Client.connect(**need_connect_config(profile))
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
