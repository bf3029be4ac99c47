import re
from itertools import combinations
from typing import Any

import pytest

from tests.house.test_documented import documented
from tests.telemetry.promql import alerts, dashboard, metrics_shown, named

SHOWN = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def cells(panel: dict[str, Any]) -> set[tuple[int, int]]:
    place = panel["gridPos"]
    columns = range(place["x"], place["x"] + place["w"])
    return {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(ids) == len(set(ids))
    assert not [(a["title"], b["title"]) for a, b in combinations(panels, 2) if cells(a) & cells(b)]
    assert all(x < 24 for panel in panels for x, _ in cells(panel))


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit_and_asks_the_chosen_source(panel: dict[str, Any]) -> None:
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert {source["uid"] for source in sources} == {"${datasource}"}
    assert [variable["name"] for variable in dashboard()["templating"]["list"]] == ["datasource"]


def test_no_change_is_read_from_what_pruning_takes_from() -> None:
    expressions = [target["expr"] for panel in SHOWN for target in panel["targets"]]
    change = re.compile(r"\b(delta|increase|rate)\(operationrun_runs\b")
    assert not [each for each in expressions if change.search(each)]


def test_an_alert_says_what_is_wrong_and_how_bad_that_is() -> None:
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names))
    for rule in alerts():
        assert rule["labels"]["severity"] in {"page", "notice"}
        assert {"summary", "description"} == rule["annotations"].keys()


def test_every_metric_of_ours_is_documented_and_shown() -> None:
    ours = {name for name in metrics_shown() if name.startswith("operationrun_")}
    assert ours == set(documented("reference.md", "Metrics"))


def test_an_expression_is_read_for_the_series_it_names() -> None:
    expression = 'sum by (le) (rate(a_bucket{le="b", status!~"c"}[5m])) / d or vector(0) > 45 * 60'
    assert named(expression) == {"a_bucket", "d"}


def test_an_expression_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(ValueError, match="unclosed"):
        named("sum(a_bucket")
