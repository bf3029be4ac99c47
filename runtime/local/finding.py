from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check, and how to fix it; `needed` is False for what is optional."""

    check: str
    ok: bool
    found: str
    fix: str | None = None
    needed: bool = True

    @property
    def state(self) -> str:
        """The result in one word: ok, missing, or note for an optional check that is not ok."""
        if self.ok:
            return "ok"
        return "missing" if self.needed else "note"
