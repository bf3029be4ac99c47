import re
from typing import Final

# A step into a list or a document, as paths.render writes it.
_STEP: Final = r"(?:\[[^\[\]\"]*\]|document \d+)"
_LINKS: Final = "context|etag|editLink|readLink|associationLink|navigationLink|nextLink|count"
_NUMBERED: Final = r"settings\[settingInstance\.settingDefinitionId=[^\[\]\"]+\]"

_NOISE: Final = re.compile(
    "|".join(
        (
            # OData's links between what was exported, and the actions it offers. A change of `@odata.type`
            # or of a reference (`@odata.bind`, an `@odata.id` elsewhere) is a change of the configuration.
            rf".*\[\"[^\[\]\"]*@odata\.(?:{_LINKS})\"\]",
            rf"(?:{_STEP}|settings{_STEP})?\[\"@odata\.id\"\]",
            r"\[\"#\w+(?:\.\w+)+\"\](?:\.(?:target|title))?",
            # Microsoft Graph's own times and sums, and the numbers that it gives a policy's settings.
            rf"(?:{_STEP}\.)?(?:createdDateTime|lastModifiedDateTime|settingCount)",
            rf"(?:{_STEP}\.)?{_NUMBERED}\.id",
            # What Kubernetes writes into every object that it stores.
            rf"(?:{_STEP}\.)?metadata\.(?:creationTimestamp|resourceVersion|selfLink|managedFields)",
            rf"(?:{_STEP}\.)?metadata\.managedFields[.\[].*",
        )
    ),
    re.DOTALL,
)


def is_exporter_noise(setting_path: str) -> bool:
    """Return whether an exporter wrote a setting for itself: links, times, sums, numbers of list entries.

    `setting_path` is a path as paths.render writes it. In doubt it is a setting of the configuration: what a
    person may have set is never noise.
    """
    return _NOISE.fullmatch(setting_path) is not None
