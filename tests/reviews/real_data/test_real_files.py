"""Reports and packs of real configuration: the same words in every form, the same bytes in every process."""

import hashlib
import io
import json
import time
import zipfile
from pathlib import Path

import pytest

from runtime.cli.main import run_command
from services.configuration.exporter_noise import is_exporter_noise
from services.reports.pdf import INFO_ITEMS_PRINTED, ITEMS_PRINTED
from tests.reports.pdf_reading import page_count, text_of
from tests.reviews.real_data.conftest import (
    FORMS,
    PROFILES,
    VERSIONS,
    Releases,
    Tell,
    another_web_process,
    restart_web,
)
from tests.reviews.real_data.shown_text import squeezed, words_of_html
from tests.system import Json

pytestmark = [pytest.mark.feature, pytest.mark.shared_data]


@pytest.fixture(scope="session")
def files(composed: Releases | None) -> dict[str, bytes]:
    """Every report of the last release's review, by file name."""
    names = [f"{profile}.{form}" for profile in PROFILES for form in FORMS]
    return {name: composed.download(f"report/{name}") for name in names} if composed else {}


def words(files: dict[str, bytes], profile: str) -> dict[str, str]:
    """Return what a report shows, as people read it: on the screen, and on paper."""
    return {
        "html": words_of_html(files[f"{profile}.html"]),
        "pdf": text_of(files[f"{profile}.pdf"]),
    }


def as_json(files: dict[str, bytes], profile: str) -> Json:
    told: Json = json.loads(files[f"{profile}.json"])
    return told


@pytest.mark.parametrize("profile", PROFILES)
def test_every_form_says_the_same_words(releases: Releases, files: dict[str, bytes], profile: str) -> None:
    told = as_json(files, profile)
    review = releases.reviews[VERSIONS[-1]]
    for form, shown in words(files, profile).items():
        assert squeezed(told["headline"]) in shown, form
        for finding in review["findings"]:
            assert squeezed(finding["title"]) in shown, form
        for name in ("review_id", "fingerprint", "commit") if form == "html" else ("fingerprint", "commit"):
            assert told["review"][name] in shown
    assert told["review"]["review_id"] == review["id"]


@pytest.mark.parametrize("profile", ["executive", "technical"])
def test_json_lists_the_findings_of_the_review(
    releases: Releases, files: dict[str, bytes], profile: str
) -> None:
    listed = as_json(files, profile)["sections"]["findings"]["findings"]["listed"]
    expected = releases.reviews[VERSIONS[-1]]["findings"]
    assert [finding["title"] for finding in listed] == [finding["title"] for finding in expected]


@pytest.mark.parametrize("profile", ["executive", "technical"])
def test_the_numbers_of_the_summary_stand_in_every_form(
    releases: Releases, files: dict[str, bytes], profile: str
) -> None:
    summary = releases.reviews[VERSIONS[-1]]["summary"]
    changed = sum(summary[name] for name in ("added", "removed", "renamed", "changed"))
    figures = as_json(files, profile)["sections"]["summary"]["figures"]
    assert (figures["items"], figures["changed"]) == (summary["items"], changed)
    parts = [f"{summary[name]}{name}" for name in ("added", "changed", "renamed", "removed") if summary[name]]
    figure = {"html": f"items{summary['items']}allcanberead", "pdf": f"{summary['items']}itemsallcanberead"}
    for form, shown in words(files, profile).items():
        assert figure[form] in shown
        assert ",".join(parts) in shown


@pytest.mark.parametrize("profile", ["technical", "audit"])
def test_every_changed_path_stands_in_every_form(
    releases: Releases, files: dict[str, bytes], profile: str
) -> None:
    changes = releases.changes(VERSIONS[-1])
    told = as_json(files, profile)["changes"]
    assert [change["path"] for change in told] == [change["path"] for change in changes]
    for shown in words(files, profile).values():
        for change in changes:
            assert squeezed(change["path"]) in shown
            assert squeezed(change["previous_path"] or "") in shown


def test_the_technical_report_shows_each_setting_and_counts_the_bookkeeping(
    releases: Releases, files: dict[str, bytes]
) -> None:
    changes = releases.changes(VERSIONS[-1])
    shown = words(files, "technical")
    real = kept = 0
    for change in changes:
        paths = [setting["path"] for setting in change["settings"]]
        bookkeeping = [path for path in paths if is_exporter_noise(path)]
        real, kept = real + len(paths) - len(bookkeeping), kept + len(bookkeeping)
        for text in shown.values():
            assert all(squeezed(path) in text for path in paths if path not in bookkeeping)
        if len(bookkeeping) > 1:
            line = squeezed(f"{len(bookkeeping)} changes of export bookkeeping, in the data")
            assert all(line in text for text in shown.values())
    assert kept > 5 * real > 0
    for text in shown.values():
        assert "editLink" not in text
    told = [change["settings"] for change in as_json(files, "technical")["changes"]]
    assert told == [change["settings"] for change in changes]


def test_the_audit_report_counts_every_setting(releases: Releases, files: dict[str, bytes]) -> None:
    told = as_json(files, "audit")["changes"]
    shown = words(files, "audit")
    for change, kept in zip(releases.changes(VERSIONS[-1]), told, strict=True):
        count = len(change["settings"])
        assert kept["settings_changed"] == count
        if count > 1:
            assert all(squeezed(f"{count} settings changed") in text for text in shown.values())


def test_the_lists_on_paper_are_as_long_as_they_ask_for_attention(
    releases: Releases, files: dict[str, bytes]
) -> None:
    shown = text_of(files["technical.pdf"])
    for finding in releases.reviews[VERSIONS[-1]]["findings"]:
        printed = INFO_ITEMS_PRINTED if finding["severity"] == "info" else ITEMS_PRINTED
        more = len(finding["items"]) - printed
        assert more <= 0 or squeezed(f"and {more} more, in findings.csv") in shown


def test_the_executive_report_is_one_page(releases: Releases, files: dict[str, bytes]) -> None:
    assert releases.reviews
    assert page_count(files["executive.pdf"]) == 1
    assert 3 < page_count(files["technical.pdf"]) < 15


def test_two_processes_and_one_after_a_restart_give_the_same_pack(releases: Releases, tell: Tell) -> None:
    started = time.monotonic()
    pack = releases.download("pack.zip")
    took = time.monotonic() - started
    assert releases.download("pack.zip") == pack
    with another_web_process(releases.system) as client:
        assert releases.download("pack.zip", client=client) == pack
    restart_web(releases.system)
    assert releases.download("pack.zip") == pack
    tell(f"the pack has {len(pack):,} bytes and was made in {took:.2f} s")


def test_the_pack_holds_the_reports_and_every_change(
    releases: Releases, files: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = releases.download("pack.zip")
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    for file in json.loads(packed["manifest.json"])["files"]:
        assert hashlib.sha256(packed[file["path"]]).hexdigest() == file["sha256"]
        assert len(packed[file["path"]]) == file["size"]
    for name, content in files.items():
        assert name.endswith(".json") or packed[f"reports/{name}"] == content
    lines = [json.loads(line) for line in packed["data/changes.jsonl"].splitlines()]
    changes = releases.changes(VERSIONS[-1])
    assert [line["settings"] for line in lines] == [change["settings"] for change in changes]
    rows = packed["data/changes.csv"].decode("utf-8-sig")
    assert rows.count("@odata.editLink") >= sum(
        "@odata.editLink" in setting["path"] for change in changes for setting in change["settings"]
    )
    good = tmp_path / "pack.zip"
    good.write_bytes(pack)
    assert run_command(["verify-pack", str(good), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["intact"]


@pytest.mark.parametrize("part", [0.01, 0.3, 0.6, 0.9, 0.999])
def test_a_pack_with_a_flipped_bit_is_refused(
    releases: Releases, tmp_path: Path, capsys: pytest.CaptureFixture[str], part: float
) -> None:
    flipped = bytearray(releases.download("pack.zip"))
    flipped[int(part * len(flipped))] ^= 1
    bad = tmp_path / "pack.zip"
    bad.write_bytes(flipped)
    assert run_command(["verify-pack", str(bad), "--json"]) == 1
    assert not json.loads(capsys.readouterr().out)["intact"]
