"""The sentences of templates that must be right: what other tests find by its `data-` name stands here."""

from pathlib import Path

import pytest

import web

TEMPLATES = Path(web.__file__).parent / "templates"


@pytest.mark.parametrize(
    ("template", "name", "sentence"),
    [
        ("operations/cancel.html", 'data-says="stops-where-safe"', "never reads “Cancelled” while"),
        ("operations/_list.html", 'data-empty="nothing-yet"', "No operation has been asked for yet."),
        ("operations/_list.html", 'data-empty="no-match"', "No operation matches these filters."),
        ("operations/_list.html", 'data-empty="no-workspace"', "You do not belong to a workspace"),
        ("operations/_list.html", 'data-empty="unread"', "The operations could not be read."),
    ],
)  # fmt: skip
def test_a_named_part_of_a_page_says_what_it_is_for(template: str, name: str, sentence: str) -> None:
    _, _, after = (TEMPLATES / template).read_text().partition(name)

    assert sentence in after.partition("</p>")[0]
