"""What a child renders is what this process would, within its limits, and knowing nothing of ours."""

import io
import tempfile
from collections.abc import Iterator

import pytest

from models.errors import ReportFailed, ReportTooLarge
from services.reports.document import ChangedItem, ReviewSource
from services.reports.formats import Format
from services.reports.kept import child_process
from services.reports.kept.child_process import render_in_child
from services.reports.kept.file_names import FileName
from services.reports.kept.review_file import read_review, write_review
from services.reports.packs.writing import write_pack
from services.reports.rendering import report_of, write_report
from services.reviews.readiness import Profile
from tests.review_documents import make_change, make_document, make_hostile_source, make_source


def render(source: ReviewSource, name: str) -> bytes:
    with tempfile.TemporaryFile() as review, tempfile.TemporaryFile() as out:
        write_review(source, review)
        render_in_child(FileName.parse(name), review, out)
        out.seek(0)
        return out.read()


@pytest.mark.parametrize("make", [make_source, make_hostile_source])
def test_a_review_reads_back_as_it_was_written(make: object) -> None:
    source: ReviewSource = make()  # type: ignore[operator] # either of two functions
    file = io.BytesIO()
    write_review(source, file)
    again = read_review(file)
    assert again.document == source.document
    assert [*again.changes()] == [*again.changes()] == [*source.changes()]
    first = again.changes()
    assert (next(first), next(again.changes())) == (next(source.changes()),) * 2
    assert len([*first]) == len([*source.changes()]) - 1


@pytest.mark.parametrize("name", ["technical.html", "audit.json", "executive.pdf"])
def test_a_child_writes_the_same_bytes(name: str) -> None:
    source, parsed = make_hostile_source(), FileName.parse(name)
    assert parsed.profile
    assert parsed.form
    here = write_report(report_of(source, parsed.profile), source.changes(), parsed.form)
    assert render(source, name) == b"".join(here)


def test_a_child_writes_the_same_pack() -> None:
    here = io.BytesIO()
    write_pack(make_source(1), here, profiles=(Profile.EXECUTIVE,))
    assert render(make_source(1), "executive-pack.zip") == here.getvalue()


def test_every_name_reads_back() -> None:
    for profile in (None, *Profile):
        for form in (None, *Format) if profile else (None,):
            name = FileName(profile=profile, form=form)
            assert FileName.parse(str(name)) == name


def one_item_of(characters: int) -> ReviewSource:
    def changes() -> Iterator[ChangedItem]:
        yield make_change(0, settings=[{"path": "a", "change": "changed", "before": "x" * characters}])

    return ReviewSource(document=make_document(), changes=changes)


def test_what_takes_too_much_memory_ends_by_name() -> None:
    with pytest.raises(ReportTooLarge):
        render(one_item_of(200 * 1024 * 1024), "technical.json")


def test_a_pdf_that_takes_too_much_memory_ends_by_name() -> None:
    findings = [
        {"code": f"c{place}", "severity": "info", "title": "word " * 60_000, "items": [], "advice": ""}
        for place in range(100)
    ]
    with pytest.raises(ReportTooLarge):
        render(make_source(0, findings=findings), "technical.pdf")


def test_a_child_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_process, "RENDERED_WITHIN", child_process.RENDERED_WITHIN * 0)
    with pytest.raises(ReportFailed):
        render(make_source(), "technical.json")


def test_a_child_that_fails_is_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryFile() as review, tempfile.TemporaryFile() as out:
        review.write(b"no review\n")
        with pytest.raises(ReportFailed) as failed:
            render_in_child(FileName.parse("audit.html"), review, out)
    assert "ValidationError" in str(failed.value.__cause__)
    monkeypatch.setenv("OPERATIONRUN_DATABASE_URL", "postgresql://secret")
    assert "secret" not in str(child_process._environment())
