import hashlib
from collections.abc import Callable, Iterator, Mapping

from models.base import Json
from services.reports.csv_files import changes_csv, findings_csv, inventory_csv
from services.reports.document import ReviewSource
from services.reports.json_files import changes_jsonl, review_json

DataFiles = Mapping[str, Callable[[], Iterator[bytes]]]


def data_files(source: ReviewSource) -> DataFiles:
    """Return the review's data by file name; each call yields the file's bytes in pieces."""
    document, changes = source.document, source.changes
    return {
        "data/review.json": lambda: iter([review_json(document)]),
        "data/changes.jsonl": lambda: changes_jsonl(changes()),
        "data/changes.csv": lambda: changes_csv(changes()),
        "data/findings.csv": lambda: findings_csv(document),
        "data/inventory.csv": lambda: inventory_csv(document),
    }


def digests(source: ReviewSource) -> list[Json]:
    """Return {`path`, `size`, `sha256`} of each data file; memory does not grow with the files."""
    return [_digest(path, write()) for path, write in data_files(source).items()]


def _digest(path: str, pieces: Iterator[bytes]) -> Json:
    size, sha256 = 0, hashlib.sha256()
    for piece in pieces:
        size += len(piece)
        sha256.update(piece)
    return {"path": path, "size": size, "sha256": sha256.hexdigest()}
