import json

import pytest

from models.base import Json
from services.reports.changed_settings import count_line, format_settings, noise_line
from tests.review_documents import make_change


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ({"change": "changed", "before": 8, "after": "8"}, ("a", "8", '"8"')),
        ({"change": "added", "before": None, "after": "x"}, ("a", "not set", '"x"')),
        ({"change": "removed", "before": None, "after": None}, ("a", "null", "not set")),
        ({"change": "changed", "before": None, "after": False}, ("a", "null", "false")),
        ({"change": "moved", "before": [1, 2], "after": [2, 1]}, ("a (order)", "[1, 2]", "[2, 1]")),
        (
            {"change": "changed", "before": "ü" * 90, "after": {"b": 1, "a": 2}},
            ("a", f'"{"ü" * 48}…', '{"a": 2, "b": 1}'),
        ),
    ],
)
def test_it_tells_null_from_nothing_and_numbers_from_text(
    setting: Json, written: tuple[str, str, str]
) -> None:
    (found,) = format_settings(make_change(0, settings=[{"path": "a"} | setting]), length=50)
    assert (found.path, found.before, found.after) == written


EXPORTED = {
    "@odata.id": "deviceManagement/settings('7')",
    "@odata.type": "#microsoft.graph.deviceManagementConfigurationSetting",
    "id": "7",
    "settingInstance": {"@odata.type": "#microsoft.graph.instance", "simpleSettingValue": {"value": 2000}},
}
ADDED = "settings[settingInstance.settingDefinitionId=a_delay]"


def test_what_was_added_whole_is_shown_without_what_the_exporter_wrote() -> None:
    change = make_change(0, settings=[{"path": ADDED, "change": "added", "before": None, "after": EXPORTED}])
    (found,) = format_settings(change)
    assert found.after == '{"settingInstance": {"simpleSettingValue": {"value": 2000}}}'
    assert found.alone == ""


def test_a_long_value_that_came_or_went_is_written_over_both_columns() -> None:
    (found,) = format_settings(
        make_change(0, settings=[{"path": "a", "change": "removed", "before": "x" * 90, "after": None}])
    )
    assert found.alone == f'removed: "{"x" * 90}"'
    assert found.after == "not set"


@pytest.mark.parametrize("value", [{"@odata.type": "#a.b"}, {"x": {"@odata.type": "#a.b"}}, [], {}, None])
def test_a_value_of_nothing_else_is_shown_as_it_is(value: object) -> None:
    change = make_change(0, settings=[{"path": "a", "change": "added", "before": None, "after": value}])
    assert format_settings(change)[0].after == json.dumps(value)


def test_bookkeeping_is_counted_and_left_to_the_data() -> None:
    kept = [
        {"path": path, "change": "changed", "before": 1, "after": 2}
        for path in ("settingCount", '["@odata.editLink"]', "lastModifiedDateTime")
    ]
    real = {"path": "name", "change": "changed", "before": 1, "after": 2}
    change = make_change(0, settings=[kept[0], real, *kept[1:]])
    assert [setting.path for setting in format_settings(change)] == ["name"]
    assert noise_line(change) == "and 3 changes of export bookkeeping, in the data"
    assert count_line(change) == "4 settings changed, 3 of export bookkeeping"
    alone = make_change(0, settings=kept[:1])
    assert noise_line(alone) == "1 change of export bookkeeping, in the data"
    assert count_line(alone) == "1 setting changed, 1 of export bookkeeping"
    none = make_change(0, settings=[real])
    assert (noise_line(none), count_line(none)) == ("", "1 setting changed")
    assert count_line(make_change(0, settings=[])) == ""
