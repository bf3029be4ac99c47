import re
from html.parser import HTMLParser


def words_of_html(page: bytes) -> str:
    """Return what a browser would show of a page, closed parts included, without any space."""
    reader = _Reader()
    reader.feed(page.decode())
    return squeezed("".join(reader.shown))


def squeezed(text: str) -> str:
    """Return a text without any space or line's end, as the words of a PDF are read."""
    return re.sub(r"\s", "", text)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def handle_data(self, data: str) -> None:
        self.shown.append(data)
