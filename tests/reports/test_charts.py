from xml.etree import ElementTree as ET

import pytest

from models.base import Json
from services.reports.blocks import Chart
from services.reports.charts import changes_over_time, conformance_by_kind, findings_by_severity
from tests.review_documents import HOSTILE, make_document, make_hostile_source, make_sections

SVG = "{http://www.w3.org/2000/svg}"
CHARTS = (changes_over_time, conformance_by_kind, findings_by_severity)


def drawn(chart: Chart) -> ET.Element:
    assert chart.svg is not None
    return ET.fromstring(chart.svg)  # noqa: S314 # our own drawing


def texts(chart: Chart) -> list[str]:
    return [element.text or "" for element in drawn(chart).iter(f"{SVG}text")]


@pytest.mark.parametrize("draw", CHARTS)
def test_every_picture_says_in_words_what_it_shows(draw: object) -> None:
    chart = draw(make_document())  # type: ignore[operator] # one of CHARTS
    root = drawn(chart)
    named = root.attrib["aria-labelledby"].split()
    assert [root.find(f"{SVG}title").attrib["id"], root.find(f"{SVG}desc").attrib["id"]] == named  # type: ignore[union-attr] # as told
    assert root.attrib["role"] == "img"
    assert root.find(f"{SVG}desc").text == chart.description  # type: ignore[union-attr] # as told
    assert chart.table.rows


def test_it_draws_this_review_last_and_adds_up_what_changed() -> None:
    chart = changes_over_time(make_document())
    assert [row["total"] for row in chart.table.rows] == [12, 5]
    assert texts(chart)[-4:] == ["12", "12 May", "5", "1 Jun"]


def test_it_says_so_where_there_is_nothing_to_draw() -> None:
    first = make_document(sections={}, previous_review_id=None, findings=[])
    assert changes_over_time(first).svg is conformance_by_kind(first).svg is None
    assert "No baseline is set" in conformance_by_kind(first).description
    assert texts(findings_by_severity(first)) == ["Critical", "0", "Warning", "0", "Info", "0"]


def test_it_draws_many_kinds_as_few_bars_and_leaves_none_out() -> None:
    sections = make_sections()
    sections["baseline"]["by_kind"] = [_kind(place) for place in range(40)]
    chart = conformance_by_kind(make_document(sections=sections))
    shown = texts(chart)
    assert "34 more kinds" in shown
    assert shown[shown.index("34 more kinds") + 1] == "306 of 323"
    assert len(chart.table.rows) == 40


def test_names_stay_text_in_every_picture() -> None:
    document = make_hostile_source().document
    for draw in CHARTS:
        tags = {element.tag.removeprefix(SVG) for element in drawn(draw(document)).iter()}
        assert tags <= {"svg", "title", "desc", "rect", "line", "text"}
    assert "<script>" in HOSTILE[1]
    assert "<script>" not in (conformance_by_kind(document).svg or "")


def _kind(place: int) -> Json:
    drifted = 3 if place < 6 else place % 2
    return {"kind": f"kind {place:02}", "conforming": 9, "drifted": drifted, "missing": 0, "extra": 2}
