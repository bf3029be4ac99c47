from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who requested or did something: a person, a service's token, a workflow, or the system itself."""

    kind: Literal["user", "token", "workflow", "system"]
    name: str
