from dataclasses import dataclass
from typing import Self

from services.reports.formats import Format
from services.reviews.readiness import Profile

PACK = "zip"


@dataclass(frozen=True, kw_only=True)
class FileName:
    """Which report or pack of a review; `form` None: a pack, and `profile` None: one of every profile."""

    profile: Profile | None
    form: Format | None

    @property
    def what(self) -> str:
        """The name without its ending: `technical`, `pack` or `technical-pack`."""
        if self.form:
            return str(self.profile)
        return f"{self.profile}-pack" if self.profile else "pack"

    @property
    def ending(self) -> str:
        """The ending of the file's name, without a dot."""
        return self.form or PACK

    def __str__(self) -> str:
        return f"{self.what}.{self.ending}"

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read a name back; raise ValueError for any other text."""
        what, _, ending = name.partition(".")
        if ending != PACK:
            return cls(profile=Profile(what), form=Format(ending))
        return cls(profile=None if what == "pack" else Profile(what.removesuffix("-pack")), form=None)
