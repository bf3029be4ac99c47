import json
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import yaml

from services.configuration.parsing import Form, Structure, encoding_of

_DEEPEST = 200
_KIND_KEYS = ("kind", "@odata.type")
_LONGEST_KIND = 200
# Python reads no integer of more digits; in UTF-16 there are NULs between them.
_HUGE = re.compile(rb"(?:\d\0?){4300}")


class Document(NamedTuple):
    """What is known of one file's content.

    `kind` is the file's own word for what it is, None where it has none. `error` says why it does not
    parse, None where it does or where its format has no grammar to hold it to.
    """

    encoding: str = "utf-8"
    kind: str | None = None
    error: str | None = None


def read_document(path: str, content: bytes) -> Document:
    """Read a configuration file by its ending; content that does not parse is told, never raised.

    JSON is read as UTF-8, UTF-8 with a byte-order mark, or UTF-16 (section 6). YAML is checked as YAML is
    written: tags are left alone and aliases are not expanded.
    """
    encoding = encoding_of(content)
    reader = _READERS.get(path.rpartition(".")[2].lower())
    if reader is None:
        return Document(encoding=encoding)
    try:
        return Document(encoding=encoding, kind=reader(content.decode(encoding)))
    except UnicodeDecodeError as error:
        return Document(encoding=encoding, error=f"not {encoding} text (byte {error.start})")
    except json.JSONDecodeError as error:
        return Document(encoding=encoding, error=f"{error.msg} (line {error.lineno}, column {error.colno})")
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        return Document(encoding=encoding, error=f"{error.problem or 'not YAML'}{line}")
    except (yaml.YAMLError, ValueError) as error:
        return Document(encoding=encoding, error=str(error).splitlines()[0])
    except RecursionError:
        return Document(encoding=encoding, error="nested too deeply")


def document_of(path: str, content: bytes, structure: Structure) -> Document | None:
    """Return what read_document tells of a JSON file, from its values; None: that has to be asked."""
    value = structure.documents[0] if structure.documents else None
    if not path.lower().endswith(".json") or structure.form is not Form.VALUES or _HUGE.search(content):
        return None
    found = [value[key] for key in _KIND_KEYS if key in value] if isinstance(value, dict) else []
    # A key given twice holds a list here, and its last value there.
    if any(isinstance(word, list) for word in found):
        return None
    return Document(encoding=encoding_of(content), kind=next(filter(_is_kind, found), None))


def _json_kind(text: str) -> str | None:
    value = json.loads(text)
    if not isinstance(value, dict):
        return None
    return next((value[key] for key in _KIND_KEYS if _is_kind(value.get(key))), None)


def _yaml_kind(text: str) -> str | None:
    """Return the first document's kind that has one; every document is parsed, so a broken one is found.

    Read as a stream of events: building the nodes of deeply nested text would overflow the C stack.
    """
    kinds = [
        value
        for key, value in _top_level_pairs(yaml.parse(text, Loader=yaml.CSafeLoader))
        if key in _KIND_KEYS and _is_kind(value)
    ]
    return kinds[0] if kinds else None


def _is_kind(value: object) -> bool:
    """Tell a word from what merely stands in its place; NUL and lone surrogates no row could hold."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_KIND and value.isprintable()


def _top_level_pairs(events: Iterable[yaml.Event]) -> Iterator[tuple[str | None, str | None]]:
    """Give the keys and values of each document's outermost mapping; None where one is not a scalar."""
    path: list[yaml.Event] = []
    pair: list[str | None] = []
    anchors = set[str | None]()
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            pair, anchors = [], set[str | None]()
        if isinstance(event, yaml.CollectionEndEvent):
            path.pop()
        elif isinstance(event, yaml.AliasEvent) and event.anchor not in anchors:
            # Without its name: a password that begins with an asterisk reads as an alias.
            raise yaml.MarkedYAMLError(
                problem="an alias is not defined",
                problem_mark=event.start_mark,  # type: ignore[arg-type] # the C parser has a mark of its own
            )
        elif isinstance(event, yaml.NodeEvent):
            anchors.add(event.anchor)
            if len(path) == 1 and isinstance(path[0], yaml.MappingStartEvent):
                pair.append(event.value if isinstance(event, yaml.ScalarEvent) else None)
        if isinstance(event, yaml.CollectionStartEvent):
            path.append(event)
            if len(path) > _DEEPEST:
                raise RecursionError
        if len(pair) == 2:  # noqa: PLR2004 - a key and its value
            yield pair[0], pair[1]
            pair = []


_READERS = {"json": _json_kind, "yaml": _yaml_kind, "yml": _yaml_kind}
