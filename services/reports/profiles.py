from collections.abc import Sequence
from typing import Final

from models.base import Json
from services.reports.audit_sections import (
    digests_part,
    evidence_part,
    findings_register,
    fingerprint_part,
    limits_part,
)
from services.reports.blocks import Aside, Block, ChangeList, Charts, Findings, Report, Section
from services.reports.charts import changes_over_time, conformance_by_kind, findings_by_severity
from services.reports.document import ReviewDocument
from services.reports.sections import (
    baseline_facts,
    baseline_paths,
    figures,
    identity,
    inventory_part,
    operations_part,
    restore_part,
)
from services.reports.sentences import comparison, headline, operated, restorable
from services.reviews.readiness import Profile
from services.text import shortened

# These keep the executive report on one page.
FINDINGS_SHOWN: Final = 5
TITLE_LENGTH: Final = 110
ADVICE_LENGTH: Final = 150
NAME_LENGTH: Final = 60


def executive(document: ReviewDocument) -> Report:
    """Report on one page the state of the environment and what needs a decision."""
    shown = [_brief(finding) for finding in document.findings[:FINDINGS_SHOWN]]
    left_out = len(document.findings) - len(shown)
    pictures = (changes_over_time(document), conformance_by_kind(document), findings_by_severity(document))
    return _report(
        Profile.EXECUTIVE,
        document,
        (
            Section(key="summary", title="At a glance", blocks=(figures(document),)),
            Section(
                key="pictures",
                title="How it stands",
                blocks=(Charts(key="charts", charts=pictures, with_tables=False, aside=_safety(document)),),
            ),
            Section(
                key="findings",
                title="What needs attention",
                blocks=(Findings(key="findings", findings=shown, left_out=left_out, with_items=False),),
            ),
        ),
    )


def technical(document: ReviewDocument) -> Report:
    """Report everything the review has, every changed setting included."""
    return _report(
        Profile.TECHNICAL,
        document,
        (
            Section(key="summary", title="At a glance", blocks=(figures(document),)),
            Section(
                key="findings",
                title="Findings",
                blocks=(
                    Charts(key="charts", charts=(findings_by_severity(document),), with_tables=False),
                    Findings(key="findings", findings=document.findings),
                ),
            ),
            _history_part(document),
            _baseline_part(document, *baseline_paths(document)),
            inventory_part(document),
            restore_part(document),
            operations_part(document),
            _changes_part(document, with_settings=True),
        ),
    )


def audit(document: ReviewDocument, digests: Sequence[Json]) -> Report:
    """Report the review's evidence and how to verify it; `digests` are those of the data files."""
    return _report(
        Profile.AUDIT,
        document,
        (
            evidence_part(document),
            fingerprint_part(document),
            findings_register(document),
            _baseline_part(document),
            _history_part(document),
            restore_part(document),
            operations_part(document),
            digests_part(digests),
            limits_part(document),
            _changes_part(document, with_settings=False),
        ),
    )


def _report(profile: Profile, document: ReviewDocument, sections: Sequence[Section]) -> Report:
    return Report(
        profile=profile,
        title=f"Review of {shortened(document.environment_name, NAME_LENGTH)}",
        headline=headline(document),
        identity=identity(document),
        sections=sections,
    )


def _brief(finding: Json) -> Json:
    """Cut a finding to what has room on one page."""
    return {
        **finding,
        "title": shortened(str(finding.get("title") or ""), TITLE_LENGTH),
        "advice": shortened(str(finding.get("advice") or ""), ADVICE_LENGTH),
        "items": [],
        "items_count": len(finding.get("items") or []),
    }


def _safety(document: ReviewDocument) -> Aside:
    sentences = (shortened(restorable(document), 2 * TITLE_LENGTH), operated(document))
    return Aside(title="Could it be put back?", sentences=sentences)


def _history_part(document: ReviewDocument) -> Section:
    return Section(
        key="history",
        title="From review to review",
        blocks=(Charts(key="charts", charts=(changes_over_time(document),), with_tables=True),),
    )


def _baseline_part(document: ReviewDocument, *more: Block) -> Section:
    chart = Charts(key="charts", charts=(conformance_by_kind(document),), with_tables=True)
    return Section(
        key="baseline",
        title="Conformance with the baseline",
        blocks=(baseline_facts(document), chart, *more),
    )


def _changes_part(document: ReviewDocument, *, with_settings: bool) -> Section:
    return Section(
        key="changes",
        title="What changed" if with_settings else "Register of changes",
        intro=comparison(document),
        blocks=(
            ChangeList(
                key="changes",
                total=document.changed_items,
                with_settings=with_settings,
                empty="No item changed.",
            ),
        ),
    )
