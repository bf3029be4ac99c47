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
    stamp = at.astimezone(UTC)
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, pieces in files:
            entry = zipfile.ZipInfo(name, date_time=stamp.timetuple()[:6])
            entry.create_system = _UNIX
            entry.external_attr = _MODE
            with archive.open(entry, "w") as file:
                for piece in pieces:
                    file.write(piece)


def pieces_of(file: BinaryIO) -> Iterator[bytes]:
    """Yield an open file in pieces to its end."""
    while piece := file.read(PIECE):
        yield piece
