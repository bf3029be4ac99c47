"""What a PDF holds, read back from its bytes alone."""

import re
import zlib

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_UNICODE = re.compile(rb"<[0-9a-fA-F]+>\s*<([0-9a-fA-F]+)>")


def page_count(pdf: bytes) -> int:
    """Count the pages, by the tree that every reader goes by."""
    counts = [int(found) for found in re.findall(rb"/Type\s*/Pages.*?/Count\s+(\d+)", pdf, re.DOTALL)]
    return max(counts)


def characters(pdf: bytes) -> set[str]:
    """Return every character that any font of the PDF shows."""
    found: set[str] = set()
    for stream in _STREAM.findall(pdf):
        try:
            text = zlib.decompress(stream)
        except zlib.error:
            text = stream
        if b"beginbfchar" in text:
            for spelled in _UNICODE.findall(text):
                found.update(bytes.fromhex(spelled.decode()).decode("utf-16-be"))
    return found
