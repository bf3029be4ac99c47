import pytest

from services.configuration.exporter_noise import is_exporter_noise
from services.configuration.paths import Item, Step, render

SETTING = "settings[settingInstance.settingDefinitionId=device_vendor_msft_sudo_enablesudo]"


@pytest.mark.parametrize(
    "path",
    [
        '["@odata.context"]',
        '["@odata.id"]',
        '["@odata.editLink"]',
        '["assignments@odata.navigationLink"]',
        '["#microsoft.graph.createCopy"].target',
        '["#microsoft.graph.createCopy"]',
        "createdDateTime",
        "lastModifiedDateTime",
        "[id=7].lastModifiedDateTime",
        "settingCount",
        f"{SETTING}.id",
        f'{SETTING}["@odata.id"]',
        'settings[id=3]["settingDefinitions@odata.associationLink"]',
        "metadata.resourceVersion",
        "document 2.metadata.creationTimestamp",
        "[kind=Deployment, metadata.name=web].metadata.managedFields[0].time",
    ],
)
def test_what_exporters_write_for_themselves_is_bookkeeping(path: str) -> None:
    assert is_exporter_noise(path)


@pytest.mark.parametrize(
    "path",
    [
        "(whole file)",
        "id",
        "name",
        "description",
        SETTING,
        f"{SETTING}.settingInstance.choiceSettingValue.value",
        f'{SETTING}.settingInstance["@odata.type"]',
        '["@odata.type"]',
        '["group@odata.bind"]',
        'members[0]["@odata.id"]',
        "settings[id=3].id",
        "rules[name=web].id",
        "assignments[0].id",
        "assignments[0].target",
        "expirationDateTime",
        "schedule.lastModifiedDateTime",
        "spec.replicas",
        "metadata.name",
        "metadata.labels.version",
        "metadata.uid",
        "line 7",
        '["#comment"]',
        "",
    ],
)
def test_what_somebody_may_have_set_is_not(path: str) -> None:
    assert not is_exporter_noise(path)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (("settings@odata.context",), True),
        (("settings", Item(3, 4, (("settingInstance.settingDefinitionId", "a_b"),)), "id"), True),
        (("settings", Item(3, 4, (("settingInstance.settingDefinitionId", 'a"]["@odata.id'),)), "x"), False),
        (('x"]["@odata.editLink',), False),
    ],
)
def test_it_reads_paths_as_they_are_rendered(steps: tuple[Step, ...], expected: bool) -> None:  # noqa: FBT001
    assert is_exporter_noise(render(steps)) is expected
