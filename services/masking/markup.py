import re

from services.masking.keys import MASK, is_secret_key, names_the_secret

# An opening tag on one line, and the text behind it; and the attributes that say what it is about.
_ATTRIBUTE = r"\s{1,20}[\w.:-]{1,60}\s{0,5}=\s{0,5}(?:\"[^\"]*\"|'[^']*')"
_TAG = re.compile(
    rf"<(?P<name>[\w.:-]{{1,100}})(?P<attributes>(?:{_ATTRIBUTE})*)\s{{0,20}}(?P<end>/?>)(?P<text>[^<]*)"
)
_NAMING = re.compile(r"\s(?:key|name|id|property)\s{0,5}=\s{0,5}[\"']([^\"']{1,200})[\"']", re.IGNORECASE)
_VALUE = re.compile(r"(?P<is>\svalue\s{0,5}=\s{0,5})(?P<quote>[\"'])(?P<value>.*?)(?P=quote)", re.IGNORECASE)
_SCALAR = re.compile(r"true|false|[+-]?\d+(?:\.\d+)?", re.IGNORECASE)


def mask_markup(line: str) -> tuple[str, bool]:
    """Mask the secrets in a line of XML by their elements' names; return also whether one goes on below.

    `<password>x</password>`, `<add key="DbPassword" value="x"/>`. True: the element's text begins in the
    next line. A number is shown where the name is about a secret, as in `passwordMinimumLength`.
    """
    goes_on = False

    def masked(found: re.Match[str]) -> str:
        nonlocal goes_on
        names = [found["name"].rpartition(":")[2], *_NAMING.findall(found["attributes"])]
        is_secret = any(map(is_secret_key, names))
        is_open = found["end"] == ">" and not found["text"].strip() and found.end() == len(line)
        goes_on = is_secret and is_open
        return (
            _masked_tag(found, shows_numbers=not any(map(names_the_secret, names))) if is_secret else found[0]
        )

    return _TAG.sub(masked, line), goes_on


def _masked_tag(tag: re.Match[str], *, shows_numbers: bool) -> str:
    def masked(text: str) -> str:
        is_shown = not text.strip() or (shows_numbers and _SCALAR.fullmatch(text.strip()))
        return text if is_shown else MASK

    attributes = _VALUE.sub(lambda found: f'{found["is"]}"{masked(found["value"])}"', tag["attributes"])
    return f"<{tag['name']}{attributes}{tag['end']}{masked(tag['text'])}"
