from collections.abc import Mapping
from typing import Final
from xml.etree import ElementTree as ET

from services.text import visible

# The PDF compiler's built-in font; HTML pages use their own instead.
FONT: Final = "Libertinus Serif"
INK: Final = "#1d2228"
SOFT: Final = "#59626d"
LINE: Final = "#c9cdd1"


class Drawing:
    """An SVG picture under construction, with its text equivalent; lengths are in its own units."""

    def __init__(self, key: str, *, width: float, height: float, title: str, description: str) -> None:
        self._root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {_length(width)} {_length(height)}",
                "width": _length(width),
                "height": _length(height),
                "role": "img",
                "aria-labelledby": f"{key}-title {key}-desc",
                "font-family": FONT,
                "font-size": "10",
            },
        )
        self._add("title", {"id": f"{key}-title"}, title)
        self._add("desc", {"id": f"{key}-desc"}, description)

    def bar(self, x: float, y: float, width: float, height: float, *, fill: str) -> None:
        """Draw a filled rectangle."""
        place = {"x": x, "y": y, "width": width, "height": height}
        self._add("rect", {**{name: _length(value) for name, value in place.items()}, "fill": fill})

    def line(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Draw a thin line."""
        place = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
        self._add("line", {**{name: _length(value) for name, value in place.items()}, "stroke": LINE})

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        anchor: str = "start",
        fill: str = INK,
        bold: bool = False,
        size: float | None = None,
    ) -> None:
        """Draw words on the base line `y`; their default size is the picture's."""
        attributes = {"x": _length(x), "y": _length(y), "text-anchor": anchor, "fill": fill}
        attributes |= {"font-weight": "bold"} if bold else {}
        self._add("text", attributes | ({"font-size": _length(size)} if size else {}), words)

    def legend(self, y: float, entries: Mapping[str, str]) -> None:
        """Draw what the colours mean: words by colour."""
        x = 0.0
        for fill, words in entries.items():
            self.bar(x, y - 7, 8, 8, fill=fill)
            self.text(x + 11, y, words, fill=SOFT)
            x += 24 + 5.6 * len(words)

    def finish(self) -> str:
        """Return the picture as SVG."""
        return ET.tostring(self._root, encoding="unicode")

    def _add(self, tag: str, attributes: dict[str, str], words: str | None = None) -> None:
        element = ET.SubElement(self._root, tag, attributes)
        element.text = None if words is None else visible(words)


def _length(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
