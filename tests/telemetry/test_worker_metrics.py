"""What a worker tells Prometheus, where it is told to."""

import re
import subprocess

import httpx

from runtime.local.own_program import own_argv, own_environment
from runtime.local.ports import free_ports
from tests.house.test_documented import documented
from tests.system import System, wait_for
from tests.telemetry.promql import metrics_shown
from tests.temporal_cli import TemporalCli

NAMED = re.compile(r"^# TYPE (\w+) ", re.MULTILINE)
SETTLED = re.compile(
    r'^operationrun_sweep_settled\{[^}]*reason="review_not_composed"[^}]*\} 1$', re.MULTILINE
)


def test_a_worker_offers_what_its_sweeps_did(idle_system: System) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run = idle_system.compose(environment)
    TemporalCli(idle_system).terminate(f"operation-run.v1.{run['type']}.{run['id']}")

    def settled() -> bool:
        try:
            return SETTLED.search(httpx.get(f"http://{address}/metrics").text) is not None
        except httpx.TransportError:
            return False

    with idle_system.worker(OPERATIONRUN_METRICS_ADDRESS=address):
        wait_for(settled, what="the sweep to count the run that it settled")


def test_the_dashboard_and_the_docs_name_what_a_system_exposes(idle_system: System) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run = idle_system.compose(environment)
    TemporalCli(idle_system).terminate(f"operation-run.v1.{run['type']}.{run['id']}")
    sources = (f"http://{address}/metrics", f"{idle_system.ready['web_url']}/metrics")
    documented_ones = set(documented("reference.md", "Metrics"))
    exposed: set[str] = set()

    def all_there() -> bool:
        exposed.update(name for source in sources for name in NAMED.findall(httpx.get(source).text))
        return exposed >= metrics_shown() | documented_ones

    with idle_system.worker(OPERATIONRUN_METRICS_ADDRESS=address):
        idle_system.settled(run)
        for ref in (None, "nowhere"):
            idle_system.settled(idle_system.compose(environment, ref))
        try:
            wait_for(all_there, what="every metric", patience=30)
        finally:
            assert metrics_shown() | documented_ones <= exposed

    ours = {name for name in exposed if name.startswith("operationrun_")}
    assert ours == documented_ones, "Add each to the table 'Metrics' of docs/reference.md, or remove it."


def test_an_address_that_cannot_be_listened_on_is_refused(idle_system: System) -> None:
    settings = idle_system.worker_settings | {"OPERATIONRUN_METRICS_ADDRESS": "localhost:9100"}

    refused = subprocess.run(
        own_argv("runtime.cli.main", "worker"),
        env=own_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode != 0
    assert "OPERATIONRUN_METRICS_ADDRESS: localhost:9100 cannot be listened on" in refused.stderr
