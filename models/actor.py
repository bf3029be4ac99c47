from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who asked for something or did it: a person, a service's token, a workflow, or the system itself."""

    kind: Literal["user", "token", "workflow", "system"]
    name: str
