from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from models.base import Json
from services.masking.text import mask_text
from services.repositories.paths import shown

# Of a text before it is masked, and of what is kept of it.
_READ: Final = 4096
_KEPT: Final = 200


@dataclass(frozen=True, kw_only=True)
class CommitFacts:
    """What one commit object says: its tree, its parents, and who made it when and why.

    Texts are as Git stores them, with surrogates for bytes that are not UTF-8. `authored_at` None: the
    object has no date, or one outside the years 1 to 9999.
    """

    tree: str
    parents: Sequence[str]
    author: str
    authored_at: datetime | None
    subject: str

    def shown(self, commit: str) -> Json:
        """Return {`id`, `author`, `at`, `subject`}, the texts masked and at most 200 characters long.

        `odd` names those of `author`, `at` and `subject` that cannot be read as usual; without any, there is
        no such key.
        """
        odd = [
            *([] if _is_usual(self.author) else ["author"]),
            *([] if self.authored_at else ["at"]),
            *([] if self.subject.isprintable() else ["subject"]),
        ]
        return {
            "id": commit,
            "author": _masked(self.author),
            "at": self.authored_at.isoformat() if self.authored_at else None,
            "subject": _masked(self.subject),
            **({"odd": odd} if odd else {}),
        }


def commit_facts(data: bytes) -> CommitFacts | None:
    """Read a commit object; None for one without the tree that every commit has.

    Headers end at the first empty line, and a name ends at the first `<`, so that no text can pose as
    another field. The subject is the message's first paragraph in one line.
    """
    head, _, message = data.partition(b"\n\n")
    headers = [(name, value) for name, _, value in (line.partition(b" ") for line in head.split(b"\n"))]
    trees = _values(headers, b"tree")
    if not trees:
        return None
    first = dict(reversed(headers))
    author, authored_at = _identity(first.get(b"author", b""))
    encoding = first.get(b"encoding", b"utf-8").decode("ascii", "replace")
    paragraph = message.partition(b"\0")[0].lstrip(b"\n")[:_READ].partition(b"\n\n")[0]
    return CommitFacts(
        tree=trees[0],
        parents=_values(headers, b"parent"),
        author=_text(author, encoding),
        authored_at=authored_at,
        subject=" ".join(_text(paragraph, encoding).split("\n")).strip(" "),
    )


def _values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[str]:
    return [value.decode("ascii", "replace") for key, value in headers if key == name]


def _identity(line: bytes) -> tuple[bytes, datetime | None]:
    """Read `Name <e-mail> seconds zone`."""
    name, _, _ = line.partition(b"<")
    seconds, *_ = [*line.rpartition(b">")[2].split(), b""]
    try:
        at = datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        at = None
    return name.strip(b" ")[:_READ].replace(b"\0", b""), at


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (LookupError, ValueError):
        return data.decode("utf-8", "surrogateescape")


def _is_usual(name: str) -> bool:
    return bool(name) and name.isprintable()


def _masked(text: str) -> str:
    return mask_text(shown(text))[:_KEPT]
