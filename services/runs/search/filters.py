from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.catalog import OperationCatalog
from models.errors import InvalidInput
from models.lifecycle import Outcome, Status
from services.database.paging import searchable

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class RunFilters:
    """The filters of a list of runs; None: not filtered by that.

    `workspace` and `environment` are a slug or an id; one that names nothing in scope gives an empty list.
    `created_after` includes its moment, `created_before` excludes it, `created_to` includes its whole day.
    Days are those of `zone`, else of UTC. `typed` holds the values as the query string had them.
    """

    workspace: str | None = None
    environment: str | None = None
    type: str | None = None
    status: Status | None = None
    outcome: Outcome | None = None
    initiator: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    created_to: datetime | None = None
    zone: str | None = None
    q: str | None = None
    typed: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "RunFilters":
        """Parse the filters of a query string; raise InvalidInput naming a filter with an unknown value."""
        typed = {name: searchable(given.get(name, "")) for name in NAMES}
        typed = {name: value for name, value in typed.items() if value}
        zone = _zone(typed.get("zone"))
        kind, last_day = typed.get("type"), _moment("created_to", typed.get("created_to"), zone)
        return cls(
            workspace=typed.get("workspace"),
            environment=typed.get("environment"),
            type=OperationCatalog.get(kind).type if kind else None,
            status=Status(_one_of("status", typed["status"], Status)) if "status" in typed else None,
            outcome=Outcome(_one_of("outcome", typed["outcome"], Outcome)) if "outcome" in typed else None,
            initiator=typed.get("initiator"),
            created_after=_moment("created_after", typed.get("created_after"), zone),
            created_before=_moment("created_before", typed.get("created_before"), zone),
            created_to=last_day,
            zone=typed.get("zone"),
            q=typed.get("q"),
            typed=typed,
        )

    def given(self) -> dict[str, str]:
        """Return the filters that are set, by their names in a query string."""
        values = {name: getattr(self, name) for name in NAMES}
        given = {name: self.typed.get(name) or str(value) for name, value in values.items() if value}
        if not any(name.startswith("created_") for name in given):
            given.pop("zone", None)
        return given

    def without_standing(self) -> "RunFilters":
        """Return these filters without status and outcome."""
        return replace(self, status=None, outcome=None)

    def day(self, name: str) -> str:
        """Return the day of a filter by time, for a date field; empty where the filter is not set."""
        moment: datetime | None = getattr(self, name)
        return moment.astimezone(_zone(self.zone)).date().isoformat() if moment else ""

    @property
    def ends_before(self) -> datetime | None:
        """The moment before which a run must have been created; None: no limit."""
        ends = [self.created_before] if self.created_before else []
        if self.created_to is not None:
            ends.append(_next_day(self.created_to, _zone(self.zone)))
        return min(ends, default=None)


NAMES: Final = tuple(each.name for each in fields(RunFilters) if each.name != "typed")


def _zone(name: str | None) -> tzinfo:
    """Return a time zone by name; UTC without a name, or where this machine does not know it."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _moment(field_name: str, given: str | None, zone: tzinfo) -> datetime | None:
    """Parse a day or a moment; one without a zone of its own is in `zone`."""
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(given)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"{field_name}: a day, such as 2026-11-30, or a moment, such as 2026-11-30T08:00:00Z."
        raise InvalidInput(field_name, message) from None


def _next_day(moment: datetime, zone: tzinfo) -> datetime:
    """Return when the day of a moment ends, by the calendar: a day may have 23 or 25 hours."""
    try:
        following = moment.astimezone(zone).date() + _DAY
        return datetime.combine(following, datetime.min.time(), zone).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _one_of(field_name: str, given: str, known: type[StrEnum]) -> str:
    if given not in [*known]:
        message = f"{field_name}: there is no {given!r}. Use one of: {', '.join(known)}."
        raise InvalidInput(field_name, message)
    return given
