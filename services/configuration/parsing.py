import codecs
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from services.configuration.documents import ReadAs, Reading, Structure
from services.configuration.json_documents import read_json
from services.configuration.yaml_documents import read_yaml

MOST_LINES: Final = 200_000

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS = tuple(mark for mark, _ in _BYTE_ORDER_MARKS)
_READERS: Mapping[str, Callable[..., Reading]] = {"json": read_json, "yaml": read_yaml, "yml": read_yaml}


class Parsed(NamedTuple):
    """What one file's content says.

    `kind` is the file's own word for what it is, None where it has none. `error` says why it does not parse,
    None where it does or where its format has no grammar to hold it to. `values` is None for what is no text
    (neither UTF-8 nor marked as UTF-16, or with NUL in it), what does not parse, more than 200,000 lines, and
    where they were not wanted.
    """

    encoding: str = "utf-8"
    kind: str | None = None
    error: str | None = None
    values: Structure | None = None

    @property
    def facts(self) -> "Parsed":
        """The same without the values: small, and worth keeping."""
        return self._replace(values=None)


def parse(path: str, content: bytes, *, values: bool = True) -> Parsed:
    """Read a configuration file by its ending: JSON and YAML as values, every other text as lines.

    JSON and YAML are read as UTF-8, UTF-8 with a byte-order mark, or UTF-16; what does not parse is an
    `error`, never raised. JSON and YAML nested deeper than 200, or YAML of more than 200,000 values once its
    aliases are followed, are read as lines. A key given twice holds the list of its values. Without `values`
    the file is checked only, which takes half the time.
    """
    encoding = encoding_of(content)
    reader = _READERS.get(path.rpartition(".")[2].lower())
    if reader is None and not values:
        return Parsed(encoding)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        return Parsed(encoding, error=f"not {encoding} text (byte {error.start})" if reader else None)
    reading = reader(text, build=values) if reader else Reading(as_lines=True)
    return Parsed(encoding, reading.kind, reading.error, _structure(text, reading) if values else None)


def encoding_of(content: bytes) -> str:
    """Return the encoding that a byte-order mark names, UTF-8 without one."""
    if not content.startswith(_MARKS):
        return "utf-8"
    return next(name for mark, name in _BYTE_ORDER_MARKS if content.startswith(mark))


def _structure(text: str, reading: Reading) -> Structure | None:
    if reading.documents is not None:
        return Structure(documents=tuple(reading.documents), anchors=tuple(reading.anchors))
    if not reading.as_lines or "\0" in text or text.count("\n") > MOST_LINES:
        return None
    return Structure(documents=(_lines(text),), read_as=ReadAs.LINES)


def _lines(text: str) -> list[str]:
    """Return a text's lines without their ends; a last line without an end is a line like the others."""
    lines = text.replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]
