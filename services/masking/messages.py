import re

# What a remote says may be long: none of these looks from many beginnings at one and the same end.
_TOKEN = re.compile(
    r"(gh[a-z]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|AKIA[A-Z0-9]{12,}|ATBB\w{16,}|eyJ(?:(?!eyJ[\w-]{10})[\w-]){10,}\.[\w.-]+)"
)
_USER_INFO = re.compile(r"://[^/\s'\"]*@")
_QUERY = re.compile(r"(?P<url>://(?:(?!://)[^\s'\"?])*)\?[^\s'\"]*")
_NAMED = re.compile(
    r"(?P<name>authorization|password|passwd|secret|token|api[-_]?key|private[-_]?key)(?P<is>[\"']?\s*[:=]\s*)"
    r"(?:(?:basic|bearer)\s+)?\S+",
    re.IGNORECASE,
)
# Colours and cursor moves of a remote's progress, and every other control character but the line feed.
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x09\x0b-\x1f\x7f]")
_LONGEST = 1000


def redact(text: str) -> str:
    """Return what git or a remote said, short and without credentials: fit for an error text or a log."""
    text = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _USER_INFO.sub("://***@", text)
    text = _QUERY.sub(r"\g<url>?***", text)
    text = _NAMED.sub(r"\g<name>\g<is>***", text)
    text = _TOKEN.sub("***", text).strip()
    # Git's reason stands in its last lines.
    return text if len(text) <= _LONGEST else f"… {text[-_LONGEST:]}"


def looks_like_token(text: str) -> bool:
    """Tell whether a text is an access token of a well-known host."""
    return _TOKEN.search(text) is not None
