import hashlib
import io
import json
import os
import random
import struct
import subprocess
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from runtime.cli.main import run_command
from services.reports.packs.archive import write_archive
from services.reports.packs.manifest import NAME, Manifest
from services.reports.packs.verification import Verified, verify_pack
from services.reports.packs.writing import write_pack
from services.reviews.readiness import Profile
from tests.review_documents import COMPOSED_AT, make_hostile_source, make_source

Entries = list[tuple[str, bytes]]


def packed(**given: object) -> bytes:
    out = io.BytesIO()
    write_pack(make_source(3), out, **given)  # type: ignore[arg-type] # passed on as it is
    return out.getvalue()


@pytest.fixture(scope="module")
def pack() -> bytes:
    return packed()


@pytest.fixture
def verify(tmp_path: Path) -> Callable[[bytes], Verified]:
    def verify(content: bytes) -> Verified:
        path = tmp_path / "pack.zip"
        path.write_bytes(content)
        return verify_pack(path)

    return verify


def codes(verified: Verified) -> set[str]:
    assert not verified.is_intact
    return {defect.code for defect in verified.defects}


def entries_of(pack: bytes) -> Entries:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def archived(entries: Iterable[tuple[str, bytes]]) -> bytes:
    out = io.BytesIO()
    write_archive(out, ((name, [content]) for name, content in entries), at=COMPOSED_AT)
    return out.getvalue()


def test_the_same_review_gives_the_same_pack(pack: bytes) -> None:
    assert packed() == pack


def test_a_pack_holds_reports_data_and_where_it_comes_from(pack: bytes) -> None:
    files = dict(entries_of(pack))
    reports = [f"reports/{profile}.{form}" for profile in Profile for form in ("html", "pdf")]
    data = ["review.json", "changes.jsonl", "changes.csv", "findings.csv", "inventory.csv"]
    assert [*files] == ["README.txt", *reports, *(f"data/{name}" for name in data), "SHA256SUMS", NAME]
    manifest = json.loads(files[NAME])
    for file in manifest["files"]:
        assert hashlib.sha256(files[file["path"]]).hexdigest() == file["sha256"]
        assert len(files[file["path"]]) == file["size"]
    document = make_source().document
    provenance = manifest["provenance"]
    assert provenance["review_id"] == str(document.review_id)
    assert provenance["run_id"] == str(document.run_id)
    assert provenance["fingerprint"] == document.fingerprint
    assert (provenance["commit"], provenance["baseline_commit"]) == (
        document.commit,
        document.baseline_commit,
    )
    assert provenance["environment"]["slug"] == "production"
    assert set(provenance["generator"]) == {"name", "version", "typst"}
    assert "status" not in json.loads(files["data/review.json"])


def test_the_audit_report_names_the_hashes_that_the_pack_has(pack: bytes) -> None:
    files = dict(entries_of(pack))
    for path, content in files.items():
        if path.startswith("data/"):
            assert hashlib.sha256(content).hexdigest().encode() in files["reports/audit.html"]


def test_every_file_carries_the_time_of_the_review_alone(pack: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(pack)) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 6, 1, 12, 3, 4)}
        assert {(entry.create_system, entry.external_attr >> 16) for entry in archive.infolist()} == {
            (3, 0o100644)
        }


def test_one_profile_can_be_packed_alone() -> None:
    files = dict(entries_of(packed(profiles=(Profile.EXECUTIVE,))))
    assert [name for name in files if name.startswith("reports/")] == [
        "reports/executive.html",
        "reports/executive.pdf",
    ]
    assert "data/changes.csv" in files


def test_it_finds_a_pack_intact(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    verified = verify(pack)
    assert (verified.is_intact, verified.defects) == (True, [])
    assert verified.sha256 == hashlib.sha256(pack).hexdigest()
    out = io.BytesIO()
    write_pack(make_hostile_source(), out)
    assert verify(out.getvalue()).is_intact


def test_sha256sum_checks_an_unpacked_pack(pack: bytes, tmp_path: Path) -> None:
    for name, content in entries_of(pack):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_it_tells_any_flipped_byte(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    chance = random.Random(20260601)  # noqa: S311 # no secret
    # Every byte of the last parts, the directory and the end, and some of all the others.
    tail = len(pack) - struct.unpack("<L", pack[-10:-6])[0] - 22 - 40
    places = [*range(tail, len(pack), 7), *chance.sample(range(len(pack)), 150), *range(60)]
    for place in places:
        flipped = bytearray(pack)
        flipped[place] ^= 1 << chance.randrange(8)
        assert not verify(bytes(flipped)).is_intact, place


def test_it_tells_a_missing_file(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    kept = [entry for entry in entries_of(pack) if entry[0] != "data/changes.csv"]
    verified = verify(archived(kept))
    assert codes(verified) == {"missing"}
    assert verified.defects[0].path == "data/changes.csv"


def test_it_tells_an_extra_file(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    assert codes(verify(archived([*entries_of(pack), ("data/more.csv", b"x")]))) == {"extra"}


def test_it_tells_another_content_of_the_same_size(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    changed = [
        (name, content.swapcase() if name == "README.txt" else content) for name, content in entries_of(pack)
    ]
    assert codes(verify(archived(changed))) == {"sha256_differs"}
    longer = [
        (name, content + b" " if name == "README.txt" else content) for name, content in entries_of(pack)
    ]
    assert codes(verify(archived(longer))) == {"size_differs"}


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "data/../../x", "C:\\x", "a\\..\\b", ".hidden", "a//b"]
)
def test_it_tells_a_name_that_leads_out(verify: Callable[[bytes], Verified], pack: bytes, name: str) -> None:
    assert "unsafe_name" in codes(verify(archived([*entries_of(pack), (name, b"x")])))


def test_it_refuses_a_manifest_that_lists_a_name_that_leads_out(
    verify: Callable[[bytes], Verified], pack: bytes
) -> None:
    files = dict(entries_of(pack))
    files[NAME] = files[NAME].replace(b'"README.txt"', b'"../README"')
    assert codes(verify(archived(files.items()))) == {"manifest_malformed"}


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"format": "operationrun.review-pack.v2"}', b"null", b"NaN"],
)
def test_it_refuses_a_manifest_that_is_none(
    verify: Callable[[bytes], Verified], pack: bytes, content: bytes
) -> None:
    files = dict(entries_of(pack)) | {NAME: content}
    assert codes(verify(archived(files.items()))) == {"manifest_malformed"}
    del files[NAME]
    assert codes(verify(archived(files.items()))) == {"manifest_missing"}


def test_it_refuses_a_manifest_in_another_spelling(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    files = dict(entries_of(pack))
    files[NAME] = json.dumps(json.loads(files[NAME])).encode()
    assert codes(verify(archived(files.items()))) == {"manifest_malformed"}


def test_it_reads_no_compressed_file(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries_of(pack):
            archive.writestr(name, content)
        archive.writestr("data/bomb", bytes(64 * 1024 * 1024))
    assert codes(verify(out.getvalue())) == {"compressed"}


def test_it_reads_no_file_twice(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    entries = entries_of(pack)
    with pytest.warns(UserWarning, match="Duplicate name"):
        doubled = archived([*entries, entries[0]])
    assert codes(verify(doubled)) == {"doubled"}
    # Many names for the same bytes: each entry of the directory leads to the first and largest file.
    out = io.BytesIO()
    write_archive(out, [(f"file-{n}", [b"x" * 5000 if n == 0 else b""]) for n in range(30)], at=COMPOSED_AT)
    bomb = bytearray(out.getvalue())
    first = bomb.index(b"PK\x01\x02")
    sizes = bomb[first + 16 : first + 28]
    place = first
    while (place := bomb.find(b"PK\x01\x02", place + 1)) > 0:
        bomb[place + 16 : place + 28] = sizes
        bomb[place + 42 : place + 46] = bytes(4)
    assert "overlapping" in codes(verify(bytes(bomb)))


def test_it_refuses_an_archive_of_too_many_files(verify: Callable[[bytes], Verified]) -> None:
    assert codes(verify(archived((f"{n}", b"") for n in range(65)))) == {"too_many_files"}


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all, but long enough to hold an end"])
def test_it_refuses_what_is_no_pack(verify: Callable[[bytes], Verified], pack: bytes, content: bytes) -> None:
    assert codes(verify(content)) == codes(verify(pack[:-1])) == codes(verify(pack + b"\n")) == {"not_a_pack"}


def test_it_tells_another_order_time_or_mode(verify: Callable[[bytes], Verified], pack: bytes) -> None:
    assert codes(verify(archived(reversed(entries_of(pack))))) == {"rewritten"}
    assert codes(
        verify(pack.replace(struct.pack("<HH", 24674, 23745), struct.pack("<HH", 24675, 23745)))
    ) == {"rewritten"}
    assert codes(
        verify(pack.replace(struct.pack("<L", 0o100644 << 16), struct.pack("<L", 0o120777 << 16)))
    ) == {"rewritten"}


def test_the_command_says_whether_a_pack_is_intact(
    pack: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("OPERATIONRUN_")]:
        monkeypatch.delenv(name)
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(pack)
    bad.write_bytes(archived([*entries_of(pack), ("data/more.csv", b"x")]))
    assert run_command(["verify-pack", str(good)]) == 0
    assert "Intact: all 13 files" in capsys.readouterr().out
    assert run_command(["verify-pack", str(good), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["intact"], told["files"], told["defects"]) == (True, 13, [])
    assert run_command(["verify-pack", str(bad)]) == 1
    assert "data/more.csv: The manifest does not list this file." in capsys.readouterr().out
    assert run_command(["verify-pack", str(bad), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["defects"][0]["code"] == "extra"
    assert run_command(["verify-pack", str(tmp_path / "none.zip")]) == 2


def test_a_manifest_reads_back_as_it_was_written(pack: bytes) -> None:
    content = dict(entries_of(pack))[NAME]
    assert Manifest.model_validate_json(content).dumped() == content
