import re

from models.errors import EnvironmentUnreachable, PushRaced, PushRefused
from services.repositories.git import GitResult

# One line of `git push --porcelain`: flag, from:to, and the result.
_STATUS = re.compile(
    r"^(?P<flag>[ +*=!-])\t[^\t]*\t\[?(?P<summary>[^\](]*)\]?(?: \((?P<reason>.*)\))?$", re.MULTILINE
)
# How remotes report that the ref moved, or is being moved, under this push.
_MOVED = re.compile(
    r"stale info|fetch first|non-fast-forward|needs force|cannot lock ref|failed to lock|failed to update ref"
    r"|incorrect old value|reference already exists"
)
# How remotes report a refusal.
_DENIED = re.compile(
    r"permission|denied|forbidden|not allowed|not permitted|read-only|protected|unauthori[sz]ed|declined"
    r"|authentication failed|could not read (?:username|password)|error: 40[13]|archived",
    re.IGNORECASE,
)


def judge_push(result: GitResult) -> None:
    """Return for a push that the remote accepted; otherwise raise what its answer means.

    PushRaced: the branch moved. PushRefused: a hook, a protected branch, a missing permission; with the
    remote's words. EnvironmentUnreachable: no answer came, and the push may or may not have arrived.
    """
    status = _STATUS.search(result.stdout.decode("utf-8", "replace"))
    if status is not None:
        _judge_status(status, result.stderr)
    elif result.exit_code != 0 and _DENIED.search(result.stderr):
        raise PushRefused(f"The repository refused the push: {result.stderr}")
    elif result.exit_code != 0:
        raise EnvironmentUnreachable(f"The environment's repository did not answer the push: {result.stderr}")


def _judge_status(status: re.Match[str], answer: str) -> None:
    summary, reason = status["summary"], status["reason"] or ""
    if status["flag"] != "!":
        return
    if summary == "rejected":
        raise PushRaced
    if summary == "remote rejected" and _MOVED.search(reason) and not _DENIED.search(f"{reason} {answer}"):
        raise PushRaced
    if summary == "remote rejected":
        raise PushRefused(f"The repository refused the push: {reason}\n{answer}".strip())
    raise EnvironmentUnreachable(
        f"The environment's repository did not report on the push: {reason}\n{answer}"
    )
