"""Reviews as a composition leaves them, for reports: in memory, or as rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.base import Json
from models.environment import Environment
from models.review import EnvironmentReview, ReviewChange
from services.reports.document import ChangedItem, ReviewDocument, ReviewSource
from tests.factories import make_run

COMPOSED_AT = datetime(2026, 6, 1, 12, 3, 4, 123456, tzinfo=UTC)
BEFORE = UUID("01890000-0000-7000-8000-000000000009")

HOSTILE = (
    '#read("/etc/passwd")',
    "<script>alert(1)</script>",
    "</style></title><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "*bold* _it_ $x$ @ref <label> `raw` \\ // /* #import",
    "\u202ecod.exe\u202c",
    "\u0644\u0627 \u0939\u093f \u65e5\u672c a\u0308\u0301\u0483 \U0001f600",
    "nul\x01\x1b[31m\x7f line\u2028end",
    "]]>&amp;'\"",
)

KINDS = ("device-configuration", "Deployment", "NetworkPolicy")


def make_document(**given: Any) -> ReviewDocument:
    """Make a document that has something of everything."""
    document = ReviewDocument(
        review_id=UUID("01890000-0000-7000-8000-000000000001"),
        workspace_id=UUID("01890000-0000-7000-8000-000000000002"),
        environment_id=UUID("01890000-0000-7000-8000-000000000003"),
        run_id=UUID("01890000-0000-7000-8000-000000000004"),
        fingerprint="f" * 64,
        commit="c" * 40,
        tree="d" * 40,
        baseline_commit="b" * 40,
        baseline_tree="a" * 40,
        previous_review_id=BEFORE,
        previous_commit="7" * 40,
        previous_tree="8" * 40,
        composer_version="1",
        composed_at=COMPOSED_AT,
        summary={"items": 48, "added": 1, "removed": 1, "renamed": 1, "changed": 2, "unparsed": 1},
        sections=make_sections(),
        findings=[
            {
                "code": "baseline_missing",
                "severity": "critical",
                "title": "1 file of the baseline missing here.",
                "items": ["kubernetes/Größe.yaml"],
                "advice": "Bring it back, or take it out of the baseline.",
            },
            {
                "code": "baseline_extra",
                "severity": "info",
                "title": "=1+1",
                "items": ["-2+3"],
                "advice": "@x",
            },
        ],
    )
    return replace(document, **given)


def make_sections() -> Json:
    """Make the sections of a review that compared with a baseline and with a review before."""
    conformance = [
        {"kind": kind, "conforming": 10 - place, "drifted": place, "missing": place, "extra": 1}
        for place, kind in enumerate(KINDS)
    ]
    return {
        "environment": {
            "name": "Bäckerei Müller",
            "slug": "production",
            "workspace": "mueller",
            "repository": "https://git.example.org/configuration.git",
            "branch": "main",
            "path_prefix": "",
            "baseline_ref": "baseline",
        },
        "inventory": [{"kind": kind, "items": 16} for kind in KINDS],
        "changes": {"compared_with": str(BEFORE)},
        "baseline": {
            "set": True,
            "conforming": 27,
            "drifted": 3,
            "missing": 3,
            "extra": 3,
            "score": 82,
            "formula": "items as the baseline has them, of all items in it",
            "by_kind": conformance,
            "paths": {"missing": ["kubernetes/Größe.yaml"], "drifted": ["a.json"], "extra": ["b.json"]},
        },
        "restore": {
            "newest_point": {
                "label": "vor Ostern",
                "commit": "e" * 40,
                "created_at": "2026-04-01T08:00:00+00:00",
            },
            "coverage": 0.9375,
            "last_restore": None,
        },
        "operations": {"since": "2026-05-12T09:30:00+00:00", "runs": 3, "by_outcome": {"succeeded": 3}},
        "history": [
            {
                "review_id": str(BEFORE),
                "composed_at": "2026-05-12T09:30:00+00:00",
                "added": 4,
                "removed": 0,
                "renamed": 1,
                "changed": 7,
                "score": 79,
            }
        ],
    }


def make_change(position: int, **given: Any) -> ChangedItem:
    """Make a change with settings and a commit."""
    what = ("changed", "added", "renamed", "removed")[position % 4]
    values: Json = {
        "position": position,
        "change": what,
        "kind": KINDS[position % 3],
        "path": f"device-configuration/Größe {position:05}.json",
        "previous_path": f"device-configuration/{position}.json" if what == "renamed" else None,
        "settings": [
            {"path": "passcode.minimumLength", "change": "changed", "before": 8, "after": "8"},
            {"path": "adminPassword", "change": "changed", "before": "••••••", "after": "••••••"},
            {"path": "groupId", "change": "added", "before": None, "after": "01f3 → 02a4"},
        ],
        "commits": [
            {"id": "1a2b3c4d" * 5, "author": "Jörg", "at": "2026-05-20T10:00:00+00:00", "subject": "Strenger"}
        ],
    }
    return ChangedItem(**values | given)


def make_source(changes: int = 5, **given: Any) -> ReviewSource:
    """Make a review of so many changes."""

    def write() -> Iterator[ChangedItem]:
        return (make_change(position) for position in range(changes))

    summary = {"items": 48, "added": 0, "removed": 0, "renamed": 0, "changed": changes, "unparsed": 1}
    return ReviewSource(document=make_document(**({"summary": summary} | given)), changes=write)


def make_hostile_source() -> ReviewSource:
    """Make a review in which whatever somebody may name is named to do harm."""
    changes = [
        make_change(
            place,
            path=text,
            kind=text,
            previous_path=text,
            settings=[{"path": text, "change": "changed", "before": text, "after": {text: [text]}}],
            commits=[{"id": text, "author": text, "at": "2026-05-20T10:00:00+00:00", "subject": text}],
        )
        for place, text in enumerate(HOSTILE)
    ]
    together = " ".join(HOSTILE)
    sections = make_sections()
    sections["environment"] |= {
        "name": together,
        "slug": "../../x",
        "branch": together,
        "repository": together,
    }
    sections["inventory"] = [{"kind": text, "items": 1} for text in HOSTILE]
    sections["baseline"]["by_kind"] = [
        {"kind": text, "conforming": 1, "drifted": 1, "missing": 1, "extra": 1} for text in HOSTILE
    ]
    sections["restore"]["newest_point"]["label"] = together
    findings = [
        {"code": text, "severity": "critical", "title": text, "items": [text], "advice": text}
        for text in HOSTILE
    ]
    document = make_document(sections=sections, findings=findings, composer_version=together)
    return ReviewSource(document=document, changes=lambda: iter(changes))


def insert_review(
    session: Session, environment: Environment, source: ReviewSource, *, previous: UUID | None = None
) -> EnvironmentReview:
    """Put a draft's rows into the database, beside a run of its own."""
    document = source.document
    run = make_run(session, environment)
    names = EnvironmentReview.__table__.columns.keys()
    values = {name: getattr(document, name) for name in names if hasattr(document, name)}
    review = EnvironmentReview(
        **values
        | {
            "id": run.id,
            "run_id": run.id,
            "workspace_id": environment.workspace_id,
            "environment_id": environment.id,
            "previous_review_id": previous,
            "fingerprint": str(run.id),
            "status": "draft",
        }
    )
    session.add(review)
    session.flush()
    rows = [
        {name: getattr(change, name) for name in ChangedItem.__dataclass_fields__}
        | {"review_id": review.id, "workspace_id": review.workspace_id}
        for change in source.changes()
    ]
    if rows:
        session.execute(insert(ReviewChange), rows)
    return review
