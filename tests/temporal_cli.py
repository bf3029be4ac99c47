import json
import subprocess
from typing import Any

from runtime.local.temporal_cli import find_binary
from tests.system import System


class TemporalCli:
    """A platform engineer at the Temporal command line."""

    def __init__(self, system: System) -> None:
        self._address = system.ready["temporal_address"]

    def __call__(self, *arguments: str, check: bool = True) -> Any:
        binary = find_binary()
        assert binary is not None
        done = subprocess.run(
            [str(binary.path), *arguments, "--address", self._address, "--output", "json"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def start(
        self, workflow_id: str, workflow_type: str, operation_input: dict[str, Any], *flags: str
    ) -> None:
        self(
            "workflow", "start", "--workflow-id", workflow_id, "--type", workflow_type,
            "--task-queue", "operation-runs", "--input", json.dumps(operation_input), *flags,
        )  # fmt: skip

    def status(self, workflow_id: str) -> str:
        described = self("workflow", "describe", "--workflow-id", workflow_id)
        status: str = described["workflowExecutionInfo"]["status"]
        return status.removeprefix("WORKFLOW_EXECUTION_STATUS_").lower()

    def terminate(self, workflow_id: str) -> None:
        self("workflow", "terminate", "--workflow-id", workflow_id, "--reason", "by hand")

    def cancel(self, workflow_id: str) -> None:
        self("workflow", "cancel", "--workflow-id", workflow_id)
