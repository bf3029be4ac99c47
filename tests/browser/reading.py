import re

from playwright.sync_api import Page

# Words of the machinery below (law L10); they may stand under closed technical details alone.
_MACHINERY = re.compile(
    r"Traceback|Exception|Error:|psycopg|sqlalchemy|duplicate key|\bSQL\b|temporalio|gRPC|WORKFLOW_|null"
    r"|\bNone\b"
)


def machinery_in(page: Page) -> list[str]:
    """Return the words of the machinery that a reader sees without opening anything."""
    return _MACHINERY.findall(page.locator("main").inner_text())


def mark(page: Page) -> None:
    """Mark the page as it is loaded now; a reload forgets it."""
    page.evaluate("window.stayed = true")


def has_stayed(page: Page) -> bool:
    """Tell whether a marked page was never loaded anew."""
    return bool(page.evaluate("window.stayed === true"))
