import hashlib
import struct
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from pydantic import ValidationError

from models.base import Json
from services.reports.packs.archive import pieces_of, write_archive
from services.reports.packs.manifest import NAME, SAFE_PATH, Manifest, PackedFile

# No pack comes near these; past them nothing is read.
FILES: Final = 64
DIRECTORY_SIZE: Final = 64 * 1024
MANIFEST_SIZE: Final = 1024 * 1024

_END: Final = struct.Struct("<4s4H2LH")
_ENCRYPTED: Final = 0x1
# What zipfile raises of an archive whose headers are wrong, or whose time no archive can have.
_MALFORMED: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    ValueError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing that is not as it should be; `path` is the file of the pack it is about, if any."""

    code: str
    message: str
    path: str | None = None


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What came of checking a pack; `manifest` is None where it could not be read."""

    sha256: str
    defects: Sequence[Defect]
    manifest: Manifest | None

    @property
    def is_intact(self) -> bool:
        """Tell whether every file is there and unchanged, and nothing else."""
        return not self.defects


class _Refused(Exception):
    """The archive cannot be judged further."""

    def __init__(self, *defects: Defect) -> None:
        super().__init__(defects[0].message)
        self.defects = defects


def verify_pack(path: Path) -> Verified:
    """Check a review pack without a network, and without writing any file of it.

    1. The archive's directory is small, and its files are stored, beside each other, under safe names;
       so what is read is never more than the archive itself.
    2. The manifest is well-formed and spelled as this program spells it.
    3. The files are exactly the manifest's, with its sizes and hashes.
    4. Written again from its files, the archive is the same to the last byte.

    It proves that the pack is as it was written, not who wrote it. Raises OSError for a file out of reach.
    """
    with path.open("rb") as file:
        sha256 = _sha256(file)
        try:
            manifest = _judge(file)
        except _Refused as refused:
            return Verified(sha256=sha256, defects=refused.defects, manifest=None)
        except _MALFORMED:
            return Verified(sha256=sha256, defects=[_not_a_pack()], manifest=None)
        with zipfile.ZipFile(file) as archive:
            defects = [*_compare(archive, manifest)] or [*_rewritten(file, archive, manifest)]
    return Verified(sha256=sha256, defects=defects, manifest=manifest)


def _judge(file: BinaryIO) -> Manifest:
    _check_directory(file)
    with zipfile.ZipFile(file) as archive:
        defects = [*_check_entries(archive, size=file.seek(0, 2))]
        if defects:
            raise _Refused(*defects)
        return _read_manifest(archive)


def _check_directory(file: BinaryIO) -> None:
    """Judge the end of the archive before anything believes it: a pack has no comment and no ZIP64 part."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise _Refused(_not_a_pack())
    file.seek(size - _END.size)
    signature, *_, count, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment or start + length + _END.size != size:
        raise _Refused(_not_a_pack())
    if count > FILES or length > DIRECTORY_SIZE:
        raise _Refused(Defect(code="too_many_files", message=f"The archive names more than {FILES} files."))


def _check_entries(archive: zipfile.ZipFile, *, size: int) -> Iterator[Defect]:
    entries = archive.infolist()
    for name, count in Counter(entry.filename for entry in entries).items():
        if count > 1:
            yield Defect(code="doubled", message="This file is there more than once.", path=name)
    for entry in entries:
        # orig_filename: as it stands in the archive, before anything was made of it.
        if not SAFE_PATH.fullmatch(entry.orig_filename):
            yield Defect(
                code="unsafe_name", message="This name could lead out of a folder.", path=entry.orig_filename
            )
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            yield Defect(
                code="compressed", message="This file is compressed; packs store theirs.", path=entry.filename
            )
        if entry.flag_bits & _ENCRYPTED:
            yield Defect(code="encrypted", message="This file is encrypted.", path=entry.filename)
    if sum(entry.compress_size for entry in entries) > size:
        yield Defect(code="overlapping", message="Files of the archive lie over each other.")


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    if NAME not in archive.namelist():
        raise _Refused(Defect(code="manifest_missing", message="There is no manifest.", path=NAME))
    if archive.getinfo(NAME).file_size > MANIFEST_SIZE:
        raise _Refused(Defect(code="manifest_malformed", message="The manifest is too large.", path=NAME))
    try:
        content = archive.read(NAME)
    except zipfile.BadZipFile:
        raise _Refused(Defect(code="unreadable", message="This file is damaged.", path=NAME)) from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"]) or "it"
        message = f"The manifest is not well-formed, at {where}."
        raise _Refused(Defect(code="manifest_malformed", message=message, path=NAME)) from None
    if manifest.dumped() != content:
        message = "The manifest is not written as this program writes it."
        raise _Refused(Defect(code="manifest_malformed", message=message, path=NAME))
    return manifest


def _compare(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Defect]:
    there = {entry.filename for entry in archive.infolist()} - {NAME}
    listed = {file.path for file in manifest.files}
    for path in sorted(there - listed):
        yield Defect(code="extra", message="The manifest does not list this file.", path=path)
    for file in manifest.files:
        defect = _compare_file(archive, file) if file.path in there else _missing(file)
        if defect is not None:
            yield defect


def _compare_file(archive: zipfile.ZipFile, file: PackedFile) -> Defect | None:
    size = archive.getinfo(file.path).file_size
    if size != file.size:
        message = f"This file has {size} bytes; the manifest says {file.size}."
        return Defect(code="size_differs", message=message, path=file.path)
    try:
        with archive.open(file.path) as content:
            sha256 = _sha256_of(pieces_of(content))  # type: ignore[arg-type] # reads bytes as BinaryIO does
    except _MALFORMED:
        return Defect(code="unreadable", message="This file is damaged.", path=file.path)
    if sha256 != file.sha256:
        return Defect(
            code="sha256_differs", message="This file is not the one the manifest lists.", path=file.path
        )
    return None


def _rewritten(file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Defect]:
    """Tell of anything in the archive that is not a file of it: times, attributes, order, gaps."""
    if not _is_the_same_again(file, archive, manifest):
        yield Defect(
            code="rewritten", message="The files are right, but the archive around them was changed."
        )


def _is_the_same_again(file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> bool:
    with tempfile.TemporaryFile() as again:
        try:
            write_archive(again, _contents(archive, manifest), at=manifest.composed_at)
        except _MALFORMED:
            return False
        again.seek(0)
        file.seek(0)
        return _sha256_of(pieces_of(again)) == _sha256_of(pieces_of(file))


def _contents(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[tuple[str, Iterator[bytes]]]:
    for path in [*(file.path for file in manifest.files), NAME]:
        with archive.open(path) as content:
            yield path, pieces_of(content)  # type: ignore[arg-type] # reads bytes as BinaryIO does


def _missing(file: PackedFile) -> Defect:
    return Defect(
        code="missing", message="The manifest lists this file, and it is not there.", path=file.path
    )


def _not_a_pack() -> Defect:
    return Defect(code="not_a_pack", message="This is not a review pack, or its end is missing or damaged.")


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return _sha256_of(pieces_of(file))


def _sha256_of(pieces: Iterator[bytes]) -> str:
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.hexdigest()


def told(verified: Verified) -> Json:
    """Return what came of it as JSON has it."""
    provenance = verified.manifest and verified.manifest.provenance
    return {
        "intact": verified.is_intact,
        "sha256": verified.sha256,
        "review_id": str(provenance.review_id) if provenance else None,
        "composed_at": provenance.composed_at.isoformat() if provenance else None,
        "files": len(verified.manifest.files) if verified.manifest else None,
        "defects": [
            {"code": each.code, "path": each.path, "message": each.message} for each in verified.defects
        ],
    }
