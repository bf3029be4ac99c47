from collections.abc import Iterator

import yaml

from services.configuration.documents import KIND_KEYS, is_kind
from services.configuration.scalars import DEEPEST


class Outline:
    """The events of a YAML text, checked as YAML is written: tags are left alone, aliases not expanded.

    `kind` is, once every event was taken, the first document's kind that has one.
    """

    def __init__(self, text: str) -> None:
        self.kind: str | None = None
        self._text = text

    def events(self) -> Iterator[yaml.Event]:
        """Give the events; raise yaml.YAMLError where they end, and RecursionError past the depth limit.

        Events, because building the nodes of deeply nested text would overflow the C stack.
        """
        depth = 0
        pair: list[str | None] | None = None  # of the outermost mapping, None where there is no such one
        anchors = set[str]()
        for event in yaml.parse(self._text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.NodeEvent):
                _check_anchor(event, anchors)
                if depth == 1 and pair is not None:
                    pair = self._see([*pair, event.value if isinstance(event, yaml.ScalarEvent) else None])
                if isinstance(event, yaml.CollectionStartEvent):
                    depth += 1
                    if depth == 1:
                        pair = [] if isinstance(event, yaml.MappingStartEvent) else None
                    if depth > DEEPEST:
                        raise RecursionError
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            elif isinstance(event, yaml.DocumentStartEvent):
                anchors.clear()
            yield event

    def _see(self, pair: list[str | None]) -> list[str | None]:
        """Take the kind from a key and its value; return what is there of the next pair."""
        if len(pair) == 1:
            return pair
        key, value = pair
        if self.kind is None and key in KIND_KEYS and is_kind(value):
            self.kind = value
        return []


def _check_anchor(event: yaml.NodeEvent, anchors: set[str]) -> None:
    if not isinstance(event, yaml.AliasEvent):
        if event.anchor:
            anchors.add(event.anchor)
    elif event.anchor not in anchors:
        # Without its name: a password that begins with an asterisk reads as an alias.
        raise yaml.MarkedYAMLError(
            problem="an alias is not defined",
            problem_mark=event.start_mark,  # type: ignore[arg-type] # the C parser has a mark of its own
        )
