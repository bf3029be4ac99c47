from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TypeVar

from models.errors import InvalidInput
from services.findings import Severity
from services.repositories.changes import Change
from web.queries.text import searchable

Known = TypeVar("Known", bound=StrEnum)


@dataclass(frozen=True, kw_only=True)
class ReviewFilters:
    """What a review's page is narrowed to; None leaves a filter out.

    `kind` and `change` narrow the changes, `severity` the findings. A kind that no item has leaves nothing.
    """

    kind: str | None = None
    change: Change | None = None
    severity: Severity | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "ReviewFilters":
        """Read the filters of a query string; raise InvalidInput naming a value that is none."""
        return cls(
            kind=searchable(given.get("kind", "")) or None,
            change=_one_of("change", given, Change),
            severity=_one_of("severity", given, Severity),
        )

    def given(self) -> dict[str, str]:
        """Return the filters that are set, as a query string names them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value}

    @property
    def narrows_changes(self) -> bool:
        """Tell whether changes are left out."""
        return self.kind is not None or self.change is not None


def _one_of(field: str, given: Mapping[str, str], known: type[Known]) -> Known | None:
    value = given.get(field, "").strip()
    if not value:
        return None
    if value not in [*known]:
        raise InvalidInput(field, f"{field}: there is no {value!r}. Use one of: {', '.join(known)}.")
    return known(value)
