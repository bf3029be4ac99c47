"""How often one caller may ask: a bucket of requests that fills again at a steady rate.

Each web process counts for itself, so that no request costs a round trip for it; N processes let through up
to N times the limit.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from math import ceil
from threading import Lock
from typing import Final

from models.errors import TooManyRequests

_MINUTE: Final = timedelta(minutes=1)
# Buckets that are full again are forgotten once there are so many.
_KEPT: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Limit:
    """So many requests a minute, of which `burst` may come at once."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> float:
        """Seconds in which one request comes back."""
        return _MINUTE.total_seconds() / self.per_minute

    @property
    def window(self) -> timedelta:
        """The time in which an empty bucket is full again."""
        return timedelta(seconds=ceil(self.burst * self.interval))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What one caller has left of a limit, and when it is whole again."""

    limit: Limit
    remaining: int
    whole_after: timedelta


class Buckets:
    """A bucket for each caller.

    Of a bucket only the moment is kept at which it will be full (the generic cell rate algorithm).
    """

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = Lock()
        self._full_at: dict[str, float] = {}
        self._kept = _KEPT

    def knows(self, caller: str) -> bool:
        """Tell whether a caller has a bucket; one that is full again may be forgotten."""
        return caller in self._full_at

    def take(self, caller: str) -> Standing:
        """Take one request out of the caller's bucket; raise TooManyRequests where it is empty."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(caller, now), now) + self.limit.interval
            too_early = full_at - now - self.limit.burst * self.limit.interval
            # A float is not exact, and the last request of a burst is within it.
            if too_early > self.limit.interval / 1000:
                raise TooManyRequests(timedelta(seconds=max(too_early, 1)))
            self._full_at[caller] = full_at
            self._forget_full(now)
            return self._standing(full_at - now)

    def give_back(self, caller: str) -> None:
        """Undo a take."""
        with self._lock:
            if caller in self._full_at:
                self._full_at[caller] -= self.limit.interval

    def standing(self, caller: str) -> Standing:
        """Return what a caller has left, without taking."""
        now = self._clock()
        return self._standing(max(self._full_at.get(caller, now) - now, 0))

    def _standing(self, missing: float) -> Standing:
        remaining = self.limit.burst - ceil(missing / self.limit.interval - 1e-3)
        whole_after = timedelta(seconds=ceil(missing))
        return Standing(limit=self.limit, remaining=max(remaining, 0), whole_after=whole_after)

    def _forget_full(self, now: float) -> None:
        if len(self._full_at) > self._kept:
            self._full_at = {caller: at for caller, at in self._full_at.items() if at > now}
            self._kept = max(_KEPT, 2 * len(self._full_at))


PER_TOKEN: Final = Limit(per_minute=600, burst=120)
PER_ADDRESS: Final = Limit(per_minute=60, burst=30)


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """The limits of one web process: of each token, and of each address for requests without a valid one."""

    tokens: Buckets = field(default_factory=lambda: Buckets(PER_TOKEN))
    addresses: Buckets = field(default_factory=lambda: Buckets(PER_ADDRESS))
