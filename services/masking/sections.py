import re
from dataclasses import dataclass, field
from typing import Final

from services.masking.assignments import Assigned
from services.masking.keys import is_secret_key

# `[secrets]`, `[[secrets.db]]`; and `variable "db_password" {`, whose value is not under its name.
_SECTION = re.compile(r"\s{0,20}\[{1,2}\s{0,9}(?P<name>[\w.\"':/ -]{1,100}?)\s{0,9}\]{1,2}\s*(?:[#;].*)?")
_BLOCK = re.compile(r"\s*(?P<type>[\w-]{1,60})(?P<labels>(?:\s{1,9}\"?[\w./@:-]{1,100}\"?){0,3})\s{0,9}\{\s*")
_KEYED = re.compile(r"\s*[\"']?(?P<key>[\w.$/@-]{1,100})[\"']?\s{0,20}(?::=|=>|[:=])\s{0,200}(?=\S)")
_OF_BLOCK: Final = {
    *("default", "value", "data", "content", "plaintext", "secret_string", "secret_binary", "data_json"),
    *("data_json_wo", "value_wo", "string", "text", "literal", "result", "keepers"),
}


@dataclass(kw_only=True)
class Sections:
    """Where the lines of a file are: in a section or a block that is named as a secret is."""

    section: str | None = None
    blocks: list[str | None] = field(default_factory=list)

    def value(self, line: str) -> tuple[str, Assigned] | None:
        """Return what a line assigns in a section or block of secrets: whose secret, and where; else None."""
        if self._opens(line) or line.lstrip()[:1] in {"#", ";", "/"}:
            return None
        name = next((block for block in reversed(self.blocks) if block), None) or self.section
        keyed = _KEYED.match(line)
        if keyed is None or name is None or not self._holds(name, keyed["key"]):
            return None
        return name, Assigned(keyed.start("key"), keyed.end())

    def _opens(self, line: str) -> bool:
        """Note a line that opens or closes a section or a block."""
        if section := _SECTION.fullmatch(line):
            self.section, self.blocks = _secret_among([section["name"]]), []
            return True
        if block := _BLOCK.fullmatch(line):
            labels = [label.strip("\"'") for label in block["labels"].split()]
            self.blocks.append(_secret_among([block["type"]]) or _secret_among(labels))
            return True
        if line.lstrip().startswith("}") and self.blocks:
            self.blocks.pop()
        if line.rstrip().endswith("{") and self.blocks:
            self.blocks.append(None)
        return False

    def _holds(self, name: str, key: str) -> bool:
        # A whole section of secrets; of a block that only describes one, what holds its value.
        return not self.blocks or _plain(name) in {"secret", "secrets"} or key.lower() in _OF_BLOCK


def _plain(name: str) -> str:
    return name.lower().strip("\"'")


def _secret_among(names: list[str]) -> str | None:
    return next((name for name in names if is_secret_key(name)), None)
