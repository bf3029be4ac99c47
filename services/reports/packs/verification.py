import hashlib
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pydantic import ValidationError

from models.base import Json
from services.reports.packs.archive import pieces_of, write_archive
from services.reports.packs.archive_checks import MALFORMED, Defect, Refused, check_archive, not_a_pack
from services.reports.packs.manifest import NAME, Manifest, PackedFile
from services.reports.packs.signing import ENVELOPE, Envelope, envelope_of, is_signed_by

MANIFEST_SIZE: Final = 1024 * 1024


class Signed(StrEnum):
    """What a pack's signature says: `unchecked` and `unsigned` prove nothing of who wrote the pack."""

    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"
    VERIFIED = "verified"
    WRONG_KEY = "wrong_key"


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The result of checking a pack; `manifest` is None where it could not be read."""

    sha256: str
    defects: Sequence[Defect]
    manifest: Manifest | None
    signed: Signed = Signed.UNSIGNED
    key_ids: Sequence[str] = ()

    @property
    def is_intact(self) -> bool:
        """Whether the pack has exactly its files, unchanged."""
        return not self.defects


def verify_pack(path: Path, *, keys: Sequence[Ed25519PublicKey] = ()) -> Verified:
    """Check a review pack without a network, and without writing any file of it.

    Any one of `keys` may have signed it; without keys the signature is not checked.

    1. The archive passes `check_archive`, so that reading it takes no more than its own size.
    2. The manifest is well-formed and written as this program writes it.
    3. The files are exactly the manifest's, with its sizes and hashes.
    4. The envelope, if the pack has one, is over exactly this manifest.
    5. An archive written again from its files is the same to the last byte.

    This proves that the pack is as it was written; who wrote it is proven by its signature alone. Raises
    OSError where the file cannot be read.
    """
    with path.open("rb") as file:
        sha256 = _sha256(file)
        try:
            manifest, envelope = _judge(file)
        except Refused as refused:
            return Verified(sha256=sha256, defects=refused.defects, manifest=None)
        except MALFORMED:
            return Verified(sha256=sha256, defects=[not_a_pack()], manifest=None)
        with zipfile.ZipFile(file) as archive:
            defects = [*_compare(archive, manifest)] or [*_rewritten(file, archive, manifest)]
    return Verified(
        sha256=sha256,
        defects=defects,
        manifest=manifest,
        signed=_signed(envelope, manifest, keys),
        key_ids=[each.keyid for each in envelope.signatures] if envelope else (),
    )


def _judge(file: BinaryIO) -> tuple[Manifest, Envelope | None]:
    check_archive(file)
    with zipfile.ZipFile(file) as archive:
        manifest = _read_manifest(archive)
        return manifest, _read_envelope(archive, manifest)


def _read_envelope(archive: zipfile.ZipFile, manifest: Manifest) -> Envelope | None:
    """Return the envelope over the manifest; None where the pack is not signed."""
    if ENVELOPE not in archive.namelist():
        return None
    is_small = archive.getinfo(ENVELOPE).file_size <= 2 * MANIFEST_SIZE
    try:
        return envelope_of(archive.read(ENVELOPE) if is_small else b"", manifest.dumped())
    except (ValueError, zipfile.BadZipFile):
        message = "The signature's envelope is damaged, or over another manifest."
        raise Refused(Defect(code="envelope_malformed", message=message, path=ENVELOPE)) from None


def _signed(envelope: Envelope | None, manifest: Manifest, keys: Sequence[Ed25519PublicKey]) -> Signed:
    if envelope is None:
        return Signed.UNSIGNED
    if not keys:
        return Signed.UNCHECKED
    content = manifest.dumped()
    return Signed.VERIFIED if any(is_signed_by(envelope, content, key) for key in keys) else Signed.WRONG_KEY


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    if NAME not in archive.namelist():
        raise Refused(Defect(code="manifest_missing", message="There is no manifest.", path=NAME))
    if archive.getinfo(NAME).file_size > MANIFEST_SIZE:
        raise Refused(Defect(code="manifest_malformed", message="The manifest is too large.", path=NAME))
    try:
        content = archive.read(NAME)
    except zipfile.BadZipFile:
        raise Refused(Defect(code="unreadable", message="This file is damaged.", path=NAME)) from None
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"]) or "it"
        message = f"The manifest is not well-formed, at {where}."
        raise Refused(Defect(code="manifest_malformed", message=message, path=NAME)) from None
    if manifest.dumped() != content:
        message = "The manifest is not written as this program writes it."
        raise Refused(Defect(code="manifest_malformed", message=message, path=NAME))
    return manifest


def _compare(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Defect]:
    there = {entry.filename for entry in archive.infolist()} - {NAME, ENVELOPE}
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
    except MALFORMED:
        return Defect(code="unreadable", message="This file is damaged.", path=file.path)
    if sha256 != file.sha256:
        return Defect(
            code="sha256_differs", message="This file is not the one the manifest lists.", path=file.path
        )
    return None


def _rewritten(file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Defect]:
    """Yield a defect for what is in the archive beside its files: times, attributes, order, gaps."""
    if not _is_the_same_again(file, archive, manifest):
        yield Defect(
            code="rewritten", message="The files are right, but the archive around them was changed."
        )


def _is_the_same_again(file: BinaryIO, archive: zipfile.ZipFile, manifest: Manifest) -> bool:
    with tempfile.TemporaryFile() as again:
        try:
            write_archive(again, _contents(archive, manifest), at=manifest.composed_at)
        except MALFORMED:
            return False
        again.seek(0)
        file.seek(0)
        return _sha256_of(pieces_of(again)) == _sha256_of(pieces_of(file))


def _contents(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[tuple[str, Iterator[bytes]]]:
    envelope = [ENVELOPE] if ENVELOPE in archive.namelist() else []
    for path in [*(file.path for file in manifest.files), NAME, *envelope]:
        with archive.open(path) as content:
            yield path, pieces_of(content)  # type: ignore[arg-type] # reads bytes as BinaryIO does


def _missing(file: PackedFile) -> Defect:
    return Defect(
        code="missing", message="The manifest lists this file, and it is not there.", path=file.path
    )


def _sha256(file: BinaryIO) -> str:
    file.seek(0)
    return _sha256_of(pieces_of(file))


def _sha256_of(pieces: Iterator[bytes]) -> str:
    sha256 = hashlib.sha256()
    for piece in pieces:
        sha256.update(piece)
    return sha256.hexdigest()


def verified_json(verified: Verified) -> Json:
    """Return the result as `verify-pack --json` shows it."""
    provenance = verified.manifest and verified.manifest.provenance
    return {
        "intact": verified.is_intact,
        "signature": verified.signed,
        "key_ids": [*verified.key_ids],
        "sha256": verified.sha256,
        "review_id": str(provenance.review_id) if provenance else None,
        "composed_at": provenance.composed_at.isoformat() if provenance else None,
        "files": len(verified.manifest.files) if verified.manifest else None,
        "defects": [
            {"code": each.code, "path": each.path, "message": each.message} for each in verified.defects
        ],
    }
