import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.repositories.git import GitResult

# One line of `git push --porcelain`: flag, from:to, and the result.
_STATUS = re.compile(
    r"^(?P<flag>[ +*=!-])\t[^\t\n:]*:(?P<ref>[^\t\n]*)\t"
    r"\[?(?P<summary>[^\](\n]*)\]?(?: \((?P<reason>.*)\))?$",
    re.MULTILINE,
)
# Git itself saw the ref elsewhere, or the remote found it so: this push did not move it.
_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|needs force|incorrect old value|reference already exists"
    r"|is at [0-9a-f]{4,} but expected"
)
# Another ref of an atomic push was not taken.
_WITHHELD = re.compile(r"^atomic push fail(?:ed|ure)$")
# The transaction broke, or a ref was locked: a part of the push may be stored all the same.
_BROKEN = re.compile(r"lock|failed to update ref|transaction")
# How remotes report a refusal.
_DENIED = re.compile(
    r"permission|denied|forbidden|not allowed|not permitted|read-only|protected|unauthori[sz]ed|declined"
    r"|authentication failed|could not read (?:username|password)|error: 40[13]|archived",
    re.IGNORECASE,
)
# Git's own word that it stopped before it sent a push. What a remote says meanwhile stands behind `remote:`.
_UNSENT = re.compile(
    r"^fatal: (?:unable to access|the requested url returned|could not read|authentication failed)",
    re.IGNORECASE | re.MULTILINE,
)
_NOT_ATOMIC = re.compile(r"^fatal: .* does not support --atomic", re.MULTILINE)
# Git's own word for a remote that took the pack and then said nothing.
_SILENT = "remote failure"


class RefAnswer(StrEnum):
    """What a remote's answer to a push says of one ref; `unknown`: the push may still arrive."""

    ACCEPTED = "accepted"
    UNCHANGED = "unchanged"
    STALE = "stale"
    WITHHELD = "withheld"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class PushAnswer:
    """What a remote answered to one push, ref by ref, and its words without secrets.

    `heard`: the remote reported on the refs, or git refused before it sent anything. `is_atomic` is False
    where the remote cannot move several refs at once; it then moved none.
    """

    refs: Mapping[str, RefAnswer]
    words: str
    heard: bool
    is_atomic: bool = True

    def of(self, ref: str) -> RefAnswer:
        """Return what the answer says of a ref."""
        return self.refs.get(ref, RefAnswer.UNKNOWN)


def no_answer(refs: Sequence[str], words: str) -> PushAnswer:
    """Return the answer to a push that got none."""
    return PushAnswer(refs=dict.fromkeys(refs, RefAnswer.UNKNOWN), words=words, heard=False)


def read_answer(result: GitResult, refs: Sequence[str]) -> PushAnswer:
    """Read the answer about each ref from `git push --porcelain`, and never from the exit code.

    Without a line about a ref its answer is unknown, unless the remote refused before git sent the push.
    """
    lines = {line["ref"]: line for line in _STATUS.finditer(result.stdout.decode("utf-8", "replace"))}
    if not lines:
        return _read_words(result.stderr, refs)
    answers = {ref: _answer_of(line, result.stderr) for ref, line in lines.items() if ref in refs}
    reasons = dict.fromkeys(line["reason"] for line in lines.values() if line["reason"])
    return PushAnswer(
        refs=answers,
        words="\n".join([*reasons, result.stderr]).strip(),
        heard=not any(line["summary"].strip() == _SILENT for line in lines.values()),
    )


def _read_words(words: str, refs: Sequence[str]) -> PushAnswer:
    is_atomic = _NOT_ATOMIC.search(words) is None
    is_refusal = not is_atomic or (_UNSENT.search(words) and _DENIED.search(words))
    if not is_refusal:
        return no_answer(refs, words)
    refused = dict.fromkeys(refs, RefAnswer.REFUSED)
    return PushAnswer(refs=refused, words=words, heard=True, is_atomic=is_atomic)


def _answer_of(line: re.Match[str], words: str) -> RefAnswer:
    summary, reason = line["summary"].strip(), line["reason"] or ""
    if line["flag"] == "=":
        return RefAnswer.UNCHANGED
    if line["flag"] != "!":
        return RefAnswer.ACCEPTED
    if _WITHHELD.search(reason):
        return RefAnswer.WITHHELD
    if summary == "rejected":
        return RefAnswer.STALE
    if summary != "remote rejected":
        return RefAnswer.UNKNOWN
    return _rejected(reason, words)


def _rejected(reason: str, words: str) -> RefAnswer:
    # A transaction that broke may have stored one of its refs, whatever else the remote says.
    if "atomic transaction failed" in reason:
        return RefAnswer.UNKNOWN
    if _DENIED.search(reason):
        return RefAnswer.REFUSED
    if _MOVED.search(f"{reason} {words}"):
        return RefAnswer.STALE
    return RefAnswer.UNKNOWN if _BROKEN.search(reason) else RefAnswer.REFUSED
