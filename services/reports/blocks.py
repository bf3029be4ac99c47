"""The blocks of a report. A profile builds them once; HTML, PDF and JSON render the same blocks."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from models.base import Json
from services.reviews.readiness import Profile


class Style(StrEnum):
    """How a value is formatted."""

    TEXT = "text"
    NUMBER = "number"
    PERCENT = "percent"
    MOMENT = "moment"
    PATH = "path"
    HASH = "hash"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One named value; None is shown as `absent`. A `note` adds words."""

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
    """A column of a table; `key` names it in each row, and a wide one takes the remaining room."""

    key: str
    label: str
    style: Style = Style.TEXT
    is_wide: bool = False


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of one kind; without rows, `empty` is shown."""

    type: ClassVar = "table"
    key: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Json]
    empty: str = "There are none."


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture, a sentence that describes it, and its numbers; without `svg`, the sentence alone."""

    key: str
    title: str
    description: str
    svg: str | None
    table: Table


@dataclass(frozen=True, kw_only=True)
class Aside:
    """Sentences in the place of a picture, beside others."""

    title: str
    sentences: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Charts:
    """Pictures beside each other; `with_tables` prints their numbers too."""

    type: ClassVar = "charts"
    key: str
    charts: Sequence[Chart]
    with_tables: bool
    aside: Aside | None = None


@dataclass(frozen=True, kw_only=True)
class Findings:
    """Findings of the review, the most severe first; `left_out` counts those not listed."""

    type: ClassVar = "findings"
    key: str
    findings: Sequence[Json]
    left_out: int = 0
    with_items: bool = True


@dataclass(frozen=True, kw_only=True)
class ChangeList:
    """Every change of the review, read from the database while the report is written."""

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
