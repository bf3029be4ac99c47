import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from services.reports.packs.manifest import SAFE_PATH

# No pack comes near these; past them nothing is read.
FILES: Final = 64
DIRECTORY_SIZE: Final = 64 * 1024

_END: Final = struct.Struct("<4s4H2LH")
_ENCRYPTED: Final = 0x1
# What zipfile raises for wrong headers, or for a time that no archive can have.
MALFORMED: Final = (
    zipfile.BadZipFile,
    NotImplementedError,
    EOFError,
    ValueError,
    OverflowError,
    struct.error,
)


@dataclass(frozen=True, kw_only=True)
class Defect:
    """One thing wrong with a pack; `path` is the file of the pack that has it, if any."""

    code: str
    message: str
    path: str | None = None


class Refused(Exception):
    """Nothing more of the archive can be checked."""

    def __init__(self, *defects: Defect) -> None:
        super().__init__(defects[0].message)
        self.defects = defects


def check_archive(file: BinaryIO) -> None:
    """Judge an archive by its directory alone, before anything reads a file of it; raise Refused.

    The directory is small, and the files are stored uncompressed, beside each other, under safe names: so
    reading them never takes more than the archive itself. Raises one of MALFORMED where zipfile does.
    """
    _check_directory(file)
    with zipfile.ZipFile(file) as archive:
        defects = [*_check_entries(archive, size=file.seek(0, 2))]
    if defects:
        raise Refused(*defects)


def _check_directory(file: BinaryIO) -> None:
    """Check the end of the archive before zipfile reads it: a pack has no comment and no ZIP64 part."""
    size = file.seek(0, 2)
    if size < _END.size:
        raise Refused(not_a_pack())
    file.seek(size - _END.size)
    signature, *_, count, length, start, comment = _END.unpack(file.read(_END.size))
    if signature != b"PK\x05\x06" or comment or start + length + _END.size != size:
        raise Refused(not_a_pack())
    if count > FILES or length > DIRECTORY_SIZE:
        raise Refused(Defect(code="too_many_files", message=f"The archive names more than {FILES} files."))


def _check_entries(archive: zipfile.ZipFile, *, size: int) -> Iterator[Defect]:
    entries = archive.infolist()
    for name, count in Counter(entry.filename for entry in entries).items():
        if count > 1:
            yield Defect(code="doubled", message="This file is there more than once.", path=name)
    for entry in entries:
        # orig_filename: the name in the archive, before zipfile changes it.
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


def not_a_pack() -> Defect:
    """Return the defect of a file that is no archive as packs are written."""
    return Defect(code="not_a_pack", message="This is not a review pack, or its end is missing or damaged.")
