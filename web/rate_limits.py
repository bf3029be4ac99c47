"""Rate limits: each caller has a bucket of requests that refills at a steady rate.

Each web process counts alone, so that no request costs a round trip; N processes let through up to N times
the limit. docs/decisions/0014-own-rate-limiter.md says why no library does this.
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
# Full buckets are dropped once there are more than this many.
_MANY: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class Limit:
    """A rate of `per_minute` requests, of which `burst` may come at once."""

    per_minute: int
    burst: int

    @property
    def interval(self) -> float:
        """The seconds after which one used request comes back."""
        return _MINUTE.total_seconds() / self.per_minute

    @property
    def window(self) -> timedelta:
        """The time in which an empty bucket refills, in whole seconds."""
        return timedelta(seconds=ceil(self.burst * self.interval))


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What one caller has left of a limit; `full_after` is the time until the bucket is full."""

    limit: Limit
    remaining: int
    full_after: timedelta


class Buckets:
    """A bucket for each caller.

    A bucket is one number, the time at which it will be full (the generic cell rate algorithm).
    """

    def __init__(self, limit: Limit, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._lock = Lock()
        self._full_at: dict[str, float] = {}
        self._drop_above = _MANY

    def knows(self, caller: str) -> bool:
        """Return whether a caller has a bucket; a full one may have been dropped."""
        return caller in self._full_at

    def take(self, caller: str) -> Standing:
        """Take one request from the caller's bucket; raise TooManyRequests where it is empty."""
        with self._lock:
            now = self._clock()
            full_at = max(self._full_at.get(caller, now), now) + self.limit.interval
            too_early = full_at - now - self.limit.burst * self.limit.interval
            # A float is not exact: without tolerance the last request of a burst could be refused.
            if too_early > self.limit.interval / 1000:
                raise TooManyRequests(timedelta(seconds=max(too_early, 1)))
            self._full_at[caller] = full_at
            self._drop_full(now)
            return self._standing(full_at - now)

    def give_back(self, caller: str) -> None:
        """Undo one `take`."""
        with self._lock:
            if caller in self._full_at:
                self._full_at[caller] -= self.limit.interval

    def standing(self, caller: str) -> Standing:
        """Return what a caller has left, without taking a request."""
        now = self._clock()
        return self._standing(max(self._full_at.get(caller, now) - now, 0))

    def _standing(self, missing: float) -> Standing:
        remaining = self.limit.burst - ceil(missing / self.limit.interval - 1e-3)
        full_after = timedelta(seconds=ceil(missing))
        return Standing(limit=self.limit, remaining=max(remaining, 0), full_after=full_after)

    def _drop_full(self, now: float) -> None:
        if len(self._full_at) > self._drop_above:
            self._full_at = {caller: at for caller, at in self._full_at.items() if at > now}
            self._drop_above = max(_MANY, 2 * len(self._full_at))


PER_TOKEN: Final = Limit(per_minute=600, burst=120)
PER_ADDRESS: Final = Limit(per_minute=60, burst=30)
AUDITED_REFUSALS: Final = Limit(per_minute=60, burst=120)


@dataclass(frozen=True, kw_only=True)
class RequestLimits:
    """The limits of one web process: per token, and per address for requests without a valid token.

    Past `refusals` a caller's refusals are answered all the same, and not audited any more.
    """

    tokens: Buckets = field(default_factory=lambda: Buckets(PER_TOKEN))
    addresses: Buckets = field(default_factory=lambda: Buckets(PER_ADDRESS))
    refusals: Buckets = field(default_factory=lambda: Buckets(AUDITED_REFUSALS))
