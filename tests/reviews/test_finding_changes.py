from typing import Any

from services.reviews.findings import compare_findings


def _finding(code: str, *items: str, **given: Any) -> dict[str, Any]:
    return {"code": code, "severity": "warning", "title": code, "items": [*items]} | given


def test_findings_appear_go_and_stay() -> None:
    changes = compare_findings(
        [_finding("gone", "a.json"), _finding("same", "b.json")],
        [_finding("same", "b.json"), _finding("new", "c.json")],
    )

    assert [change.finding["code"] for change in changes.appeared] == ["new"]
    assert (changes.appeared[0].came, changes.appeared[0].went) == (["c.json"], [])
    assert [change.finding["code"] for change in changes.gone] == ["gone"]
    assert (changes.gone[0].came, changes.gone[0].went) == ([], ["a.json"])
    assert (changes.other_items, changes.unchanged) == ([], 1)


def test_a_finding_that_stays_tells_which_items_came_and_went() -> None:
    changes = compare_findings(
        [_finding("drifted", "a", "b", title="2 files")],
        [_finding("drifted", "b", "c", title="2 other files")],
    )

    (drifted,) = changes.other_items
    assert (drifted.came, drifted.went) == (["c"], ["a"])
    assert drifted.finding["title"] == "2 other files"
    assert changes.unchanged == 0


def test_items_in_another_order_are_the_same_finding() -> None:
    assert compare_findings([_finding("x", "a", "b")], [_finding("x", "b", "a")]).unchanged == 1


def test_no_findings_are_no_change() -> None:
    changes = compare_findings([], [])

    assert (changes.appeared, changes.gone, changes.other_items, changes.unchanged) == ([], [], [], 0)
