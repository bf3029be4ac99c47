import base64
import hashlib
import json
import random
import sys
from html.parser import HTMLParser
from subprocess import run

import pytest

from services.hashing import canonical_json, digest
from services.reports.document import ReviewSource
from services.reports.formats import Format
from services.reports.html import content_security_policy
from services.reports.pdf import CHANGES_PRINTED
from services.reports.rendering import report_of, write_report
from services.reviews.readiness import Profile
from services.text import printable
from tests.reports.pdf_reading import characters, page_count, text_of
from tests.review_documents import (
    COMPOSED_AT,
    make_change,
    make_document,
    make_hostile_source,
    make_sections,
    make_source,
)

EVERY = [(profile, form) for profile in Profile for form in Format]


def rendered(source: ReviewSource, profile: Profile, form: Format) -> bytes:
    return b"".join(write_report(report_of(source, profile), source.changes(), form))


class Reader(HTMLParser):
    """Reads what a browser would show, and every tag it would make."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("profile", "form"), EVERY)
def test_a_review_gives_the_same_bytes_twice(profile: Profile, form: Format) -> None:
    assert rendered(make_source(), profile, form) == rendered(make_source(), profile, form)


def test_another_process_in_another_place_writes_the_same_bytes() -> None:
    code = (
        "import hashlib\n"
        "from tests.reports.test_reports import EVERY, make_source, rendered\n"
        "print(*(hashlib.sha256(rendered(make_source(), *each)).hexdigest() for each in EVERY))"
    )
    elsewhere = {"TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "1"}
    said = run([sys.executable, "-c", code], env=elsewhere, capture_output=True, text=True, check=True).stdout
    assert said.split() == [hashlib.sha256(rendered(make_source(), *each)).hexdigest() for each in EVERY]


def test_json_says_what_the_other_forms_say() -> None:
    told = json.loads(rendered(make_source(), Profile.TECHNICAL, Format.JSON))
    shown = Reader(rendered(make_source(), Profile.TECHNICAL, Format.HTML)).text
    assert told["headline"] in shown
    assert told["sections"]["findings"]["findings"]["listed"][0]["title"] in shown
    assert [change["path"] for change in told["changes"]] == [make_change(n).path for n in range(5)]
    assert all(change["path"] in shown for change in told["changes"])
    printed = text_of(rendered(make_source(), Profile.TECHNICAL, Format.PDF))
    assert told["headline"].replace(" ", "") in printed
    assert all(change["path"].replace(" ", "") in printed for change in told["changes"])
    assert told["changes"][0]["settings"] == make_change(0).settings
    assert "settings" not in json.loads(rendered(make_source(), Profile.AUDIT, Format.JSON))["changes"][0]
    assert "changes" not in json.loads(rendered(make_source(), Profile.EXECUTIVE, Format.JSON))


def test_the_technical_report_shows_every_change_with_its_settings_and_who_made_it() -> None:
    shown = Reader(rendered(make_source(450), Profile.TECHNICAL, Format.HTML)).text
    assert all(make_change(position).path in shown for position in range(450))
    assert shown.count("passcode.minimumLength") == shown.count("Jörg") == 450
    assert "not set" in shown
    assert "••••••" in shown


def test_the_audit_report_lets_anybody_reckon_the_fingerprint_again() -> None:
    document = make_document()
    inputs = {
        "environment_id": str(document.environment_id),
        "live_tree": document.tree,
        "baseline_tree": document.baseline_tree,
        "previous_tree": document.previous_tree,
        "composer_version": document.composer_version,
    }
    true = make_source(fingerprint=digest(inputs))
    told = json.loads(rendered(true, Profile.AUDIT, Format.JSON))["sections"]["fingerprint"]["fingerprint"]
    assert told["text"] == canonical_json(inputs)
    assert hashlib.sha256(told["text"].encode()).hexdigest() == told["fingerprint"]
    other = json.loads(rendered(make_source(), Profile.AUDIT, Format.JSON))["sections"]["fingerprint"]
    assert "text" not in other["fingerprint"]


@pytest.mark.parametrize("profile", Profile)
def test_a_report_says_calmly_what_the_review_does_not_hold(profile: Profile) -> None:
    bare = ReviewSource(
        document=make_document(
            summary={},
            sections={},
            findings=[],
            previous_review_id=None,
            previous_tree=None,
            baseline_commit=None,
        ),
        changes=lambda: iter(()),
    )
    shown = Reader(rendered(bare, profile, Format.HTML)).text
    assert "no published review to compare with" in shown
    assert "No baseline is set" in shown
    assert "None" not in shown
    assert page_count(rendered(bare, profile, Format.PDF)) >= 1


@pytest.mark.parametrize("profile", Profile)
def test_nobody_writes_markup_into_html(profile: Profile) -> None:
    page = rendered(make_hostile_source(), profile, Format.HTML)
    reader, plain = Reader(page), Reader(rendered(make_source(), profile, Format.HTML))
    assert set(reader.tags) <= set(plain.tags) | {"details", "summary", "p", "span"}
    assert not [
        name for name in reader.attributes if name.startswith("on") or name in {"style", "src", "href"}
    ]
    for hidden in ("\u202e", "\x1b", "\x01", "\u2028"):
        assert hidden not in page.decode()
    assert "{{ 7 * 7 }}" in reader.text
    assert "\\u{202e}cod.exe" in reader.text


@pytest.mark.parametrize("profile", Profile)
def test_nobody_writes_markup_into_pdf(profile: Profile) -> None:
    pdf = rendered(make_hostile_source(), profile, Format.PDF)
    shown = characters(pdf)
    # The characters of the markup are shown as they are; nothing was read, set in italics or left out.
    assert set('#("/)$@`') <= shown
    assert b"root:" not in pdf
    assert not {"\u202e", "\u65e5", "\u0644"} & shown


def test_the_pdf_shows_umlauts_the_mask_and_arrows() -> None:
    shown = characters(rendered(make_source(), Profile.TECHNICAL, Format.PDF))
    assert set("äöß•→") <= shown


def test_no_text_stops_the_pdf() -> None:
    chance = random.Random(20260601)  # noqa: S311 # no secret
    points = [*range(0x20, 0xD800), *range(0xE000, 0x11000), *range(0x1F300, 0x1F700)]
    for _ in range(25):
        paths = ["".join(map(chr, chance.choices(points, k=40))) for _ in range(40)]
        printed = [chr(point) for point in points if printable(chr(point)) == chr(point)]
        paths += ["".join(chance.choices(printed, k=60)) for _ in range(40)]
        changes = [make_change(place, path=path, kind=path) for place, path in enumerate(paths)]
        report = report_of(make_source(), Profile.AUDIT)
        assert b"".join(write_report(report, changes, Format.PDF)).startswith(b"%PDF-")


@pytest.mark.parametrize("form", [Format.HTML, Format.PDF])
def test_export_bookkeeping_is_one_line_in_the_technical_report_and_counted_in_the_audit(
    form: Format,
) -> None:
    real = {"path": "passcode", "change": "changed", "before": 8, "after": 12}
    kept = [real | {"path": f'settings[id={n}]["@odata.editLink"]'} for n in range(30)]
    changes = [make_change(0, settings=[*kept, real])]
    shown = {}
    for profile in (Profile.TECHNICAL, Profile.AUDIT):
        report = b"".join(write_report(report_of(make_source(1), profile), changes, form))
        shown[profile] = (text_of(report) if form is Format.PDF else Reader(report).text).replace(" ", "")
    assert "and30changesofexportbookkeeping,inthedata" in shown[Profile.TECHNICAL]
    assert "passcode" in shown[Profile.TECHNICAL]
    assert "editLink" not in shown[Profile.TECHNICAL]
    assert "31settingschanged,30ofexportbookkeeping" in shown[Profile.AUDIT]


def test_the_pdf_carries_the_reviews_time_and_no_other() -> None:
    pdf = rendered(make_source(), Profile.EXECUTIVE, Format.PDF)
    assert f"{COMPOSED_AT:%Y-%m-%dT%H:%M:%SZ}".encode() in pdf
    assert pdf.count(b"D:2026060112") == pdf.count(b"D:20")


def test_a_long_pdf_says_how_many_more_there_are() -> None:
    short, long = (rendered(make_source(n), Profile.AUDIT, Format.PDF) for n in (CHANGES_PRINTED, 3000))
    assert page_count(long) - page_count(short) <= 1
    assert len(long) < 1.1 * len(short)


@pytest.mark.parametrize("text", ["W" * 300, "Größe und Maß " * 30, "i"])
def test_the_executive_report_is_one_page_whatever_the_review_holds(text: str) -> None:
    many = 10**7
    sections = make_sections()
    sections["environment"]["name"] = sections["restore"]["newest_point"]["label"] = text
    sections["baseline"] |= {
        "by_kind": [
            {"kind": f"{text}{n}", "conforming": many, "drifted": many, "missing": many, "extra": 1}
            for n in range(300)
        ],
        "conforming": many,
        "drifted": many,
        "missing": many,
    }
    outcomes = ("succeeded", "failed", "blocked", "partially_succeeded", "attention_required", "cancelled")
    sections["operations"] |= {"runs": many, "by_outcome": dict.fromkeys(outcomes, many)}
    sections["history"] = [dict(sections["history"][0], added=many, changed=many) for _ in range(12)]
    findings = [
        {
            "code": text,
            "severity": ("critical", "warning", "info")[n % 3],
            "title": text,
            "items": [text],
            "advice": text,
        }
        for n in range(500)
    ]
    summary = dict.fromkeys(("items", "added", "removed", "renamed", "changed", "unparsed"), many)
    source = make_source(sections=sections, findings=findings, summary=summary)
    assert page_count(rendered(source, Profile.EXECUTIVE, Format.PDF)) == 1


def test_html_needs_nothing_from_elsewhere_and_says_so() -> None:
    page = rendered(make_source(), Profile.TECHNICAL, Format.HTML).decode()
    style = page.split("<style>")[1].split("</style>")[0]
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in content_security_policy()
    assert "default-src 'none'" in content_security_policy()
    assert "url(" not in style
    assert "//" not in page.replace("http://www.w3.org/2000/svg", "").replace("https://git.example.org", "")
