import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.catalog import TASK_QUEUE
from models.errors import SettingsError
from models.retention import Retention
from models.sweep import sweep_queue
from web.rate_limits import PER_ADDRESS, PER_TOKEN

PREFIX = "OPERATIONRUN_"


class Settings(BaseModel):
    """The configuration of a process, read once at its start.

    Each field is the environment variable `OPERATIONRUN_` + its name in capitals; the same name with the
    suffix `_FILE` names a file that holds the value.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: str | None = None
    temporal_address: str | None = None
    temporal_namespace: str = "default"
    task_queue: str = Field(default=TASK_QUEUE, min_length=1)
    secret_key: str | None = None
    signing_key: str | None = None
    data_dir: Path = Path(".operationrun")
    allowed_file_roots: tuple[Path, ...] = ()
    public_url: str = "http://127.0.0.1:8080"
    temporal_ui_url: str | None = None
    metrics_address: str | None = None
    token_requests_per_minute: int = Field(default=PER_TOKEN.per_minute, ge=1)
    token_requests_at_once: int = Field(default=PER_TOKEN.burst, ge=1)
    address_refusals_per_minute: int = Field(default=PER_ADDRESS.per_minute, ge=1)
    address_refusals_at_once: int = Field(default=PER_ADDRESS.burst, ge=1)
    trusted_proxies: int = Field(default=0, ge=0)
    keep_runs: Retention = Field(default_factory=Retention)
    oidc_issuer: str | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: str | None = None
    oidc_label: str = "single sign-on"

    @property
    def sweep_queue(self) -> str:
        """The task queue of the sweep."""
        return sweep_queue(self.task_queue)

    @field_validator("allowed_file_roots", mode="before")
    @classmethod
    def _split_roots(cls, value: object) -> object:
        return (
            tuple(Path(part) for part in value.split(os.pathsep) if part) if isinstance(value, str) else value
        )

    @field_validator("keep_runs", mode="before")
    @classmethod
    def _change_retention(cls, value: object) -> object:
        return Retention().changed(value) if isinstance(value, str) else value

    @field_validator("database_url")
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
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """Read the settings; raise SettingsError naming the invalid variable."""
        given = {}
        for field in cls.model_fields:
            variable = PREFIX + field.upper()
            value = environ.get(variable) or _from_file(variable, environ)
            if value:
                given[field] = value
        try:
            return cls(**given)  # type: ignore[arg-type] # pydantic parses the strings
        except ValidationError as error:
            first = error.errors()[0]
            raise SettingsError(f"{PREFIX}{str(first['loc'][0]).upper()}: {_plain(first['msg'])}") from None

    def as_environment(self) -> dict[str, str]:
        """Return the variables that give another process these settings; leave out what is not set."""
        given = {field: getattr(self, field) for field in type(self).model_fields}
        return {PREFIX + field.upper(): _written(value) for field, value in given.items() if value}

    def need_database_url(self) -> str:
        """Return the database's URL; raise SettingsError, with an example, where it is not set."""
        return self.database_url or _missing("DATABASE_URL", "postgresql://user@host/database")

    def need_temporal_address(self) -> str:
        """Return Temporal's address; raise SettingsError, with an example, where it is not set."""
        return self.temporal_address or _missing("TEMPORAL_ADDRESS", "127.0.0.1:7233")

    def need_secret_key(self) -> str:
        """Return the key that signs sessions; raise SettingsError, with an example, where it is not set."""
        return self.secret_key or _missing(
            "SECRET_KEY", "32 random characters, the same for every web process"
        )


def _written(value: object) -> str:
    return os.pathsep.join(map(str, value)) if isinstance(value, tuple) else str(value)


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
