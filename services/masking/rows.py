import json
import math
from collections.abc import Iterable
from typing import Any

from models.base import Json
from services.configuration.diff import ABSENT
from services.configuration.scalars import RawScalar
from services.masking.parsed_values import ShownChange

LONGEST = 2_000


def setting_rows(changes: Iterable[ShownChange]) -> list[Json]:
    """Return changes as rows and the API keep them: `path`, `change`, `before`, `after`, each fit for JSONB.

    `before` and `after` are null for no value and for null itself; `change` (added, removed, changed, moved)
    says which. A value of more than 2,000 characters, as text or as JSON, is cut text with
    a note of how much is left out. NUL and lone surrogates are written as escapes.
    """
    return [_row(change) for change in changes]


def _row(change: ShownChange) -> Json:
    before, after = _kept(change.before), _kept(change.after)
    # `yes` and "yes" are two values with one spelling.
    if before == after:
        before, after = _with_type(change.before, before), _with_type(change.after, after)
    return {
        "path": _cut(_text(change.path)),
        "change": str(change.kind),
        "before": before,
        "after": after,
    }


def _kept(value: Any) -> Any:
    if value is ABSENT:
        return None
    kept = _plain(value)
    if isinstance(kept, dict | list):
        text = json.dumps(kept, ensure_ascii=False)
        return kept if len(text) <= LONGEST else _cut(text)
    return _cut(kept) if isinstance(kept, str) else kept


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {_text(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str | RawScalar):
        return _text(str(value))
    return _text(str(value)) if isinstance(value, float) and not math.isfinite(value) else value


def _with_type(value: Any, kept: Any) -> Any:
    return f"{kept} ({value.type})" if isinstance(value, RawScalar) else kept


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\u0000")


def _cut(text: str) -> str:
    rest = len(text) - LONGEST
    return text if rest <= 0 else f"{text[:LONGEST]}… ({rest:,} more characters)"
