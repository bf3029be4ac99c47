"""What a worker tells Prometheus, where it is told to."""

import re
import subprocess

import httpx

from runtime.own_program import own_argv, own_environment
from runtime.ports import free_ports
from tests.system import System, wait_for

LOOKED_AT = re.compile(r"^operationrun_sweep_looked_at_runs(?:_total)?\{.*\} (\d+)$", re.MULTILINE)


def test_a_worker_offers_what_its_sweeps_did(idle_system: System) -> None:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    environment = idle_system.environment(idle_system.repository({"a.json": "1"}).url)
    run = idle_system.compose(environment)

    def looked_at() -> int:
        try:
            found = LOOKED_AT.search(httpx.get(f"http://{address}/metrics").text)
        except httpx.TransportError:
            return 0
        return int(found[1]) if found else 0

    with idle_system.worker(OPERATIONRUN_METRICS_ADDRESS=address):
        idle_system.settled(run)
        wait_for(looked_at, what="a sweep that looked at a run")


def test_an_address_that_cannot_be_listened_on_is_refused(idle_system: System) -> None:
    settings = idle_system.worker_settings | {"OPERATIONRUN_METRICS_ADDRESS": "localhost:9100"}

    refused = subprocess.run(
        own_argv("runtime.cli", "worker"),
        env=own_environment(settings),
        capture_output=True,
        text=True,
        check=False,
    )

    assert refused.returncode != 0
    assert "OPERATIONRUN_METRICS_ADDRESS: localhost:9100 cannot be listened on" in refused.stderr
