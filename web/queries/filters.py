from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum

from models.catalog import OperationCatalog
from models.errors import InvalidInput
from models.lifecycle import Outcome, Status
from web.queries.text import searchable


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """What a list of runs is narrowed to; None leaves a filter out.

    `workspace` and `environment` are a slug or an id; one that names nothing in scope gives an empty list.
    `created_after` and `created_before` take a run in that was created at or after, or before, that moment.
    """

    workspace: str | None = None
    environment: str | None = None
    type: str | None = None
    status: Status | None = None
    outcome: Outcome | None = None
    initiator: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    q: str | None = None

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "RunFilters":
        """Read the filters of a query string; raise InvalidInput naming a value that is none (law L3)."""
        values = {field.name: searchable(given.get(field.name, "")) or None for field in fields(cls)}
        kind = values["type"]
        return cls(
            workspace=values["workspace"],
            environment=values["environment"],
            type=OperationCatalog.get(kind).type if kind else None,
            status=Status(_one_of("status", values["status"], Status)) if values["status"] else None,
            outcome=Outcome(_one_of("outcome", values["outcome"], Outcome)) if values["outcome"] else None,
            initiator=values["initiator"],
            created_after=_moment("created_after", values["created_after"]),
            created_before=_moment("created_before", values["created_before"]),
            q=values["q"],
        )

    def given(self) -> dict[str, str]:
        """Return the filters that are set, as a query string names them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) for name, value in values.items() if value}


def _moment(field: str, given: str | None) -> datetime | None:
    """Read a day or a moment; one without a zone is in UTC."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        message = f"{field}: a day, such as 2026-11-30, or a moment, such as 2026-11-30T08:00:00Z."
        raise InvalidInput(field, message) from None


def _one_of(field: str, given: str | None, known: type[StrEnum]) -> str:
    if given not in [*known]:
        raise InvalidInput(field, f"{field}: there is no {given!r}. Use one of: {', '.join(known)}.")
    return str(given)
