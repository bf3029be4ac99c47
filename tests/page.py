"""A page as its reader meets it: found by id, role, label or `data-` name, and not by its sentences."""

from selectolax.lexbor import LexborHTMLParser, LexborNode


class Part:
    """A part of a page, and the parts within it."""

    def __init__(self, node: LexborNode) -> None:
        self._node = node

    @property
    def text(self) -> str:
        """What is read here, with single spaces."""
        return " ".join(self._node.text().split())

    def __getitem__(self, attribute: str) -> str:
        """Return an attribute's value; an attribute without one is empty."""
        return self._node.attributes[attribute] or ""

    def all(self, css: str) -> list["Part"]:
        return [Part(node) for node in self._node.css(css)]

    def one(self, css: str) -> "Part":
        """Return the one part that a selector finds."""
        found = self.all(css)
        assert len(found) == 1, f"{len(found)} parts are {css}"
        return found[0]

    def has(self, css: str) -> bool:
        return bool(self.all(css))

    def texts(self, css: str) -> list[str]:
        return [part.text for part in self.all(css)]

    def says(self, name: str) -> str:
        """Return the sentence that carries this `data-says`; there is one, and it is not empty."""
        text = self.one(f'[data-says="{name}"]').text
        assert text
        return text

    def facts(self, css: str) -> dict[str, str]:
        """Return the lists of facts in a section: what is said by label."""
        pairs = [(pair.one("dt").text, pair.one("dd").text) for pair in self.all(f"{css} dl > div")]
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    def refusal(self, field: str) -> str:
        """Return what is wrong with the field of an id, which points to it; it is not empty."""
        error = f"{field}-error"
        assert error in self.one(f'#{field}[aria-invalid="true"]')["aria-describedby"].split()
        reason = self.one(f"#{error}").text.partition(": ")[2]
        assert reason
        return reason

    def why_not(self, action: str) -> str | None:
        """Return why a button cannot be pressed; None where it can, or is a link.

        The reason names the button by its label.
        """
        button = f'button[disabled][aria-describedby="{action}-why-not"]'
        if not self.has(button):
            return None
        named = self.one(f"#{action}-why-not")
        assert named.text.removesuffix(",") == self.one(button).text
        reason = named._node.parent
        assert reason is not None
        return Part(reason).text.partition(": ")[2]


def page_of(html: str) -> Part:
    """Read a page."""
    root = LexborHTMLParser(html).root
    assert root is not None
    return Part(root)
