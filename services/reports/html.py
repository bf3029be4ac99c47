import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from jinja2 import Environment, PackageLoader
from markupsafe import Markup

from services.reports.blocks import Report, Style
from services.reports.changed_settings import count_line, format_settings, noise_line
from services.reports.document import ChangedItem
from services.reports.formatting import MARKS, format_commits, format_fact, format_rows
from services.text import kind_name, visible

_PIECES_AT_ONCE: Final = 400


def report_html(report: Report, changes: Iterable[ChangedItem]) -> Iterator[bytes]:
    """Yield a report as one self-contained HTML file, with the changes as they are read."""
    pieces = _templates().get_template("report.html").stream(report=report, changes=changes)
    pieces.enable_buffering(_PIECES_AT_ONCE)
    for piece in pieces:
        yield piece.encode()


def content_security_policy() -> str:
    """Return the policy that the file needs: its one style sheet, by hash."""
    hashed = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; sandbox"
    )


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("services.reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.globals.update(
        style=Markup(_style()),  # noqa: S704 # our own style sheet
        svg=Markup,  # our own drawing; its texts were escaped as it was made
        marks=MARKS,
        kind_name=kind_name,
        format_fact=format_fact,
        format_rows=format_rows,
        format_settings=format_settings,
        noise_line=noise_line,
        count_line=count_line,
        format_commits=format_commits,
        classes={
            Style.MOMENT: "moment",
            Style.NUMBER: "number",
            Style.PERCENT: "number",
            Style.PATH: "code",
            Style.HASH: "code hash",
        },
    )
    return environment


@cache
def _style() -> str:
    loader = PackageLoader("services.reports")
    source, _, _ = loader.get_source(Environment(autoescape=True), "report.css")
    return source


def _shown(value: object) -> object:
    """Make invisible characters visible in every text that a template prints."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
