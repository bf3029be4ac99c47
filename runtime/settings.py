import os
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from temporalio.envconfig import ClientConfigProfile

from models.catalog import TASK_QUEUE
from models.errors import SettingsError
from models.retention import Retention
from models.sweep import sweep_queue
from runtime.secret_key import MAKE_ONE, weakness_of
from runtime.temporal.profile import read_profile
from services.access.sessions import SessionLimits
from services.connections.secrets import check_encryption_key
from services.repositories.routing.addresses import AllowedHosts
from web.rate_limits import PER_ADDRESS, PER_TOKEN

PREFIX = "OPERATIONRUN_"


class Settings(BaseModel):
    """The configuration of a process, read once at its start.

    Each field is the environment variable `OPERATIONRUN_` + its name in capitals; the same name with the
    suffix `_FILE` names a file that holds the value. `temporal_profile` is Temporal's own configuration
    (runtime/temporal/profile.py), which also gives the address and the namespace where ours are not set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str | None = None
    web_database_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = "default"
    task_queue: str = Field(default=TASK_QUEUE, min_length=1)
    secret_key: str | None = None
    encryption_key: tuple[str, ...] = ()
    signing_key: str | None = None
    data_dir: Path = Path(".operationrun")
    allowed_file_roots: tuple[Path, ...] = ()
    allowed_private_hosts: tuple[str, ...] = ()
    public_url: str = "http://127.0.0.1:8080"
    temporal_ui_url: str | None = None
    metrics_address: str | None = None
    token_requests_per_minute: int = Field(default=PER_TOKEN.per_minute, ge=1)
    token_requests_at_once: int = Field(default=PER_TOKEN.burst, ge=1)
    address_refusals_per_minute: int = Field(default=PER_ADDRESS.per_minute, ge=1)
    address_refusals_at_once: int = Field(default=PER_ADDRESS.burst, ge=1)
    trusted_proxies: int = Field(default=0, ge=0)
    session_idle_hours: int = Field(default=12, ge=1)
    session_lifetime_hours: int = Field(default=168, ge=1)
    keep_runs: Retention = Field(default_factory=Retention)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_label: str = "single sign-on"
    temporal_profile: ClientConfigProfile = Field(default_factory=ClientConfigProfile, repr=False)

    @property
    def sweep_queue(self) -> str:
        """The task queue of the sweep."""
        return sweep_queue(self.task_queue)

    @property
    def session_limits(self) -> SessionLimits:
        """How long a sign-in lasts."""
        return SessionLimits(
            idle=timedelta(hours=self.session_idle_hours),
            lifetime=timedelta(hours=self.session_lifetime_hours),
        )

    @field_validator("allowed_file_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return (
            tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value
        )

    @field_validator("allowed_private_hosts", mode="before")
    @classmethod
    def _split_hosts(cls, value: object) -> object:
        return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value

    @field_validator("allowed_private_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        AllowedHosts(value)
        return value

    @field_validator("encryption_key", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return tuple(re.split(r"[,\s]+", value.strip())) if isinstance(value, str) else value

    @field_validator("encryption_key")
    @classmethod
    def _are_keys(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for key in value:
            check_encryption_key(key)
        return value

    @field_validator("keep_runs", mode="before")
    @classmethod
    def _change_retention(cls, value: object) -> object:
        return Retention().changed(value) if isinstance(value, str) else value

    @field_validator("database_url", "web_database_url")
    @classmethod
    def _is_libpq(cls, value: str | None) -> str | None:
        if value and not value.startswith(("postgresql://", "postgres://")):
            raise ValueError("is not a libpq URL, such as postgresql://user@host/database")
        return value

    @field_validator("temporal_address", "metrics_address")
    @classmethod
    def _is_host_and_port(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"[^\s:/]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}", value):
            raise ValueError("is not a host and port, such as 127.0.0.1:7233")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _is_safe_from_listeners(cls, value: str | None) -> str | None:
        if value and not re.match(r"https://|http://(127\.0\.0\.1|localhost)[:/]", value):
            raise ValueError("is not an https address, such as https://login.example.org")
        return value

    @field_validator("public_url", "temporal_ui_url")
    @classmethod
    def _strip_slash(cls, value: str | None) -> str | None:
        return value.rstrip("/") if value else None

    @classmethod
    def variables(cls) -> dict[str, str]:
        """Return the environment variable of each field that has one."""
        return {field: PREFIX + field.upper() for field in cls.model_fields if field != "temporal_profile"}

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings; raise SettingsError naming the invalid variable."""
        profile = read_profile(environ)
        of_profile = {"temporal_address": profile.address, "temporal_namespace": profile.namespace}
        given: dict[str, object] = {"temporal_profile": profile}
        given |= {field: value for field, value in of_profile.items() if value}
        for field, variable in cls.variables().items():
            value = environ.get(variable) or _from_file(variable, environ)
            if value:
                given[field] = value
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            raise SettingsError(f"{cls.variables()[field]}: {_plain(first['msg'])}") from None

    def as_environment(self) -> dict[str, str]:
        """Return the variables that give another process these settings; leave out what is not set."""
        given = {variable: getattr(self, field) for field, variable in self.variables().items()}
        return {variable: _written(value) for variable, value in given.items() if value}

    def need_database_url(self) -> str:
        """Return the database's URL; raise SettingsError, with an example, where it is not set."""
        return self.database_url or _missing("DATABASE_URL", "postgresql://user@host/database")

    def need_web_database_url(self) -> str:
        """Return the database's URL for the web server: of its own login, else the one of everything else."""
        return self.web_database_url or self.need_database_url()

    def need_temporal(self) -> ClientConfigProfile:
        """Return how to reach Temporal; raise SettingsError, with an example, where no address is set."""
        address = self.temporal_address or _missing("TEMPORAL_ADDRESS", "127.0.0.1:7233")
        return replace(self.temporal_profile, address=address, namespace=self.temporal_namespace)

    def need_secret_key(self) -> str:
        """Return the key that signs forms; raise SettingsError, with the way out, for none or a weak one.

        It is the same for every web process.
        """
        key = self.secret_key or _missing("SECRET_KEY", f"the output of {MAKE_ONE}")
        weakness = weakness_of(key)
        if weakness:
            raise SettingsError(f"{PREFIX}SECRET_KEY {weakness}. Make a random one: {MAKE_ONE}")
        return key


def _written(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return (os.pathsep if isinstance(value[0], Path) else ",").join(map(str, value))


def _from_file(variable: str, environ: Mapping[str, str]) -> str | None:
    path = environ.get(f"{variable}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise SettingsError(f"{variable}_FILE: {error.strerror} ({path})") from None


def _missing(name: str, example: str) -> str:
    raise SettingsError(f"{PREFIX}{name} is not set. Set it, for example to: {example}")


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
