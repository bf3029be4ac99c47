from collections.abc import Mapping
from typing import Final

from models.access import AuditAction, AuditEntry

_SENTENCES: Final[Mapping[AuditAction, str]] = {
    AuditAction.MEMBER_ADDED: "{actor} added {subject} as {detail}.",
    AuditAction.MEMBER_ROLE_CHANGED: "{actor} changed the role of {subject} from {detail}.",
    AuditAction.MEMBER_REMOVED: "{actor} removed {subject}, who was {detail}.",
    AuditAction.TOKEN_CREATED: "{actor} created the token “{subject}” ({detail}).",
    AuditAction.TOKEN_REVOKED: "{actor} revoked the token “{subject}” ({detail}).",
    AuditAction.REVIEW_PUBLISHED: "{actor} published the review of {subject}.",
    AuditAction.REVIEW_ARCHIVED: "{actor} archived the review of {subject}.",
    AuditAction.VIEW_SAVED: "{actor} saved the view “{subject}”.",
    AuditAction.VIEW_DELETED: "{actor} deleted the view “{subject}”.",
}


def sentence_of(entry: AuditEntry) -> str:
    """Say in words who changed what."""
    template = _SENTENCES[AuditAction(entry.action)]
    return template.format(actor=entry.actor_name, subject=entry.subject, detail=entry.detail)
