"""Temporal's own configuration, as its tools read it, and ours before it."""

import os
from pathlib import Path

import pytest

from models.errors import SettingsError
from runtime.settings import Settings
from runtime.temporal.profile import need_connect_config, without_profile

NO_FILE = {"TEMPORAL_CONFIG_FILE": os.devnull}
PROFILE = """
[profile.default]
address = "cluster.example:7233"
namespace = "operations"
api_key = "a-key"
"""


def settings(**variables: str) -> Settings:
    return Settings.from_environment({**NO_FILE, **variables})


def test_address_and_namespace_come_from_temporals_variables() -> None:
    found = settings(TEMPORAL_ADDRESS="cluster.example:7233", TEMPORAL_NAMESPACE="operations")
    assert (found.temporal_address, found.temporal_namespace) == ("cluster.example:7233", "operations")


def test_our_own_variables_come_before_them() -> None:
    found = settings(
        TEMPORAL_ADDRESS="cluster.example:7233",
        TEMPORAL_NAMESPACE="operations",
        OPERATIONRUN_TEMPORAL_ADDRESS="127.0.0.1:7233",
        OPERATIONRUN_TEMPORAL_NAMESPACE="default",
    )
    profile = found.need_temporal()
    assert (profile.address, profile.namespace) == ("127.0.0.1:7233", "default")


def test_a_profile_file_is_read_and_left_out_where_only_this_machine_counts(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text(PROFILE)
    variables = {"TEMPORAL_CONFIG_FILE": str(file), "TEMPORAL_GRPC_META_TEAM": "1", "TEMPORAL_TLS": "true"}
    assert need_connect_config(Settings.from_environment(variables).need_temporal())["api_key"] == "a-key"
    alone = Settings.from_environment(without_profile(variables))
    assert (alone.temporal_address, alone.temporal_profile) == (None, type(alone.temporal_profile)())


def test_a_key_may_come_from_a_file_and_is_in_no_repr(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("a-key\n")
    found = settings(TEMPORAL_ADDRESS="cluster.example:7233", TEMPORAL_API_KEY_FILE=str(tmp_path / "key"))
    config = need_connect_config(found.need_temporal())
    assert (config["api_key"], config["tls"]) == ("a-key", True)
    assert "a-key" not in repr(found)
    assert "a-key" not in str(found.as_environment())


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"TEMPORAL_PROFILE": "absent"}, "Profile 'absent' not found"),
        ({"TEMPORAL_API_KEY_FILE": "/absent/key"}, "TEMPORAL_API_KEY_FILE: No such file"),
        ({"TEMPORAL_TLS_CLIENT_CERT_PATH": "a", "TEMPORAL_TLS_CLIENT_CERT_DATA": "b"}, "Cannot specify both"),
    ],
)
def test_what_cannot_be_read_is_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings(**variables)


def test_a_file_that_does_not_parse_is_not_quoted(tmp_path: Path) -> None:
    file = tmp_path / "temporal.toml"
    file.write_text("[profile.default]\napi_key = a-key without quotes\n")
    with pytest.raises(SettingsError, match="TOML parse error at line 2") as raised:
        settings(TEMPORAL_CONFIG_FILE=str(file))
    assert "a-key" not in str(raised.value)


def test_a_certificate_that_cannot_be_read_is_named() -> None:
    found = settings(
        TEMPORAL_ADDRESS="cluster.example:7233", TEMPORAL_TLS_CLIENT_CERT_PATH="/absent/cert.pem"
    )
    with pytest.raises(SettingsError, match=r"TEMPORAL_TLS_.*absent/cert\.pem"):
        need_connect_config(found.need_temporal())
