import base64
import json
import re
from typing import Any

Json = Any

# Two components at least, and not behind a name or a colon, where the slash belongs to a ref or a URL.
_PATH = re.compile(r"(?<![\w.:/])/[\w.@+-]+(?:/[\w.@+-]*)+")

WORKER = "worker"
_STICKY = "TASK_QUEUE_KIND_STICKY"


def scrub(value: Json) -> Json:
    """Return a history's JSON without what names the machine it was recorded on.

    1. Identities (`pid@host`), and with them the names of sticky queues, become "worker".
    2. Stack traces are left out; replay does not read them.
    3. Absolute paths in texts, in those inside payloads too, become "<path>".
    """
    if isinstance(value, str):
        return _PATH.sub("<path>", value)
    if isinstance(value, list):
        return [scrub(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == _STICKY:
        return value | {"name": WORKER}
    if "data" in value and "metadata" in value:
        return value | {"data": _scrub_data(value["data"])}
    return {
        name: WORKER if name == "identity" else scrub(item)
        for name, item in value.items()
        if name != "stackTrace"
    }


def written(history: Json) -> str:
    """Return a history as the text of its file: an event a line, so that two recordings can be compared."""
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in history["events"])
    return f'{{"events":[\n{events}\n]}}\n'


def _scrub_data(data: str) -> str:
    # Every payload of ours is JSON.
    content = json.dumps(scrub(json.loads(base64.b64decode(data))), separators=(",", ":"))
    return base64.b64encode(content.encode()).decode()
