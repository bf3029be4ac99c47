from collections.abc import Mapping
from typing import Final

from models.access import AuditAction, AuditEntry

# The act as a choice of the filter, and the entry as a sentence.
_WORDS: Final[Mapping[AuditAction, tuple[str, str]]] = {
    AuditAction.WORKSPACE_CREATED: ("Workspace created", "{actor} created the workspace {subject}."),
    AuditAction.MEMBER_ADDED: ("Member added", "{actor} added {subject} as {detail}."),
    AuditAction.MEMBER_ROLE_CHANGED: (
        "Role changed",
        "{actor} changed the role of {subject} from {detail}.",
    ),
    AuditAction.MEMBER_REMOVED: ("Member removed", "{actor} removed {subject}, who was {detail}."),
    AuditAction.TOKEN_CREATED: ("Token created", "{actor} created the token “{subject}” ({detail})."),
    AuditAction.TOKEN_REVOKED: ("Token revoked", "{actor} revoked the token “{subject}” ({detail})."),
    AuditAction.SIGNED_IN: ("Sign-in", "{subject} signed in ({detail})."),
    AuditAction.SIGN_IN_FAILED: ("Failed sign-in", "A sign-in as {subject} failed ({detail})."),
    AuditAction.SIGNED_OUT: ("Sign-out", "{subject} signed out."),
    AuditAction.SIGNED_OUT_EVERYWHERE: ("Sign-out everywhere", "{subject} signed out of every browser."),
    AuditAction.SESSIONS_ENDED: ("Sessions ended", "{actor} ended {detail} of {subject}."),
    AuditAction.SIGN_IN_LINK_CREATED: (
        "Sign-in link created",
        "{actor} created a sign-in link for {subject}.",
    ),
    AuditAction.PASSWORD_SET: ("Password set", "{actor} set the password of {subject}."),
    AuditAction.IDENTITY_RELEASED: (
        "Identity released",
        "{actor} released {subject} from the identity provider's subject.",
    ),
    AuditAction.CONNECTION_CREATED: ("Connection created", "{actor} created the connection {subject}."),
    AuditAction.CONNECTION_CHANGED: ("Connection changed", "{actor} changed the connection {subject}."),
    AuditAction.CONNECTION_REMOVED: ("Connection removed", "{actor} removed the connection {subject}."),
    AuditAction.CONNECTION_CHECKED: ("Connection checked", "{actor} checked the connection {subject}."),
    AuditAction.SECRETS_REENCRYPTED: (
        "Secrets re-encrypted",
        "{actor} encrypted {subject} of connections under the first key.",
    ),
    AuditAction.CONNECTION_CHOSEN: (
        "Connection chosen",
        "{actor} gave {subject} the connection “{detail}”.",
    ),
    AuditAction.ENVIRONMENT_CREATED: (
        "Environment created",
        "{actor} created the environment {subject} ({detail}).",
    ),
    AuditAction.ENVIRONMENT_CHANGED: (
        "Environment changed",
        "{actor} changed the environment {subject} ({detail}).",
    ),
    AuditAction.RESTORE_POINT_CREATED: (
        "Restore point created",
        "{actor} created the restore point “{subject}” ({detail}).",
    ),
    AuditAction.RESTORE_PLAN_CREATED: (
        "Restore plan created",
        "{actor} created a restore plan for {subject}.",
    ),
    AuditAction.RUN_REQUESTED: ("Run requested", "{actor} requested a run of {subject}."),
    AuditAction.RUN_CANCELLATION_REQUESTED: (
        "Cancellation requested",
        "{actor} requested the cancellation of a run of {subject}.",
    ),
    AuditAction.RUN_CHECKED: ("Run checked", "{actor} checked a run of {subject}."),
    AuditAction.RUNS_PRUNED: ("Runs pruned", "{actor} deleted {subject} past their retention."),
    AuditAction.SWEEP_TRIGGERED: ("Sweep triggered", "{actor} triggered a sweep."),
    AuditAction.REVIEW_PUBLISHED: ("Review published", "{actor} published the review of {subject}."),
    AuditAction.REVIEW_ARCHIVED: ("Review archived", "{actor} archived the review of {subject}."),
    AuditAction.VIEW_SAVED: ("View saved", "{actor} saved the view “{subject}”."),
    AuditAction.VIEW_DELETED: ("View deleted", "{actor} deleted the view “{subject}”."),
    AuditAction.DOWNLOADED: ("Download", "{actor} downloaded {subject}."),
    AuditAction.REFUSED: ("Refusal", "{actor} was refused {subject}, which needs {detail}."),
}
ACTS: Final[Mapping[AuditAction, str]] = {act: label for act, (label, _) in _WORDS.items()}


def sentence_of(entry: AuditEntry) -> str:
    """Return an audit entry as a sentence; an act of a later release by its name."""
    if entry.action not in _WORDS:
        return f"{entry.actor_name}: {entry.action} {entry.subject}."
    _, sentence = _WORDS[AuditAction(entry.action)]
    return sentence.format(actor=entry.actor_name, subject=entry.subject, detail=entry.detail)
