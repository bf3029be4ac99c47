import functools
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.resolver import Resolver

from services.configuration.documents import Reading
from services.configuration.scalars import DEEPEST, TOO_DEEP, RawScalar, TooComplex, mapping, number
from services.configuration.yaml_outline import Outline

MOST_VALUES = 200_000
_STANDARD = "tag:yaml.org,2002:"
_UNTAGGED = {"!", f"{_STANDARD}map", f"{_STANDARD}seq"}
_RESOLVER = Resolver()


class _Node(NamedTuple):
    """A value, how many values it is made of with its aliases followed, and how deep it goes."""

    value: Any
    values: int = 1
    depth: int = 0


@dataclass(kw_only=True)
class _Open:
    """A collection whose end has not come yet; `anchor` is filled in when it has."""

    event: yaml.CollectionStartEvent
    children: list[_Node] = field(default_factory=list)

    def close(self) -> _Node:
        values = [child.value for child in self.children]
        count = 1 + sum(child.values for child in self.children)
        depth = 1 + max((child.depth for child in self.children), default=0)
        value: Any = values
        if isinstance(self.event, yaml.MappingStartEvent):
            value = mapping(
                [(_key(key), inner) for key, inner in zip(values[::2], values[1::2], strict=True)]
            )
        if self.event.tag is None or self.event.tag in _UNTAGGED:
            return _Node(value, count, depth)
        # As templates spell a tag in full: `!Join [a]` is `{"!Join": [a]}`.
        return _Node({_short(self.event.tag): value}, count + 1, depth + 1)


def read_yaml(text: str, *, build: bool) -> Reading:
    """Read a YAML text: its kind, why it does not parse, and its documents where they are wanted."""
    outline = Outline(text)
    events = outline.events()
    documents, is_complex = None, False
    anchors: list[tuple[str, Any]] = []
    try:
        if build:
            try:
                documents = _documents(events, named=anchors)
            except TooComplex:
                is_complex = True
        # What is too complex to be built is still checked to its end.
        for _ in events:
            pass
    except RecursionError:
        return Reading(error=TOO_DEEP, as_lines=True)
    except (yaml.YAMLError, ValueError) as error:
        return Reading(error=_wording(error), as_lines=is_complex)
    return Reading(kind=outline.kind, documents=documents, as_lines=is_complex, anchors=anchors)


def _wording(error: Exception) -> str:
    if not isinstance(error, yaml.MarkedYAMLError):
        return str(error).splitlines()[0]
    line = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
    return f"{error.problem or 'not YAML'}{line}"


def _documents(events: Iterable[yaml.Event], *, named: list[tuple[str, Any]]) -> list[Any]:
    """Return the documents that the events make as values; raise TooComplex past the limits.

    Built from events: nodes of deeply nested text would overflow the C stack. Aliases share the value they
    name, and count as often as they are used. Merge keys stay keys. A tag of the file's own is kept. Adds to
    `named` what anchors name.
    """
    documents: list[Any] = []
    opened: list[_Open] = []
    anchors: dict[str, _Node | None] = {}
    total = 0
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent | yaml.DocumentEndEvent):
            named += [(name, node.value) for name, node in anchors.items() if node]
            anchors = {}
        if isinstance(event, yaml.CollectionStartEvent):
            opened.append(_Open(event=event))
            if event.anchor:
                anchors[event.anchor] = None
            node = None
        else:
            node = _node(event, opened, anchors)
        if node is None:
            _hold(total, len(opened))
            continue
        total += 1 if isinstance(event, yaml.CollectionEndEvent) else node.values
        _hold(total, len(opened) + node.depth)
        (opened[-1].children if opened else documents).append(node)
    return [node.value for node in documents]


def _node(event: yaml.Event, opened: list[_Open], anchors: dict[str, _Node | None]) -> _Node | None:
    """Return the node that an event completes; None where it completes none."""
    if isinstance(event, yaml.AliasEvent):
        return _alias(str(event.anchor), anchors)
    if isinstance(event, yaml.ScalarEvent):
        node, anchor = _Node(_scalar(event)), event.anchor
    elif isinstance(event, yaml.CollectionEndEvent):
        closed = opened.pop()
        node, anchor = closed.close(), closed.event.anchor
    else:
        return None
    if anchor:
        anchors[anchor] = node
    return node


def _alias(anchor: str, anchors: dict[str, _Node | None]) -> _Node:
    node = anchors[anchor]
    if node is None:  # within what it names: it would go on for ever
        raise TooComplex
    return node


def _hold(total: int, depth: int) -> None:
    if total > MOST_VALUES or depth > DEEPEST:
        raise TooComplex


def _scalar(event: yaml.ScalarEvent) -> Any:
    if event.tag in {None, "!"}:
        tag = _resolved(event.value) if event.implicit[0] else f"{_STANDARD}str"
    else:
        tag = event.tag
    build = _BUILDERS.get(tag)
    return build(event.value) if build else RawScalar(event.value, _short(tag))


@functools.lru_cache(maxsize=10_000)
def _resolved(text: str) -> str:
    return str(_RESOLVER.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]  # has no types


def _short(tag: str) -> str:
    return f"!!{tag.removeprefix(_STANDARD)}" if tag.startswith(_STANDARD) else tag


def _key(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, RawScalar) else json.dumps(value, default=str)


def _integer(text: str) -> int | RawScalar:
    is_plain = len(text) <= 15 and text.removeprefix("-").isdecimal()  # noqa: PLR2004 - below 2 to the 53rd
    return int(text) if is_plain and str(int(text)) == text else RawScalar(text, "int")


def _boolean(text: str) -> bool | RawScalar:
    return text == "true" if text in {"true", "false"} else RawScalar(text, "bool")


_BUILDERS: dict[str, Callable[[str], Any]] = {
    f"{_STANDARD}str": str,
    f"{_STANDARD}merge": str,
    f"{_STANDARD}value": str,
    f"{_STANDARD}null": lambda _: None,
    f"{_STANDARD}bool": _boolean,
    f"{_STANDARD}int": _integer,
    f"{_STANDARD}float": number,
    f"{_STANDARD}timestamp": lambda text: RawScalar(text, "timestamp"),
}
