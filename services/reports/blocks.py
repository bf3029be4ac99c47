"""What a report is made of. A profile puts it together once; HTML, PDF and JSON all render the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from models.base import Json
from services.reviews.readiness import Profile


class Style(StrEnum):
    """How a value is written."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    MOMENT = "moment"
    PATH = "path"
    HASH = "hash"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One named value; None is written as `absent`. A `note` says more, in words."""

    key: str
    label: str
    value: Any
    style: Style = Style.TEXT
    note: str = ""
    absent: str = "not recorded"


@dataclass(frozen=True, kw_only=True)
class FactList:
    """Named values, one under the other."""

    type: ClassVar = "facts"
    key: str
    facts: Sequence[Fact]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The few numbers that matter most, large."""

    type: ClassVar = "figures"
    key: str
    facts: Sequence[Fact]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table; `key` names it in each row, and a wide one takes the room that is left."""

    key: str
    label: str
    style: Style = Style.TEXT
    is_wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one kind; `empty` is said where there are none."""

    type: ClassVar = "table"
    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Json]
    empty: str = "There are none."


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture, the sentence that says what is in it, and its numbers; without `svg`, the sentence alone."""

    key: str
    title: str
    description: str
    svg: str | None
    table: Table


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Sentences that stand beside pictures, as if they were one."""

    title: str
    sentences: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Charts:
    """Pictures beside each other; `with_tables` shows their numbers on paper too."""

    type: ClassVar = "charts"
    key: str
    charts: Sequence[Chart]
    with_tables: bool
    aside: Aside | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Findings as the review has them, the most severe first; `left_out` is how many more there are."""

    type: ClassVar = "findings"
    key: str
    findings: Sequence[Json]
    left_out: int = 0
    with_items: bool = True


@dataclass(frozen=True, kw_only=True)
class ChangeList:
    """Every change of the review, read from the database as it is written."""

    type: ClassVar = "changes"
    key: str
    total: int
    with_settings: bool
    empty: str


@dataclass(frozen=True, kw_only=True)
class Words:
    """Sentences."""

    type: ClassVar = "words"
    key: str
    text: str


Block = FactList | Figures | Table | Charts | Findings | ChangeList | Words


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of a report under one heading."""

    key: str
    title: str
    blocks: Sequence[Block]
    intro: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """One review, for one kind of reader."""

    profile: Profile
    title: str
    headline: str
    identity: FactList
    sections: Sequence[Section]
