import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from models.contracts import Contract
from services.reviews.readiness import Profile

NAME: Final = "manifest.json"
FORMAT: Final = "operationrun.review-pack.v1"

_SEGMENT: Final = r"[A-Za-z0-9_-][A-Za-z0-9._-]*"
SAFE_PATH: Final = re.compile(rf"{_SEGMENT}(/{_SEGMENT})*")

Hash = Annotated[str, Field(pattern=r"^[0-9a-f]+$", max_length=64)]


class PackedFile(Contract):
    """A file of the pack: its size in bytes and its sha256 in lowercase hex."""

    path: Annotated[str, Field(pattern=rf"^{SAFE_PATH.pattern}$", max_length=200)]
    size: Annotated[int, Field(ge=0, strict=True)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class PackedEnvironment(Contract):
    """The review's environment, as it was called when the review was composed."""

    id: UUID
    name: str | None
    slug: str | None
    workspace: str | None
    workspace_id: UUID


class Generator(Contract):
    """The program that wrote the pack."""

    name: str
    version: str
    typst: str


class Provenance(Contract):
    """The origin of the pack's content."""

    review_id: UUID
    run_id: UUID
    environment: PackedEnvironment
    commit: Hash
    tree: Hash
    baseline_commit: Hash | None
    baseline_tree: Hash | None
    previous_review_id: UUID | None
    fingerprint: str
    composer_version: str
    composed_at: AwareDatetime
    generator: Generator


class Manifest(Contract):
    """A review pack's files and their origin; the last file of the pack."""

    format: Literal["operationrun.review-pack.v1"]
    profiles: Sequence[Profile]
    provenance: Provenance
    files: Sequence[PackedFile]

    @property
    def composed_at(self) -> datetime:
        """When the review was composed; every file of the pack has this time."""
        return self.provenance.composed_at

    def dumped(self) -> bytes:
        """Return the manifest's one spelling as JSON."""
        values = self.model_dump(mode="json")
        return f"{json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)}\n".encode()
