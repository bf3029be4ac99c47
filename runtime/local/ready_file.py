import json
from dataclasses import asdict, dataclass
from pathlib import Path

from runtime.local.secret_file import write_whole


@dataclass(frozen=True, kw_only=True)
class Pids:
    """The processes of a local system; None for what is not ours or was left out."""

    worker: int | None
    web: int | None
    postgres: int | None
    temporal: int | None


@dataclass(frozen=True, kw_only=True)
class Ready:
    """Where a local system answers, and how to get in."""

    web_url: str
    temporal_address: str
    temporal_ui_url: str | None
    database_url: str
    api_token: str
    pids: Pids

    def as_dict(self) -> dict[str, object]:
        """Return it as plain values, ready for JSON."""
        return asdict(self)


def write_ready_file(path: Path, ready: Ready) -> None:
    """Write the ready file whole, by rename; it holds secrets and is its owner's alone."""
    write_whole(path, json.dumps(ready.as_dict(), indent=2) + "\n")
