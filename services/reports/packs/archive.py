import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO, Final

PIECE: Final = 1 << 16

Pieces = Iterable[bytes]

# Regular files with mode 0644, as a Unix system packs them.
_MODE: Final = 0o100644 << 16
_UNIX: Final = 3


def write_archive(out: BinaryIO, files: Iterable[tuple[str, Pieces]], *, at: datetime) -> None:
    """Write a ZIP whose bytes depend only on names, contents, their order and `at`, stored as UTC.

    Files are stored uncompressed: different builds of a compressor write different bytes.
    """
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, pieces in files:
            _add(archive, name, pieces, at)


def append_file(archive: BinaryIO, name: str, content: bytes, *, at: datetime) -> None:
    """Add one more file to an archive, which then is as if `write_archive` had written it last."""
    with zipfile.ZipFile(archive, "a", compression=zipfile.ZIP_STORED, allowZip64=False) as opened:
        _add(opened, name, [content], at)


def _add(archive: zipfile.ZipFile, name: str, pieces: Pieces, at: datetime) -> None:
    entry = zipfile.ZipInfo(name, date_time=at.astimezone(UTC).timetuple()[:6])
    entry.create_system = _UNIX
    entry.external_attr = _MODE
    with archive.open(entry, "w") as file:
        for piece in pieces:
            file.write(piece)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield an open file in pieces to its end."""
    while piece := file.read(PIECE):
        yield piece
