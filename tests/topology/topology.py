import json
import os
import signal
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil

from runtime.local.child_process import Child, Program, run_to_end
from tests.system import wait_for
from tests.topology.application import Application
from tests.topology.compose_file import ComposeFile, Service
from tests.topology.machine import Machine
from tests.topology.postgres import Postgres
from tests.topology.programs import Programs
from tests.topology.steps import Steps
from tests.topology.temporal import Temporal

STARTED_WITHIN = 120.0
COMPLETED_WITHIN = timedelta(minutes=2)
# Temporal's page is a program of its own, and nothing of ours waits for it.
LEFT_OUT = {"temporal-ui"}


class Topology:
    """The services of docker-compose.yml as processes of this machine."""

    def __init__(self, folder: Path, programs: Programs, steps: Steps) -> None:
        self.file = ComposeFile()
        self.machine = Machine(folder, self.file)
        self.postgres = Postgres(self.file, self.machine, programs)
        self.temporal = Temporal(self.file, self.machine, programs)
        self.application = Application(file=self.file, machine=self.machine, web_port=self.machine.web_port)
        self._steps = steps
        self._children: dict[str, Child] = {}
        self._answers: dict[str, Callable[[], bool]] = {}

    def up(self) -> None:
        """Start every service after those it waits for, and see that what they wait for comes true."""
        for service in self.file.start_order():
            if service.name not in LEFT_OUT:
                with self._steps.step("start", service.name):
                    self._begin(service)

    def down(self) -> None:
        """Stop everything, what others need last; whatever happened before."""
        for name in reversed(list(self._children)):
            self._children[name].stop()
        self._end_remotes()

    def begin(self, application: Application, name: str) -> list[str]:
        """Start all processes of one of our services; wait until they are ready, or have done their work."""
        service = self.file.services[name]
        if "restart" not in service.said:
            done = run_to_end(application.program(service), self.machine.logs, within=COMPLETED_WITHIN)
            assert done.exit_code() == 0, done.last_words(20)
            return []
        several = range(1, service.replicas + 1) if service.replicas > 1 else [None]
        programs = [application.program(service, number) for number in several]
        asked = (lambda: application.answers(service)) if "healthcheck" in service.said else None
        for program in programs:
            self._launch(program, asked)
        for program in programs:
            self._await(program.name)
        return [program.name for program in programs]

    def restart(self, *names: str) -> None:
        """Start processes that ended again, as Docker does, and wait until they answer."""
        for name in names:
            self._launch(self._children[name].program, self._answers[name])
        for name in names:
            self._await(name)

    def lives(self, name: str) -> bool:
        return self._children[name].exit_code() is None

    def pid(self, name: str) -> int:
        return self._children[name].pid

    def kill(self, name: str) -> None:
        """Kill a process as `kill -9` does."""
        os.kill(self.pid(name), signal.SIGKILL)
        assert self._children[name].wait(timedelta(seconds=10))

    def ask_to_stop(self, name: str) -> None:
        """Send what `docker compose stop` sends first."""
        os.kill(self.pid(name), self._children[name].program.stop_signal)

    def ended(self, name: str) -> int:
        """Return the exit code of a process asked to stop; fail where Docker would have killed it."""
        child = self._children[name]
        assert child.wait(child.program.stop_within), f"{name} did not stop in {child.program.stop_within}"
        code = child.exit_code()
        assert code is not None
        return code

    def stop(self, names: Iterable[str]) -> None:
        """Stop processes, all at once."""
        for name in (stopped := list(names)):
            self.ask_to_stop(name)
        assert {name: self.ended(name) for name in stopped} == dict.fromkeys(stopped, 0)

    def workers(self) -> list[str]:
        return [f"worker-{number}" for number in range(1, self.file.services["worker"].replicas + 1)]

    def working_on(self, marker: Callable[[psutil.Process], bool], workers: Iterable[str]) -> str:
        """Return the worker that a process belongs to, wherever in its family."""

        def look() -> str | None:
            return next((name for name in workers if any(map(marker, self.family(name)))), None)

        return wait_for(look, what="a worker to be at it")

    def family(self, name: str) -> list[psutil.Process]:
        try:
            return psutil.Process(self.pid(name)).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def open_the_door(self) -> dict[str, Any]:
        """Make a workspace, a token and a way for a person to sign in, by the commands people use."""
        run = self.application.run
        run("workspace", "create", "default")
        self.application.connect()
        token = run("token", "create", "--workspace", "default", "--role", "owner", "--name", "first")
        person = run("user", "create", "ada@example.org", "--workspace", "default", "--role", "owner")
        link = next(value for value in person.values() if str(value).startswith("http"))
        (self.machine.folder / "up.log").write_text(f"Sign in (once): {link}\n")
        ready = {
            "web_url": f"http://127.0.0.1:{self.machine.web_port}",
            "temporal_address": self.machine.temporal_address,
            "database_url": self.postgres.url("operationrun"),
            "api_token": token["token"],
        }
        (self.machine.folder / "ready.json").write_text(json.dumps(ready))
        return ready

    def _end_remotes(self) -> None:
        """Kill what still waits at the other side of a push or fetch, with a repository as its folder."""
        for process in psutil.process_iter(["cwd"]):
            if Path(process.info["cwd"] or "/").is_relative_to(self.machine.repositories):
                with suppress(psutil.NoSuchProcess):
                    process.kill()

    def _begin(self, service: Service) -> None:
        if service.name == "postgres":
            self.postgres.make()
            self._launch(self.postgres.program(), self.postgres.answers)
            self._await("postgres")
            self.postgres.make_databases()
        elif service.name == "temporal":
            self.temporal.make_schemas()
            self._launch(self.temporal.program(), self.temporal.answers)
            self._await("temporal", lambda: self.temporal.make_namespace("default"))
            self._await("temporal")
        else:
            self.begin(self.application, service.name)

    def _launch(self, program: Program, asked: Callable[[], bool] | None) -> None:
        """Start a process; where nobody can be asked, the line it says once it is ready has to do."""
        name = program.name
        self._children[name] = Child(program, self.machine.logs)
        self._answers[name] = asked or (lambda: self._said_ready(name))

    def _said_ready(self, name: str) -> bool:
        self._children[name].new_lines()
        return self._children[name].is_ready

    def _await(self, name: str, answers: Callable[[], bool] | None = None) -> None:
        """Wait until a process answers; fail with its last words where it does not."""
        child, asked = self._children[name], answers or self._answers[name]

        def ready() -> bool:
            return child.exit_code() is not None or asked()

        try:
            wait_for(ready, what=f"{name} to be ready", patience=STARTED_WITHIN)
        finally:
            if child.exit_code() is not None or not asked():
                print(f"{name}, exit code {child.exit_code()}:\n{child.last_words(20)}")  # noqa: T201
        assert child.exit_code() is None, name
