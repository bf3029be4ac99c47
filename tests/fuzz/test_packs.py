"""Whatever is handed to verify-pack: a verdict, never an exception, and never more read than there is."""

import hashlib
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.reports.packs.archive import write_archive
from services.reports.packs.manifest import NAME, Manifest
from services.reports.packs.verification import Verified, verify_pack

COMPOSED_AT = datetime(2026, 6, 1, 12, 3, 4, tzinfo=UTC)
ID = "0199f2f0-0000-7000-8000-00000000000a"
FILES = {"README.txt": b"read me", "data/review.json": b"{}" * 40}
PROVENANCE = {
    "review_id": ID,
    "run_id": ID,
    "environment": {"id": ID, "name": None, "slug": "s", "workspace": "w", "workspace_id": ID},
    **dict.fromkeys(["commit", "tree"], "ab"),
    **dict.fromkeys(["baseline_commit", "baseline_tree", "previous_review_id"]),
    "fingerprint": "f",
    "composer_version": "1",
    "generator": {"name": "operationrun", "version": "1", "typst": "1"},
}
NAMES = st.sampled_from(
    [
        "../../etc/passwd",
        "/etc/passwd",
        "a\\..\\b",
        "C:x",
        "",
        ".",
        "a/",
        "a\0b",
        NAME,
        "README.txt",
        "é" * 30,
    ]
) | st.text(max_size=20)
BITS = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6)


def manifest(composed_at: datetime, files: dict[str, bytes]) -> bytes:
    listed = [
        {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for path, content in files.items()
    ]
    told: dict[str, Any] = {
        "format": "operationrun.review-pack.v1",
        "profiles": ["executive"],
        "provenance": PROVENANCE | {"composed_at": composed_at.isoformat()},
        "files": listed,
    }
    return Manifest.model_validate_json(json.dumps(told)).dumped()


def pack(composed_at: datetime = COMPOSED_AT) -> bytes:
    out = io.BytesIO()
    entries = [*FILES.items(), (NAME, manifest(composed_at, FILES))]
    # The archive itself has a time that every archive can have.
    write_archive(out, ((name, [content]) for name, content in entries), at=COMPOSED_AT)
    return out.getvalue()


def verified(content: bytes) -> Verified:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.zip"
        path.write_bytes(content)
        found = verify_pack(path)
        assert [*Path(folder).iterdir()] == [path]
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    return found


def test_the_pack_that_is_changed_here_is_a_whole_one() -> None:
    assert verified(pack()).is_intact


@given(st.binary(max_size=400))
def test_bytes_that_are_no_pack_are_told_so(content: bytes) -> None:
    assert not verified(content).is_intact


@given(st.integers(0, 5000))
def test_a_pack_cut_short_is_not_intact(length: int) -> None:
    whole = pack()
    assert verified(whole[:length]).is_intact == (length >= len(whole))


@given(BITS)
def test_a_pack_with_flipped_bits_is_not_intact(flips: Sequence[tuple[int, int]]) -> None:
    whole = pack()
    assert verified(flipped(whole, flips, range(len(whole)))).is_intact == (
        flipped(whole, flips, range(len(whole))) == whole
    )


@given(BITS)
def test_a_pack_whose_headers_lie_is_not_intact(flips: Sequence[tuple[int, int]]) -> None:
    """The bytes that say how to read it, where a flip does the most: both kinds of headers, and the end."""
    whole = pack()
    headers = [
        place
        for mark, length in ((b"PK\x03\x04", 45), (b"PK\x01\x02", 60), (b"PK\x05\x06", 22))
        for start in places(whole, mark)
        for place in range(start + 4, min(start + length, len(whole)))
    ]
    changed = flipped(whole, flips, headers)
    assert verified(changed).is_intact == (changed == whole)


@given(st.lists(st.tuples(NAMES, st.binary(max_size=30)), max_size=5), st.booleans())
def test_an_archive_of_any_names_is_not_intact(entries: list[tuple[str, bytes]], is_deflated: bool) -> None:  # noqa: FBT001 # generated
    out = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if is_deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(out, "w", compression=kind) as archive:
        for name, content in {**dict(entries), NAME: manifest(COMPOSED_AT, FILES)}.items():
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "replace").decode()
            archive.writestr(info, content, compress_type=kind)
    assert not verified(out.getvalue()).is_intact


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_manifest_of_any_time_gets_a_verdict(composed_at: datetime) -> None:
    assert verified(pack(composed_at)).is_intact == (
        composed_at.astimezone(UTC).replace(microsecond=0) == COMPOSED_AT
    )


def test_a_bomb_is_not_unpacked() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(NAME, b"\0" * (1 << 26))
    assert [defect.code for defect in verified(out.getvalue()).defects] == ["compressed"]


def test_a_size_that_is_not_there_is_not_read() -> None:
    whole = bytearray(pack())
    for start in places(bytes(whole), b"PK\x01\x02"):
        struct.pack_into("<2L", whole, start + 20, 1 << 31, 1 << 31)
    assert [defect.code for defect in verified(bytes(whole)).defects] == ["overlapping"]


def test_a_file_that_zipfile_cannot_read_is_damaged() -> None:
    """Flag bit 5 says that it is a patch, which is read nowhere."""
    whole = bytearray(pack())
    for mark, flags in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        struct.pack_into("<H", whole, places(bytes(whole), mark)[0] + flags, 0x20)
    assert [defect.code for defect in verified(bytes(whole)).defects] == ["unreadable"]


def places(content: bytes, mark: bytes) -> list[int]:
    return [place for place in range(len(content)) if content.startswith(mark, place)]


def flipped(content: bytes, flips: Sequence[tuple[int, int]], among: Sequence[int]) -> bytes:
    changed = bytearray(content)
    for place, bits in flips:
        changed[among[place % len(among)]] ^= bits
    return bytes(changed)
