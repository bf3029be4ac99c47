from collections import Counter
from dataclasses import dataclass, field

import pytest


@dataclass(kw_only=True)
class Figures:
    """What axe has checked in the lane, and what it has found by level."""

    pages: set[tuple[str, str]] = field(default_factory=set)
    checks: int = 0
    violations: Counter[str] = field(default_factory=Counter)

    def told(self) -> str:
        """Return the figures as one line."""
        found = ", ".join(f"{number} {level}" for level, number in self.violations.items()) or "none"
        return f"axe: {len(self.pages)} pages, {self.checks} checks, violations: {found}"


FIGURES = pytest.StashKey[Figures]()
LEFT_OUT = pytest.StashKey[bool]()
