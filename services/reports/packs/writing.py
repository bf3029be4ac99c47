import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from services.reports.data_files import data_files
from services.reports.document import ReviewDocument, ReviewSource
from services.reports.formats import Format
from services.reports.packs.archive import Pieces, write_archive
from services.reports.packs.manifest import (
    FORMAT,
    NAME,
    Generator,
    Manifest,
    PackedEnvironment,
    PackedFile,
    Provenance,
)
from services.reports.rendering import generator, report_of, write_report
from services.reviews.readiness import Profile

SUMS: Final = "SHA256SUMS"
PACKED: Final = (Format.HTML, Format.PDF)

_README: Final = """\
Review of {name}
composed {composed_at}

reports/        the reports, for reading (HTML) and printing (PDF)
data/           what they are made from: the review, its changes, findings and inventory
manifest.json   every file's size and SHA-256, and where the content comes from
SHA256SUMS      the same hashes for `sha256sum --check SHA256SUMS`
manifest.dsse.json   who wrote the manifest: a DSSE envelope, in packs of installations that sign them

`operationrun verify-pack --key KEY FILE` checks without a network that this pack is whole, unchanged and
signed by that public key; ask whoever runs the installation for the key.
In the CSV files a text that a spreadsheet would take for a formula has an apostrophe before it.
"""


@dataclass
class _WrittenFiles:
    """The files written so far, with their sizes and hashes."""

    files: list[PackedFile] = field(default_factory=list)

    def record(self, path: str, pieces: Pieces) -> Iterator[bytes]:
        """Pass a file's pieces on; after the last, record its size and hash."""
        size, sha256 = 0, hashlib.sha256()
        for piece in pieces:
            size += len(piece)
            sha256.update(piece)
            yield piece
        self.files.append(PackedFile(path=path, size=size, sha256=sha256.hexdigest()))


def write_pack(source: ReviewSource, out: BinaryIO, *, profiles: Sequence[Profile] = tuple(Profile)) -> None:
    """Write the review pack to a seekable file: the same review always gives the same bytes.

    Writes every file in pieces, so that memory does not grow with the review.
    """
    write_archive(out, _files(source, profiles), at=source.document.composed_at)


def _files(source: ReviewSource, profiles: Sequence[Profile]) -> Iterator[tuple[str, Pieces]]:
    written = _WrittenFiles()
    for path, pieces in _contents(source, profiles):
        yield path, written.record(path, pieces)
    sums = "".join(f"{file.sha256}  {file.path}\n" for file in written.files)
    yield SUMS, written.record(SUMS, [sums.encode()])
    manifest = Manifest(
        format=FORMAT, profiles=profiles, provenance=provenance_of(source.document), files=written.files
    )
    yield NAME, [manifest.dumped()]


def _contents(source: ReviewSource, profiles: Sequence[Profile]) -> Iterator[tuple[str, Pieces]]:
    readme = _README.format(
        name=source.document.environment_name, composed_at=source.document.composed_at.isoformat()
    )
    yield "README.txt", [readme.encode()]
    for profile in profiles:
        report = report_of(source, profile)
        for form in PACKED:
            yield f"reports/{profile}.{form}", write_report(report, source.changes(), form)
    for path, write in data_files(source).items():
        yield path, write()


def provenance_of(document: ReviewDocument) -> Provenance:
    """Return where a pack of this review comes from."""
    environment = document.section("environment")
    return Provenance(
        review_id=document.review_id,
        run_id=document.run_id,
        environment=PackedEnvironment(
            id=document.environment_id,
            workspace_id=document.workspace_id,
            **{name: environment.get(name) for name in ("name", "slug", "workspace")},
        ),
        commit=document.commit,
        tree=document.tree,
        baseline_commit=document.baseline_commit,
        baseline_tree=document.baseline_tree,
        previous_review_id=document.previous_review_id,
        fingerprint=document.fingerprint,
        composer_version=document.composer_version,
        composed_at=document.composed_at,
        generator=Generator(**generator()),
    )
