from enum import StrEnum


class Format(StrEnum):
    """The file format of a report."""

    HTML = "html"
    PDF = "pdf"
    JSON = "json"
