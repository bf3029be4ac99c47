import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Self

from models.lifecycle import FINAL_OUTCOMES, Outcome

FOREVER: Final = "forever"
_ENDINGS: Final = sorted(FINAL_OUTCOMES)
_DAYS: Final = re.compile(r"([1-9][0-9]{0,4})d")

# Questions about a run that did not succeed may come a year later.
_DEFAULT: Final = {
    **dict.fromkeys(_ENDINGS, timedelta(days=400)),
    Outcome.SUCCEEDED: timedelta(days=90),
    Outcome.CANCELLED: timedelta(days=90),
}


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long a run is kept after it completed, by outcome; None: forever.

    Written as `succeeded=90d,failed=forever`; an outcome that is not named keeps its period.
    """

    keep: Mapping[Outcome, timedelta | None] = field(default_factory=lambda: dict(_DEFAULT))

    def changed(self, written: str) -> Self:
        """Return this retention with the written periods replaced; raise ValueError saying what is wrong."""
        named = dict(_parsed(part.strip()) for part in written.split(","))
        return type(self)(keep={**self.keep, **named})

    def __str__(self) -> str:
        """Return it as it is written."""
        return ",".join("=".join(each) for each in self.as_written().items())

    def as_written(self) -> dict[str, str]:
        """Return how long each outcome is kept, such as `90d` or `forever`."""
        return {outcome.value: _written(self.keep[outcome]) for outcome in _ENDINGS}


def _parsed(part: str) -> tuple[Outcome, timedelta | None]:
    outcome, _, period = part.partition("=")
    days = _DAYS.fullmatch(period)
    if outcome not in _ENDINGS or not (days or period == FOREVER):
        raise ValueError(
            f"has {part!r}, which is not an outcome and a number of days or {FOREVER}, such as "
            f"succeeded=90d. Outcomes: {', '.join(_ENDINGS)}"
        )
    return Outcome(outcome), timedelta(days=int(days[1])) if days else None


def _written(period: timedelta | None) -> str:
    return FOREVER if period is None else f"{period.days}d"
