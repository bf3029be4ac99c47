import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.local.child_process import Program
from runtime.local.own_program import own_argv
from runtime.local.ports import http_answers
from tests.topology.compose_file import ROOT, ComposeFile, Service
from tests.topology.machine import Machine

# What a test does that people do not: it asks all the time, and its repositories are folders.
ASKED_OFTEN = {
    "OPERATIONRUN_TOKEN_REQUESTS_PER_MINUTE": "100000",
    "OPERATIONRUN_TOKEN_REQUESTS_AT_ONCE": "10000",
}


@dataclass(frozen=True, kw_only=True)
class Application:
    """Our image at one version: what the file runs of it, as programs of this machine.

    `tree` is the source that is run, `name` goes before the names of its programs and volumes, and
    `settings` are what differs from the file's.
    """

    file: ComposeFile
    machine: Machine
    web_port: int
    tree: Path = ROOT
    name: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    def program(self, service: Service, number: int | None = None) -> Program:
        """Return one process of a service."""
        name = f"{self.name}{service.name}{f'-{number}' if number else ''}"
        return Program(
            name=name,
            argv=self._argv(service.command),
            environment=self._environment(service),
            stop_within=service.stop_within,
            ready_line="worker ready" if service.name == "worker" else None,
        )

    def answers(self, service: Service) -> bool:
        """Ask a service what the file's health check asks."""
        interpreter, *words = service.health_test
        assert interpreter == "python"
        if not http_answers(self.web_port, "/healthz"):
            return False
        asked = [sys.executable, *(self._here(word) for word in words)]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    def run(self, *arguments: str) -> dict[str, Any]:
        """Run a command in a worker's container, as `docker compose exec worker operationrun` does."""
        done = subprocess.run(
            self._argv(("operationrun", *arguments, "--json")),
            env=self._environment(self.file.services["worker"]),
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def connect(self) -> None:
        """Let the workspace `default` reach the repositories of this machine."""
        folder = str(self.machine.repositories)
        self.run(
            "connection", "create", "--workspace", "default", "--name", "files",
            "--kind", "file", "--url-prefix", folder,
        )  # fmt: skip

    def _argv(self, command: tuple[str, ...]) -> tuple[str, ...]:
        first, *arguments = command
        assert first == "operationrun"
        return own_argv("runtime.cli.main", *(self._here(word) for word in arguments))

    def _environment(self, service: Service) -> dict[str, str]:
        given = {name: self._here(value) for name, value in service.environment.items()}
        return {
            **self.machine.bare_environment(),
            "PYTHONPATH": str(self.tree),
            "PYTHONUNBUFFERED": "1",
            **given,
            **ASKED_OFTEN,
            "OPERATIONRUN_DATA_DIR": str(self.machine.volume(f"{self.name}{service.name}")),
            "OPERATIONRUN_ALLOWED_FILE_ROOTS": str(self.machine.repositories),
            **self.settings,
        }

    def _here(self, text: str) -> str:
        return self.machine.here(text, web_port=self.web_port)
