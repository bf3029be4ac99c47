import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from temporalio.envconfig import ClientConfigProfile, ClientConnectConfig

from models.errors import SettingsError

_API_KEY: Final = "TEMPORAL_API_KEY"
# What Temporal's own tools read beside their configuration file; TEMPORAL_CLI names a program, and stays.
_READ: Final = ("TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")
_READ_BY_PREFIX: Final = (_API_KEY, "TEMPORAL_TLS", "TEMPORAL_GRPC_META_")


def read_profile(environ: Mapping[str, str]) -> ClientConfigProfile:
    """Read how to reach Temporal, as its own tools do: TEMPORAL_* and a profile file (temporalio.envconfig).

    TEMPORAL_API_KEY_FILE names a file with the key. Raises SettingsError for a profile that is missing, a
    file that does not parse, and variables that contradict each other.
    """
    variables = dict(environ)
    if key_file := environ.get(f"{_API_KEY}_FILE"):
        variables.setdefault(_API_KEY, _read(key_file))
    try:
        return ClientConfigProfile.load(override_env_vars=variables)
    except RuntimeError as error:
        # Its later lines quote the file, which may hold the key.
        what = str(error).splitlines()[0]
        raise SettingsError(f"Temporal's configuration (TEMPORAL_* or its profile file): {what}") from None


def need_connect_config(profile: ClientConfigProfile) -> ClientConnectConfig:
    """Return what Client.connect takes; raise SettingsError for a certificate or key that cannot be read."""
    try:
        return profile.to_client_connect_config()
    except OSError as error:
        raise SettingsError(f"TEMPORAL_TLS_*: {error.strerror} ({error.filename})") from None


def without_profile(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment in which `read_profile` finds nothing, the user's own profile file included."""
    kept = {
        name: value
        for name, value in environ.items()
        if name not in _READ and not name.startswith(_READ_BY_PREFIX)
    }
    return kept | {"TEMPORAL_CONFIG_FILE": os.devnull}


def _read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{_API_KEY}_FILE: {error.strerror} ({path})") from None
