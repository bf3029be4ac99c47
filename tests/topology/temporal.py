import random
import subprocess
from datetime import timedelta
from typing import Any

import yaml

from runtime.local.child_process import Program
from runtime.local.ports import HOST, free_ports, is_free
from tests.topology.compose_file import ComposeFile
from tests.topology.machine import Machine
from tests.topology.programs import Programs

# By the folder that the image and the built-in schemas know it by.
SCHEMAS = {"DBNAME": "postgresql/v12/temporal", "VISIBILITY_DBNAME": "postgresql/v12/visibility"}
PARTS = ("frontend", "history", "matching", "worker")
# What the image's own configuration gives each of the four parts.
CONNECTIONS = {"DBNAME": 20, "VISIBILITY_DBNAME": 10}


class Temporal:
    """The file's service `temporal`: Temporal's own server on PostgreSQL, set up as the image does it."""

    def __init__(self, file: ComposeFile, machine: Machine, programs: Programs) -> None:
        self._file, self._machine, self._programs = file, machine, programs
        self._service = file.services["temporal"]
        self._given = self._service.environment
        self._folder = machine.volume("temporal")

    def make_schemas(self) -> None:
        """Bring both of its databases to this version's schema."""
        for database, schema in SCHEMAS.items():
            self._schema_tool(self._given[database], "setup-schema", "--version", "0.0")
            self._schema_tool(self._given[database], "update-schema", "--schema-name", schema)

    def program(self) -> Program:
        """Write the configuration anew, on free ports, and return the server."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "dynamic.yaml").write_text(self._file.config("temporal"))
        (self._folder / "server.yaml").write_text(yaml.safe_dump(self._configuration()))
        return Program(
            name="temporal",
            argv=(
                str(self._programs.temporal / "temporal-server"),
                *(
                    "--root",
                    str(self._folder),
                    "--config",
                    ".",
                    "--env",
                    "server",
                    "--allow-no-auth",
                    "start",
                ),
            ),
            environment=self._machine.bare_environment(),
            stop_within=self._service.stop_within,
        )

    def answers(self) -> bool:
        """Ask it what the file's health check asks."""
        name, *arguments = self._service.health_test
        assert name == "temporal"
        return self._cli(*arguments).returncode == 0

    def make_namespace(self, name: str) -> bool:
        """Make a namespace with the file's retention; return False where the server does not answer yet."""
        retention = self._given["DEFAULT_NAMESPACE_RETENTION"]
        done = self._cli("operator", "namespace", "create", "--namespace", name, "--retention", retention)
        return done.returncode == 0 or "already" in done.stderr

    def _cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"TEMPORAL_ADDRESS": self._machine.here(self._given["TEMPORAL_ADDRESS"])}
        return subprocess.run(
            [self._programs.temporal_cli, *arguments],
            env={**self._machine.bare_environment(), **environment},
            text=True,
            capture_output=True,
            check=False,
        )

    def _schema_tool(self, database: str, *arguments: str) -> None:
        access = {
            "SQL_PLUGIN": self._given["DB"],
            "SQL_HOST": HOST,
            "SQL_PORT": str(self._machine.postgres_port),
            "SQL_USER": self._given["POSTGRES_USER"],
            "SQL_PASSWORD": self._machine.secret("temporal_password"),
        }
        done = subprocess.run(
            [self._programs.temporal / "temporal-sql-tool", "--db", database, *arguments],
            env={**self._machine.bare_environment(), **access},
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _configuration(self) -> dict[str, Any]:
        stores = {name: {"sql": self._store(name)} for name in SCHEMAS}
        return {
            "log": {"stdout": True, "level": "warn"},
            "persistence": {
                "defaultStore": "DBNAME",
                "visibilityStore": "VISIBILITY_DBNAME",
                "numHistoryShards": int(self._given["NUM_HISTORY_SHARDS"]),
                "datastores": stores,
            },
            "global": {"membership": {"maxJoinDuration": "30s", "broadcastAddress": HOST}},
            "services": self._parts(),
            "clusterMetadata": self._cluster(),
            "dcRedirectionPolicy": {"policy": "noop"},
            "dynamicConfigClient": {"filepath": str(self._folder / "dynamic.yaml"), "pollInterval": "60s"},
        }

    def _store(self, name: str) -> dict[str, Any]:
        return {
            "pluginName": self._given["DB"],
            "databaseName": self._given[name],
            "connectAddr": f"{HOST}:{self._machine.postgres_port}",
            "connectProtocol": "tcp",
            "user": self._given["POSTGRES_USER"],
            "password": self._machine.secret("temporal_password"),
            "maxConns": CONNECTIONS[name],
            "maxIdleConns": CONNECTIONS[name],
            "maxConnLifetime": "1h",
        }

    def _parts(self) -> dict[str, Any]:
        ports = dict(zip(PARTS, free_ports(len(PARTS)), strict=True)) | {
            "frontend": self._machine.temporal_port
        }
        members = dict(zip(PARTS, _membership_ports(len(PARTS)), strict=True))
        return {
            part: {"rpc": {"grpcPort": ports[part], "membershipPort": members[part], "bindOnLocalHost": True}}
            for part in PARTS
        }

    def _cluster(self) -> dict[str, Any]:
        here = {"enabled": True, "initialFailoverVersion": 1, "rpcName": "frontend"}
        return {
            "enableGlobalNamespace": False,
            "failoverVersionIncrement": 10,
            "masterClusterName": "active",
            "currentClusterName": "active",
            "clusterInformation": {"active": {**here, "rpcAddress": self._machine.temporal_address}},
        }


def _membership_ports(count: int) -> list[int]:
    """Return free ports that fit the column of two bytes in which Temporal keeps them in PostgreSQL."""
    tried = random.sample(range(20_000, 2**15), 100)
    return [port for port in tried if is_free(port)][:count]


def retention_of(described: dict[str, Any]) -> timedelta:
    """Read the retention from what Temporal's command line says of a namespace."""
    said: str = described["config"]["workflowExecutionRetentionTtl"]
    return timedelta(seconds=float(said.removesuffix("s")))
