"""Clusters that want a client's certificate or an API key: TEMPORAL_* alone leads in."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from temporalio.envconfig import ClientConfigProfile

from runtime.local.own_program import own_argv, own_environment
from runtime.local.temporal_server import unreachable_reason
from runtime.settings import Settings
from tests.system import System, up
from tests.temporal_gateway import Gateway, running_gateway

pytestmark = pytest.mark.feature

AUTHORITY, CERTIFICATE, KEY = (
    "TEMPORAL_TLS_SERVER_CA_CERT_PATH", "TEMPORAL_TLS_CLIENT_CERT_PATH", "TEMPORAL_TLS_CLIENT_KEY_PATH",
)  # fmt: skip
each_way = pytest.mark.parametrize("way", ["by_certificate", "by_api_key"])


@pytest.fixture(scope="module")
def system_of_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with up(tmp_path_factory.mktemp("system"), "--no-worker") as system:
        yield system


@pytest.fixture(scope="module")
def gateway(system_of_own: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("gateway") / "nginx"
    with running_gateway(folder, system_of_own.ready["temporal_address"]) as running:
        yield running


@each_way
def test_both_operations_run_through_it(
    system_of_own: System, gateway: Gateway, way: str, tmp_path: Path
) -> None:
    system, variables = system_of_own, {"OPERATIONRUN_TEMPORAL_ADDRESS": "", **getattr(gateway, way)}
    assert command(system, variables, "setup-temporal").returncode == 0
    repository = system.repository({"a.json": "1"})
    repository.tag("state")
    repository.commit({"a.json": "2"})
    environment = system.environment(repository.url)
    with system.worker(log=tmp_path / "worker.log", **variables):
        assert system.settled(system.compose(environment))["outcome"] == "succeeded"
        plan = system.plan(environment, "state")
        assert system.settled(system.restore(environment, plan))["outcome"] == "succeeded"
        examined = command(system, variables, "doctor").stdout
    assert f"Temporal: {variables['TEMPORAL_ADDRESS']}: answers" in examined
    assert "search attributes: all Keywords" in examined
    assert "sweep schedule: runs" in examined
    assert "polled it within five minutes" in examined


@pytest.mark.parametrize(
    ("way", "lost"),
    [
        ("by_certificate", {AUTHORITY}),
        ("by_certificate", {CERTIFICATE, KEY}),
        ("by_api_key", {AUTHORITY}),
        ("by_api_key", {"TEMPORAL_API_KEY"}),
    ],
)
def test_without_one_of_them_the_cluster_is_out_of_reach(gateway: Gateway, way: str, lost: set[str]) -> None:
    given = getattr(gateway, way)
    assert unreachable_reason(profile_of(given)) is None
    needed = {name: value for name, value in given.items() if name not in lost}
    assert unreachable_reason(profile_of(needed)) is not None


def test_a_refused_api_key_is_not_repeated(gateway: Gateway) -> None:
    reason = unreachable_reason(profile_of(gateway.by_api_key | {"TEMPORAL_API_KEY": "another-key"}))
    assert reason is not None
    assert "another-key" not in reason


def profile_of(variables: Mapping[str, str]) -> ClientConfigProfile:
    return Settings.from_environment({"TEMPORAL_CONFIG_FILE": os.devnull, **variables}).need_temporal()


def command(
    system: System, variables: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        own_argv("runtime.cli.main", *arguments),
        env=own_environment({**system.worker_settings, **variables}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
