import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PATH = ROOT / "docker-compose.yml"
# What Docker gives a container where the file says nothing.
STOP_WITHIN = timedelta(seconds=10)
_DEFAULTED = re.compile(r"\$\{\w+:-([^}]*)\}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service as docker-compose.yml describes it."""

    name: str
    said: Mapping[str, Any]

    @property
    def command(self) -> tuple[str, ...]:
        return tuple(map(str, self.said.get("command", ())))

    @property
    def environment(self) -> dict[str, str]:
        """The variables, each `${NAME:-default}` as its default."""
        given = self.said.get("environment", {})
        return {name: _DEFAULTED.sub(r"\1", str(value)) for name, value in given.items()}

    @property
    def health_test(self) -> tuple[str, ...]:
        """The command that a container is asked with; without the word CMD before it."""
        first, *command = self.said["healthcheck"]["test"]
        assert first == "CMD", self.name
        return tuple(command)

    @property
    def stop_within(self) -> timedelta:
        said = self.said.get("stop_grace_period")
        return duration(said) if said else STOP_WITHIN

    @property
    def replicas(self) -> int:
        return int(self.said.get("deploy", {}).get("replicas", 1))


class ComposeFile:
    """docker-compose.yml, read for what is run here as processes."""

    def __init__(self, path: Path = PATH) -> None:
        self._text = path.read_text()
        said = yaml.safe_load(self._text)
        self.services = {name: Service(name=name, said=each) for name, each in said["services"].items()}
        self._configs: Mapping[str, Any] = said["configs"]

    def start_order(self) -> list[Service]:
        """Return the services so that each stands after all it waits for."""
        waits = {name: service.said.get("depends_on", {}) for name, service in self.services.items()}
        return [self.services[name] for name in TopologicalSorter(waits).static_order()]

    def config(self, name: str) -> str:
        """Return a config's content as its container reads it."""
        content: str = self._configs[name]["content"]
        return content.replace("$$", "$")

    def secrets_command(self) -> str:
        """Return the shell command at the file's top that makes the secrets."""
        first_step = re.split(r"^# \d\. ", self._text.split("\nname:")[0], flags=re.MULTILINE)[1]
        lines = [line.removeprefix("#") for line in first_step.splitlines() if line.startswith("#   ")]
        return "\n".join(lines)


def duration(said: str) -> timedelta:
    """Read a duration as Compose and Temporal write it: 45s, 1m, 72h."""
    number, unit = said[:-1], said[-1]
    return timedelta(**{_UNITS[unit]: int(number)})
