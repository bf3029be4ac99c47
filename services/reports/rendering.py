from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Final

from services.hashing import digest
from services.reports.blocks import Report
from services.reports.data_files import digests
from services.reports.document import ChangedItem, ReviewSource
from services.reports.formats import Format
from services.reports.html import report_html
from services.reports.json_files import report_json
from services.reports.pdf import report_pdf
from services.reports.profiles import audit, executive, technical
from services.reviews.evidence import COMPOSER_VERSION
from services.reviews.readiness import Profile

# Raise it when the same review would give other bytes.
GENERATOR_VERSION: Final = "3"


def generator() -> dict[str, str]:
    """Return what determines the bytes besides the review: the program, its version and the compiler's."""
    return {"name": "operationrun", "version": GENERATOR_VERSION, "typst": version("typst")}


def report_of(source: ReviewSource, profile: Profile) -> Report:
    """Build a review's report for a profile."""
    match profile:
        case Profile.EXECUTIVE:
            return executive(source.document)
        case Profile.TECHNICAL:
            return technical(source.document)
        case Profile.AUDIT:
            return audit(source.document, digests(source))


def write_report(report: Report, changes: Iterable[ChangedItem], form: Format) -> Iterator[bytes]:
    """Yield a report in pieces; the same review always gives the same bytes."""
    match form:
        case Format.HTML:
            return report_html(report, changes)
        case Format.JSON:
            return report_json(report, changes)
        case Format.PDF:
            return iter([report_pdf(report, changes)])


def rendering_version() -> str:
    """Return what determines a kept file's bytes besides its review: another version is rendered again."""
    return digest({"composer": COMPOSER_VERSION, "generator": generator()})
