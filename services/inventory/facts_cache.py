import contextlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from services.configuration.parsing import Parsed

# Raise it when `parse` says something else of the same bytes.
READER_VERSION: Final = 3
FACTS_FILE: Final = "item-facts.jsonl"

# How much of a path decides how its content is read: as long as the longest ending.
ENDING: Final = 5
_KEY: Final = 20 + ENDING
_SHORT: Final = bytes(ENDING)
# In bytes of the file: four contents for each item that there is.
_MOST_PER_ITEM: Final = 4 * 2 * _KEY


def fact_keys(folder: bytes, names: Collection[tuple[bytes, bytes]]) -> list[bytes]:
    """Return the keys of contents: the last bytes of the path, NULs before a short one, and the object id.

    `names` are names in the folder, with their object ids of 20 bytes.
    """
    path = _SHORT + folder
    return [(path + name)[-ENDING:] + oid for name, oid in names]


def fact_key(oid: str, path: str) -> bytes:
    """Return the key of one content, as fact_keys does."""
    return (_SHORT + path.encode("utf-8", "surrogateescape"))[-ENDING:] + bytes.fromhex(oid)


class ItemFacts:
    """What is known of contents, by fact_keys, so that a content is read and parsed once.

    Kept beside the mirror: derived from it, and safe to lose. Each line of the file is one set of facts and
    the contents that it holds for, as most contents are of few kinds; what is learned is appended to it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / FACTS_FILE

    @cached_property
    def _kept(self) -> Mapping[bytes, Parsed]:
        return dict(_load(self._path))

    def load(self) -> None:
        """Read what is kept now rather than at the first question, while there is nothing else to do."""
        _ = self._kept

    def get(self, key: bytes) -> Parsed | None:
        """Return what is known of a content; None: it has to be read."""
        return self._kept.get(key)

    def save(self, learned: Mapping[bytes, Parsed], *, items: int) -> None:
        """Append what was learned; replace a file that holds far more than an environment's items.

        Where the file cannot be written, the next review reads again.
        """
        if not learned:
            return
        with contextlib.suppress(OSError):
            is_full = self._path.exists() and self._path.stat().st_size > _MOST_PER_ITEM * items
            with self._path.open("wb" if is_full else "ab", buffering=0) as file:
                file.write(_lines(learned))


def _load(path: Path) -> Iterator[tuple[bytes, Parsed]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        # A line may be of another reader version, or cut off.
        try:
            reader, facts, keys = json.loads(line)
        except (TypeError, ValueError):
            continue
        if reader == READER_VERSION:
            known = Parsed(*facts)
            found = bytes.fromhex(keys)
            yield from ((found[at : at + _KEY], known) for at in range(0, len(found), _KEY))


def _lines(known: Mapping[bytes, Parsed]) -> bytes:
    """Return facts as lines, the first after a line feed: another writer may have left a line unfinished."""
    groups = defaultdict[Parsed, list[bytes]](list)
    for key, facts in known.items():
        groups[facts].append(key)
    lines = (
        json.dumps([READER_VERSION, [facts.encoding, facts.kind, facts.error], b"".join(keys).hex()])
        for facts, keys in groups.items()
    )
    return "".join(f"\n{line}" for line in lines).encode() + b"\n"
