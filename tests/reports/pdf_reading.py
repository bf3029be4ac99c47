"""What a PDF holds, read back from its bytes alone."""

import re
import zlib
from collections.abc import Iterator, Mapping

_OBJECT = re.compile(rb"(?:^|\n)(\d+) 0 obj(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_UNICODE = re.compile(rb"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>")
_REFERENCE = rb"\s*(\d+) 0 R"
_TOKEN = re.compile(rb"/(f\d+) [\d.-]+ Tf|(\()|<([0-9a-fA-F]+)>|\b(TJ|Tj|BDC)\b")
_IN_LITERAL = re.compile(rb"\\.|[()]", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r?\n|.)", re.DOTALL)
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r\n": b""}

Characters = Mapping[int, str]


def page_count(pdf: bytes) -> int:
    """Count the pages, by the tree that every reader goes by."""
    counts = [int(found) for found in re.findall(rb"/Type\s*/Pages.*?/Count\s+(\d+)", pdf, re.DOTALL)]
    return max(counts)


def characters(pdf: bytes) -> set[str]:
    """Return every character that any font of the PDF shows."""
    return {
        character
        for content in streams(pdf)
        if b"beginbfchar" in content
        for shown in _characters(content).values()
        for character in shown
    }


def text_of(pdf: bytes) -> str:
    """Return the words that the PDF shows, in the order they are drawn, without any space or line's end."""
    objects = {int(number): body for number, body in _OBJECT.findall(pdf)}
    drawn = [*_drawn(objects)]
    assert drawn, "no page was found"
    return re.sub(r"\s", "", "".join(_words(content, fonts) for content, fonts in drawn))


def streams(pdf: bytes) -> Iterator[bytes]:
    """Give every stream of the PDF, unpacked."""
    yield from map(_unpacked, _STREAM.findall(pdf))


def _drawn(objects: Mapping[int, bytes]) -> Iterator[tuple[bytes, Mapping[str, Characters]]]:
    """Give what pages and pictures draw, each with its fonts."""
    for body in objects.values():
        resources = re.search(rb"/Resources" + _REFERENCE, body)
        contents = re.search(rb"/Contents" + _REFERENCE, body)
        if resources is None:
            continue
        stream = _STREAM.search(objects[int(contents[1])] if contents else body)
        if stream is not None:
            yield _unpacked(stream[1]), _fonts(objects, objects[int(resources[1])])


def _fonts(objects: Mapping[int, bytes], resources: bytes) -> Mapping[str, Characters]:
    fonts = {}
    for name, number in re.findall(rb"/(f\d+)" + _REFERENCE, resources):
        unicode = re.search(rb"/ToUnicode" + _REFERENCE, objects[int(number)])
        stream = unicode and _STREAM.search(objects[int(unicode[1])])
        fonts[name.decode()] = _characters(_unpacked(stream[1])) if stream else {}
    return fonts


def _words(content: bytes, fonts: Mapping[str, Characters]) -> str:
    shown: list[str] = []
    written: list[bytes] = []
    font: Characters = {}
    position = 0
    while token := _TOKEN.search(content, position):
        name, opens, spelled, operator = token.groups()
        position = token.end()
        if name:
            font = fonts[name.decode()]
        elif opens:
            end = _end_of_literal(content, position)
            written.append(_ESCAPE.sub(_unescaped, content[position:end]))
            position = end + 1
        elif spelled:
            written.append(bytes.fromhex(spelled.decode()))
        else:
            # What BDC marks has texts of its own, for readers that do not look.
            codes = b"" if operator == b"BDC" else b"".join(written)
            shown += [font[256 * high + low] for high, low in zip(codes[::2], codes[1::2], strict=True)]
            written = []
    return "".join(shown)


def _end_of_literal(content: bytes, position: int) -> int:
    """Return where a text ends that began before `position`; brackets in it come in pairs, or escaped."""
    depth = 1
    for found in _IN_LITERAL.finditer(content, position):
        depth += {b"(": 1, b")": -1}.get(found[0], 0)
        if not depth:
            return found.start()
    raise ValueError("a text without an end")


def _unescaped(found: re.Match[bytes]) -> bytes:
    told = found[1]
    return bytes([int(told, 8) % 256]) if told[:1].isdigit() else _SHORT.get(told, told)


def _characters(table: bytes) -> Characters:
    return {
        int(code, 16): bytes.fromhex(shown.decode()).decode("utf-16-be")
        for code, shown in _UNICODE.findall(table)
    }


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream
