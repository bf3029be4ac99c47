import functools
import re
from typing import Final

# The same for every secret, whatever it hides.
MASK: Final = "••••••"

# The one list of names. A space: inside a text a separator may be in its place.
_KEYS_OF: Final = (
    r"private|secret|api|access|account|shared|master|signing|encryption|decryption|validation|ssh|auth"
    r"|session|storage|subscription|functions?|webhook|instrumentation|ingestion|product|licen[cs]e|activation"
    r"|wep|wpa|hmac|cipher|crypto|admin|root|host|bind|deploy|client|integration"
)
_WORDS: Final = (
    # The longer first: of two that begin alike, the first is found.
    rf"(?:{_KEYS_OF}) key|key (?:material|data|string)|connection string|community string|webhook ur[il]"
    r"|recovery code|security code|seed phrase|machine key"
    r"|pass(?:word|wd|wort|phrase|code)|kennwort|wachtwoord|motdepasse|contrasena|secret|token"
)
# Names of secrets only as they are, not inside a longer name.
_WHOLE: Final = {
    *("authorization", "httpauthorization", "proxyauthorization", "xauthorization"),
    *("credential", "credentials", "auths", "bearer", "jwt", "otp", "totp", "mnemonic", "cvv", "cvc", "puk"),
    *("cookie", "cookies", "setcookie", "sessionid", "sessioncookie", "jsessionid", "phpsessid"),
    *("community", "snmpcommunity", "rocommunity", "rwcommunity", "trapcommunity"),
    *("phash", "userpkcs12", "requirepass", "masterauth", "sas", "sasuri", "sasurl", "sharedaccesssignature"),
    *("incomingwebhook", "slackwebhook", "teamswebhook", "discordwebhook", "basicauth", "httpauth"),
}
# Too short to be looked for inside a name: names of secrets only as its last part.
_SHORT: Final = ("pass", "pwd", "pin", "psk")

_SEPARATORS = re.compile(r"[^a-z0-9]")
_PLAIN_WORDS = _WORDS.replace(" ", "")
_INSIDE = re.compile(_PLAIN_WORDS)
# Not `maxTokens`: the plural of a token is counted.
_AT_END = re.compile(rf"(?:(?:{_PLAIN_WORDS})(?<!token)s?|token|\Atokens)\d?$")
_NAME_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# `_auth` of npm; `auth` alone is as often a method or a section.
_NPM_AUTH = re.compile(r"(?:^|[:/])_auth$")
# What a number beside a secret is, when it is not the secret.
_MEASURE = re.compile(
    r"(?:length|lifetime|minutes|seconds|hours|days|months|ttl|expir\w*|timeout|count|min|max|minimum|maximum|size|bits"
    r"|port|age|version|history|attempts|retries|iterations|rounds|interval|period|limit|threshold|order|index|weight)$"
)

# What a key that is_secret_key has in it, in lowercase text; a short word where something follows it.
_OF_KEYS: Final = (
    f"{_WORDS.replace(' ', '[ _.-]?')}|authorization|credential|\\bauths\\b|_auth\\b|\\bbearer\\b|\\bjwt\\b"
    r"|\bt?otp\b|\bmnemonic\b|\bcv[vc]\b|\bpuk\b|cookies?\b|session_?id\b|sessid|community\b|\bphash\b"
    r"|userpkcs12|requirepass|masterauth|\bsas(?:_?ur[il])?\b|shared_?access_?signature|webhook\b"
    r"|(?:basic|http)_?auth\b"
)
_SHORT_WORDS: Final = "|".join(_SHORT)
WORD_IN_TEXT: Final = re.compile(
    rf"{_OF_KEYS}|(?:{_SHORT_WORDS})(?=\d?\\{{0,3}}[\"']?\]?\s{{0,9}}[:=/>]|[\"']\s|[\"']\\|[\"'],|\"?\s{{1,9}}[^\s])"
)
# The same for RE2, which finds the word and not where it ends.
WORDS_IN_TEXT: Final = (
    _OF_KEYS,
    "putty-user-key-file|openvpn static key",
    rf"(?:{_SHORT_WORDS})(?:[^a-z]|\z)",
)


@functools.lru_cache(maxsize=10_000)
def is_secret_key(key: str) -> bool:
    """Return whether a key's value is masked: it has the word of a secret, also inside a longer name."""
    plain = _plain(key)
    return (
        plain in _WHOLE
        or bool(_INSIDE.search(plain) or _ends_in_short_word(key))
        or bool(_NPM_AUTH.search(key.lower()))
    )


@functools.lru_cache(maxsize=10_000)
def names_the_secret(key: str) -> bool:
    """Return whether a key ends with the word, so that even a number under it is the secret itself.

    `password`, `adminPassword` and `pin` do; `passwordMinimumLength` is a setting about the secret.
    """
    plain = _plain(key)
    return plain in _WHOLE or bool(_AT_END.search(plain) or _ends_in_short_word(key))


@functools.lru_cache(maxsize=10_000)
def measures(key: str) -> bool:
    """Return whether a number under a key is a measure, also below a secret's key: `length`, `lifetime`."""
    return bool(_MEASURE.search(_plain(key)))


def _plain(key: str) -> str:
    return _SEPARATORS.sub("", key.lower())


def _ends_in_short_word(key: str) -> bool:
    parts = _NAME_PART.findall(key)
    return bool(parts) and parts[-1].lower() in _SHORT
