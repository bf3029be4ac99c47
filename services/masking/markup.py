import re
from dataclasses import dataclass

from services.masking.keys import MASK, is_secret_key, names_the_secret

# An opening tag on one line, and the text behind it; and the attributes that say what it is about.
_ATTRIBUTE = r"\s{1,20}[\w.:-]{1,60}\s{0,5}=\s{0,5}(?:\"[^\"]*\"|'[^']*')"
_CDATA = r"<!\[CDATA\[(?:[^\]]|\](?!\]>))*(?:\]\]>|$)"
_TAG = re.compile(
    rf"<(?P<name>[\w.:-]{{1,100}})(?P<attributes>(?:{_ATTRIBUTE})*)\s{{0,20}}(?P<end>/?>)(?P<text>(?:[^<]|{_CDATA})*)"
)
_UNCLOSED = re.compile(rf"<[\w.:-]{{1,100}}(?P<attributes>(?:{_ATTRIBUTE})+)\s*$")
_NAMING = re.compile(
    r"\s(?:key|name|id|property|field|type)\s{0,5}=\s{0,5}[\"']([^\"']{1,200})[\"']", re.IGNORECASE
)
_VALUE = re.compile(
    r"(?P<is>(?:\s|^)value\s{0,5}=\s{0,5})(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.IGNORECASE
)
_SCALAR = re.compile(r"true|false|[+-]?\d+(?:\.\d+)?", re.IGNORECASE)
# `<key>Password</key><string>x</string>`: an element that names, and the next one that holds the value.
_NAMES = {"key", "name", "id", "property", "propertyname", "parameter", "setting", "settingname", "fieldname"}
_VALUES = {
    "value",
    "string",
    "data",
    "integer",
    "val",
    "defaultvalue",
    "stringvalue",
    "text",
    "content",
    "literal",
}


@dataclass(kw_only=True)
class Markup:
    """What the lines before leave open: a secret's text, its attributes, or its name before the value."""

    is_text: bool = False
    is_tag: bool = False
    is_name: bool = False
    is_cdata: bool = False

    def takes(self, line: str) -> bool:
        """Return whether a whole line is a secret's text, and note whether it is its last one."""
        if not self.is_text:
            return False
        begun = line.lstrip()
        if not self.is_cdata and begun.startswith("<") and not begun.startswith("<![CDATA["):
            self.is_text = False
            return False
        self.is_cdata = (self.is_cdata or "<![CDATA[" in line) and "]]>" not in line
        self.is_text = self.is_cdata or "<" not in line.replace("<![CDATA[", "")
        return True

    def mask(self, line: str) -> str:
        """Mask the secrets in a line of XML by their elements' names.

        `<password>x</password>`, `<add key="DbPassword" value="x"/>`, `<key>Token</key><string>x</string>`.
        A number is shown where the name is about a secret, as in `passwordMinimumLength`.
        """
        if self.is_tag:
            line = _masked_values(line, shows_numbers=False)
            self.is_tag = ">" not in line
        shown = _TAG.sub(self._masked, line)
        unclosed = _UNCLOSED.search(shown)
        if unclosed and any(map(is_secret_key, _NAMING.findall(unclosed["attributes"]))):
            self.is_tag = True
            shown = shown[: unclosed.start()] + _masked_values(unclosed[0], shows_numbers=False)
        return shown

    def _masked(self, found: re.Match[str]) -> str:
        element, text = found["name"].rpartition(":")[2], found["text"].strip()
        names = [element, *_NAMING.findall(found["attributes"])]
        is_secret = any(map(is_secret_key, names))
        is_value = self.is_name and element.lower() in _VALUES
        is_open = found["end"] == ">" and found.end() == len(found.string)
        self.is_text = (is_secret or is_value) and is_open
        self.is_cdata = self.is_text and text.rfind("<![CDATA[") > text.rfind("]]>")
        self.is_name = (is_secret and not text) or (element.lower() in _NAMES and is_secret_key(text))
        if not (is_secret or is_value):
            return found[0]
        return _masked_tag(found, shows_numbers=not is_value and not any(map(names_the_secret, names)))


def mask_markup(line: str) -> str:
    """Mask the secrets in one line of XML."""
    return Markup().mask(line)


def _masked_tag(tag: re.Match[str], *, shows_numbers: bool) -> str:
    attributes = _masked_values(tag["attributes"], shows_numbers=shows_numbers)
    return f"<{tag['name']}{attributes}{tag['end']}{_masked(tag['text'], shows_numbers=shows_numbers)}"


def _masked_values(attributes: str, *, shows_numbers: bool) -> str:
    return _VALUE.sub(
        lambda found: f'{found["is"]}"{_masked(found["value"], shows_numbers=shows_numbers)}"', attributes
    )


def _masked(text: str, *, shows_numbers: bool) -> str:
    is_shown = not text.strip() or (shows_numbers and _SCALAR.fullmatch(text.strip()))
    return text if is_shown else MASK
