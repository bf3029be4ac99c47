"""The sections of the audit report: the review's evidence, by ids and hashes."""

import shlex
from collections.abc import Sequence
from typing import Final

from models.base import Json
from services.hashing import canonical_json, digest
from services.reports.blocks import Column, FactList, Section, Style, Table, Words
from services.reports.document import ReviewDocument
from services.reports.sections import fact
from services.reviews.evidence import fingerprint_inputs
from services.text import counted, number

_LIMITS: Final = {
    "scope": (
        "The review tells what the repository held at the commit named above. What the systems that are "
        "configured from it were doing, it does not tell."
    ),
    "secrets": "Values whose names look secret are masked wherever they appear; that they changed is shown.",
    "status": (
        "Whether and when the review was published is not part of it: that is kept beside it and can change."
    ),
}


def evidence_part(document: ReviewDocument) -> Section:
    """List everything the review was composed from."""
    environment = document.section("environment")
    facts = (
        fact("review_id", "Review", document.review_id, Style.HASH),
        fact("run_id", "Composed by run", document.run_id, Style.HASH),
        fact("environment_id", "Environment", document.environment_id, Style.HASH),
        fact("workspace_id", "Workspace", document.workspace_id, Style.HASH),
        fact("composed_at", "Composed", document.composed_at, Style.MOMENT),
        fact("composer_version", "Composer version", document.composer_version),
        fact("repository", "Repository", environment.get("repository"), Style.PATH),
        fact("branch", "Branch", environment.get("branch"), Style.PATH),
        fact(
            "path_prefix",
            "Folder",
            environment.get("path_prefix") or None,
            Style.PATH,
            "the whole repository",
        ),
        fact("commit", "Commit", document.commit, Style.HASH),
        fact("tree", "Tree of the folder", document.tree, Style.HASH),
        fact("baseline_ref", "Baseline ref", environment.get("baseline_ref"), Style.PATH, "none"),
        fact("baseline_commit", "Baseline commit", document.baseline_commit, Style.HASH, "none"),
        fact("baseline_tree", "Baseline tree", document.baseline_tree, Style.HASH, "none"),
        fact("previous_review_id", "Review before", document.previous_review_id, Style.HASH, "none"),
        fact("previous_commit", "Its commit", document.previous_commit, Style.HASH, "none"),
        fact("previous_tree", "Its tree", document.previous_tree, Style.HASH, "none"),
    )
    intro = "Every statement of this review is derived from these states of the repository, and the ledger."
    return Section(
        key="evidence", title="Evidence", intro=intro, blocks=(FactList(key="evidence", facts=facts),)
    )


def fingerprint_part(document: ReviewDocument) -> Section:
    """Show the fingerprint and the text it is the hash of, so that a reader can compute it."""
    inputs = fingerprint_inputs(
        environment_id=document.environment_id,
        live_tree=document.tree,
        baseline_tree=document.baseline_tree,
        previous_tree=document.previous_tree,
        composer_version=document.composer_version,
    )
    agrees = digest(inputs) == document.fingerprint
    said = (
        "It is the SHA-256 of exactly this text, in UTF-8, without a line end. "
        "Reckoned again for this report, it agrees."
        if agrees
        else "The fingerprint names the evidence: two reviews of the same evidence have the same. "
        "It was made from more than this report can reckon again."
    )
    blocks: list[FactList | Words] = [
        FactList(
            key="fingerprint",
            facts=(
                fact("fingerprint", "Fingerprint", document.fingerprint, Style.HASH),
                *((fact("text", "Text", canonical_json(inputs), Style.PATH),) if agrees else ()),
            ),
        ),
        *_checks(document),
    ]
    return Section(key="fingerprint", title="Fingerprint", intro=said, blocks=blocks)


def _checks(document: ReviewDocument) -> list[FactList | Words]:
    """Show the commands by which a reader with a clone can verify the evidence."""
    environment, commit, before = document.section("environment"), document.commit, document.previous_commit
    if not environment:
        return []
    folder = str(environment.get("path_prefix") or "")
    tree = shlex.join(["git", "rev-parse", f"{commit}:{folder}"])
    arguments = [
        "git",
        "diff",
        "-M",
        "--name-status",
        str(before),
        commit,
        *(["--", folder] if folder else []),
    ]
    facts = (
        fact("tree", "Gives the tree", tree, Style.PATH),
        *((fact("changes", "Gives the changes", shlex.join(arguments), Style.PATH),) if before else ()),
    )
    return [
        Words(key="clone", text="In a clone of the repository:"),
        FactList(key="checks", facts=facts),
    ]


def findings_register(document: ReviewDocument) -> Section:
    """List the findings by code, with the number of items of each."""
    columns = (
        Column(key="severity", label="Severity"),
        Column(key="code", label="Code", style=Style.PATH),
        Column(key="title", label="Finding", is_wide=True),
        Column(key="items", label="Items", style=Style.NUMBER),
    )
    rows = [{**finding, "items": len(finding.get("items") or [])} for finding in document.findings]
    table = Table(
        key="findings",
        caption="Findings by what they rest on",
        columns=columns,
        rows=rows,
        empty="Nothing stood out.",
    )
    return Section(key="findings", title="Register of findings", blocks=(table,))


def digests_part(digests: Sequence[Json]) -> Section:
    """List the hashes of the data files that the review pack has beside this report."""
    columns = (
        Column(key="path", label="File", style=Style.PATH, is_wide=True),
        Column(key="size", label="Bytes", style=Style.NUMBER),
        Column(key="sha256", label="SHA-256", style=Style.HASH),
    )
    intro = "The review pack holds the review's data. These are the sizes and hashes its files must have."
    table = Table(key="digests", caption="Data of the review", columns=columns, rows=digests)
    return Section(key="data", title="Data and hashes", intro=intro, blocks=(table,))


def limits_part(document: ReviewDocument) -> Section:
    """Describe the limits of the review."""
    words = [Words(key=key, text=text) for key, text in (_LIMITS | {"reading": _reading(document)}).items()]
    return Section(key="limits", title="What this review does not tell", blocks=words)


def _reading(document: ReviewDocument) -> str:
    unparsed = document.counted("unparsed")
    if not unparsed:
        return "Every item could be read as configuration."
    return (
        f"{number(unparsed)} of {counted(document.counted('items'), 'item')} could not be read as "
        "configuration: their bytes are compared, their settings are not."
    )
