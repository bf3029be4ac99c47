import json
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.local.secret_file import write_atomically


@dataclass(frozen=True, kw_only=True)
class Pids:
    """The process ids of a local system; None for a server that `up` did not start."""

    worker: int | None
    web: int | None
    postgres: int | None
    temporal: int | None


@dataclass(frozen=True, kw_only=True)
class Ready:
    """The addresses of a local system, and the token of its owner."""

    web_url: str
    temporal_address: str
    temporal_ui_url: str | None
    database_url: str
    api_token: str
    pids: Pids

    def as_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        return asdict(self)


def write_ready_file(path: Path, ready: Ready) -> None:
    """Write the ready file by rename, readable by its owner only: it holds secrets."""
    write_atomically(path, json.dumps(ready.as_dict(), indent=2) + "\n")
