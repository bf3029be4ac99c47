import hashlib
import inspect
import json
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from opentelemetry.sdk.resources import OTELResourceDetector
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import DEFAULT_ON

from runtime.settings import PREFIX, Settings
from runtime.telemetry.tracing import is_traced
from runtime.web_server import WebServerOptions
from runtime.worker import DATABASE_CONNECTIONS, GRACE
from services.connections.secrets import check_encryption_key
from services.database.session import Database
from services.repositories.transport import DEFAULT_LIMITS
from tests.fake_engine import ENCRYPTION_KEY
from tests.topology.compose_file import ComposeFile
from tests.topology.programs import VERSION
from tests.topology.temporal import CONNECTIONS, PARTS

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("operationrun:")}
# What the person who starts it may set, each in the shell or in `.env`.
HANDED_ON = {
    "OPERATIONRUN_PUBLIC_URL",
    "OPERATIONRUN_TEMPORAL_UI_URL",
    "OPERATIONRUN_KEEP_RUNS",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}
COMMANDS = {"up", "worker", "web", "migrate", "setup-temporal"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}


def runs_once(name: str) -> bool:
    """Tell whether somebody waits for this service to complete, so that it is not a server."""
    return any(
        wait.get("condition") == "service_completed_successfully"
        for service in SERVICES.values()
        for other, wait in service.get("depends_on", {}).items()
        if other == name
    )


def variables() -> Iterator[tuple[str, str]]:
    for name, service in SERVICES.items():
        yield from ((name, key) for key in service.get("environment", {}) if key.startswith(PREFIX))


def test_it_is_valid_by_the_compose_specification() -> None:
    schema = json.loads((DATA / "compose-spec.json").read_text())
    Draft202012Validator.check_schema(schema)
    errors = [
        f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(COMPOSE)
    ]
    assert errors == []


def test_the_schema_would_refuse_a_misspelt_key() -> None:
    validator = Draft202012Validator(json.loads((DATA / "compose-spec.json").read_text()))
    misspelt = {"services": {"web": {"image": "operationrun:0.1.0", "dependson": ["postgres"]}}}
    assert [error.json_path for error in validator.iter_errors(misspelt)] == ["$.services.web"]


def test_the_schema_is_the_one_its_note_names() -> None:
    digest = hashlib.sha256((DATA / "compose-spec.json").read_bytes()).hexdigest()
    assert digest in (DATA / "compose-spec.md").read_text(), (
        "Write the new sha256 into tests/data/compose-spec.md."
    )


def test_it_has_every_service_of_the_production_shape() -> None:
    assert set(OURS) == {"migrate", "setup-temporal", "worker", "web"}
    assert set(SERVICES) - set(OURS) == {"postgres", "temporal", "temporal-ui"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_to_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[a-z0-9/._-]+:\d+\.\d+[a-z0-9.-]*", image), (
        f"{name} runs {image!r}: give it a tag with at least a major and a minor version, never `latest`."
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_server_has_a_health_check_or_says_why_not(name: str) -> None:
    service = SERVICES[name]
    checked = service.get("healthcheck", {}).get("test")
    assert runs_once(name) or bool(checked) != bool(service.get("x-no-healthcheck")), (
        f"Give {name} a `healthcheck`, or say in `x-no-healthcheck` why it can have none (not both)."
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_wait_names_a_condition_that_can_come_true(name: str) -> None:
    waits = SERVICES[name].get("depends_on", {})
    assert isinstance(waits, dict), f"{name}: write `depends_on` as a mapping of service to condition."
    for other, wait in waits.items():
        assert wait.get("condition") in CONDITIONS, (
            f"{name} waits for {other}: use one of {sorted(CONDITIONS)}."
        )
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other], (
                f"{name} waits for {other} to be healthy: give it a check."
            )
        else:
            assert "restart" not in SERVICES[other], (
                f"{name} waits for {other} to end: take its `restart` away."
            )


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits(name: str) -> None:
    limits = SERVICES[name].get("deploy", {}).get("resources", {}).get("limits", {})
    assert set(limits) == {"cpus", "memory", "pids"}, (
        f"Give {name} `deploy.resources.limits` with cpus, memory and pids, so that it starves no other."
    )


def test_postgres_has_a_connection_for_everybody() -> None:
    options = dict(word.split("=") for word in SERVICES["postgres"]["command"] if "=" in word)
    web_pool = inspect.signature(Database.connect).parameters["pool_size"].default
    workers = SERVICES["worker"]["deploy"]["replicas"]
    # A pool may grow to twice its size (services/database/session.py).
    ours = 2 * (workers * DATABASE_CONNECTIONS + WebServerOptions.workers * web_pool)
    temporal = len(PARTS) * sum(CONNECTIONS.values())
    assert int(options["max_connections"]) >= 1.5 * (ours + temporal)


@pytest.mark.parametrize("name", OURS)
def test_our_services_may_do_no_more_than_they_need(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert "user" not in service, "The image's own user is not root; tests of the Dockerfile hold it to that."


def test_a_worker_may_finish_before_it_is_killed() -> None:
    stop_within = ComposeFile().services["worker"].stop_within
    assert stop_within > GRACE + timedelta(seconds=10), "It lets its activities finish for as long."
    assert stop_within > DEFAULT_LIMITS.push_timeout + timedelta(seconds=10), "It cuts no push short."


def test_the_topology_lane_runs_the_same_temporal() -> None:
    assert SERVICES["temporal"]["image"] == f"temporalio/auto-setup:{VERSION.removeprefix('v')}"


def test_every_server_comes_back_by_itself() -> None:
    fragile = [name for name in SERVICES if not runs_once(name) and "restart" not in SERVICES[name]]
    assert fragile == [], "Give these services `restart: unless-stopped`."


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_listens_on_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), (
            f"{name} opens {port} to the network: write 127.0.0.1:{port}."
        )


def test_our_services_are_one_image_that_one_of_them_builds() -> None:
    assert len({service["image"] for service in OURS.values()}) == 1, "Give all our services the same image."
    builders = [name for name, service in SERVICES.items() if "build" in service]
    assert builders == ["migrate"], "Let `migrate` alone build: two builds of one tag at once collide."
    assert SERVICES["migrate"]["build"] == "."


def test_our_services_run_commands_that_operationrun_has() -> None:
    commands = {name: service["command"] for name, service in OURS.items()}
    assert all(command[0] == "operationrun" and command[1] in COMMANDS for command in commands.values())
    assert {name: command[1] for name, command in commands.items()} == {name: name for name in OURS}


def test_every_setting_is_one_that_our_processes_read() -> None:
    known = set(Settings.variables().values())
    unknown = {key for _, key in variables() if key.removesuffix("_FILE") not in known}
    assert unknown == set(), (
        f"Nobody reads these: use one of {sorted(known)}, or add it to runtime/settings.py."
    )


@pytest.mark.parametrize("name", OURS)
def test_our_settings_are_accepted_and_hold_what_the_command_needs(name: str, tmp_path: Path) -> None:
    environment = ComposeFile().services[name].environment
    for key, value in environment.items():
        if key.endswith("_FILE"):
            secret = tmp_path / Path(value).name
            is_key = key == "OPERATIONRUN_ENCRYPTION_KEY_FILE"
            secret.write_text(ENCRYPTION_KEY if is_key else "postgresql://example@host/not-a-secret\n")
            environment[key] = str(secret)
    settings = Settings.from_environment(environment)
    url = "postgresql://example@host/not-a-secret"
    assert settings.database_url == (None if name == "web" else url), "The web has a login of its own."
    assert settings.web_database_url == (url if name in {"web", "migrate"} else None)
    assert settings.need_temporal().address == "temporal:7233"
    assert (settings.secret_key is not None) == (name == "web"), "The web process alone signs sessions."
    assert bool(settings.encryption_key) == (name in {"web", "worker"}), "Both reach repositories, no other."


@pytest.mark.parametrize("name", OURS)
def test_what_may_be_set_outside_is_handed_on_by_its_own_name(name: str) -> None:
    environment = OURS[name]["environment"]
    handed_on = {key for key, value in environment.items() if str(value).startswith(f"${{{key}:-")}
    assert handed_on == HANDED_ON, "Write it as NAME: ${NAME:-what it is where nobody sets it}."


def test_traces_are_as_if_nothing_were_set_where_nobody_sets_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for key, value in ComposeFile().services["web"].environment.items():
        if key.startswith("OTEL_"):
            monkeypatch.setenv(key, value)
    assert not is_traced()
    assert TracerProvider().sampler is DEFAULT_ON
    assert "service.name" not in OTELResourceDetector().detect().attributes
    assert caplog.messages == []


@pytest.mark.parametrize("name", SERVICES)
def test_secrets_come_as_files_and_every_file_is_handed_over(name: str) -> None:
    service = SERVICES[name]
    for key, value in service.get("environment", {}).items():
        open_secret = re.search(r"PASSWORD|PWD|SECRET|DATABASE_URL", key) and not key.endswith("_FILE")
        assert not open_secret, f"{name}: hand {key} over as a file, with {key}_FILE and `secrets:`."
        if key.endswith("_FILE"):
            assert Path(value).name in service["secrets"], f"{name} reads {value}: name it in its `secrets:`."


def test_the_command_at_the_top_makes_every_secret(tmp_path: Path) -> None:
    command = ComposeFile().secrets_command()
    subprocess.run(["sh", "-euc", command], cwd=tmp_path, check=True, timeout=30)
    made = {secret["file"]: (tmp_path / secret["file"]).read_text() for secret in COMPOSE["secrets"].values()}
    folder = tmp_path / ".operationrun" / "secrets"
    assert folder.stat().st_mode & 0o777 == 0o700
    # Containers read them as users of their own; the closed folder keeps other people of the host out.
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o644}
    assert len(set(made.values())) == len(made)
    check_encryption_key(made.pop(".operationrun/secrets/encryption_key").strip())
    assert min(map(len, made.values())) == 64
    password = made[".operationrun/secrets/operationrun_password"]
    assert (
        f"//operationrun:{password}@postgres:5432/operationrun" in made[".operationrun/secrets/database_url"]
    )
    web = made[".operationrun/secrets/web_password"]
    assert (
        f"//operationrun_web_login:{web}@postgres:5432/operationrun"
        in made[".operationrun/secrets/web_database_url"]
    )


def test_every_named_volume_and_config_is_used_and_declared() -> None:
    mounts = [mount for service in SERVICES.values() for mount in service.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == set(COMPOSE["volumes"])
    configs = {config["source"] for service in SERVICES.values() for config in service.get("configs", [])}
    assert configs == set(COMPOSE["configs"])


def test_the_image_is_pinned_checks_hashes_and_does_not_run_as_root() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert set(bases) == {"python:3.11-slim-bookworm"}
    assert "--require-hashes" in dockerfile
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE)[-1] == "operationrun"
    health = "Health checks stand in docker-compose.yml: one image runs servers and commands alike."
    assert "HEALTHCHECK" not in dockerfile, health


def test_the_image_holds_nothing_that_it_does_not_need() -> None:
    *_, last_stage = (ROOT / "Dockerfile").read_text().split("\nFROM ")
    assert "COPY . " not in last_stage, "Let the source come into the stage that builds, and no further."
    installs = re.findall(r"apt-get install(?:.*\\\n)*.*", last_stage)
    assert installs
    for install in installs:
        assert "--no-install-recommends" in install
        assert "rm -rf /var/lib/apt/lists/*" in install, "Remove apt's lists in the layer that fetched them."
    assert re.findall(r"^ADD |curl|wget", last_stage, re.MULTILINE) == [], "Take what is locked by a hash."


def test_everything_the_image_needs_may_come_into_its_build() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "bench", "tools"}
    assert packages <= let_in, f"Add to .dockerignore: {', '.join(f'!{name}' for name in packages - let_in)}."
    assert {"pyproject.toml", "README.md", "tools/requirements.txt", "tools/requirements-dev.txt"} <= let_in
