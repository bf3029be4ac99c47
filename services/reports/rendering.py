import hashlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from importlib.metadata import version
from typing import Final

from services.hashing import canonical_json
from services.reports.blocks import Report
from services.reports.data_files import digests
from services.reports.document import ChangedItem, ReviewDocument, ReviewSource
from services.reports.html import report_html
from services.reports.json_files import report_json
from services.reports.pdf import report_pdf
from services.reports.profiles import audit, executive, technical
from services.reviews.readiness import Profile

# Raise it when the same review would give other bytes.
GENERATOR_VERSION: Final = "2"


class Format(StrEnum):
    """As what a report is written."""

    HTML = "html"
    PDF = "pdf"
    JSON = "json"


def generator() -> dict[str, str]:
    """Name what writes the bytes: the same generator writes the same bytes of the same review."""
    return {"name": "operationrun", "version": GENERATOR_VERSION, "typst": version("typst")}


def report_of(source: ReviewSource, profile: Profile) -> Report:
    """Put a report together."""
    match profile:
        case Profile.EXECUTIVE:
            return executive(source.document)
        case Profile.TECHNICAL:
            return technical(source.document)
        case Profile.AUDIT:
            return audit(source.document, digests(source))


def write_report(report: Report, changes: Iterable[ChangedItem], form: Format) -> Iterator[bytes]:
    """Write a report, a piece at a time; the same review gives the same bytes whenever it is asked."""
    match form:
        case Format.HTML:
            return report_html(report, changes)
        case Format.JSON:
            return report_json(report, changes)
        case Format.PDF:
            return iter([report_pdf(report, changes)])


def entity_tag(document: ReviewDocument, *what: str) -> str:
    """Name the bytes of a report or a pack without making them."""
    facts = [document.review_id, document.fingerprint, document.composed_at.isoformat(), generator(), *what]
    return hashlib.sha256(canonical_json(facts).encode()).hexdigest()
