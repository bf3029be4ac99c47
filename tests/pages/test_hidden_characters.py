"""Texts that hide, or turn their neighbours round: every page writes their characters out."""

from models.access import Role
from tests.world import World

# Reads as `exe.json` where the sign is obeyed; the others hide, or end a line early.
TURNED = "policies/\u202enosj.exe"
HIDING = "a\u2066b\u200bc\x1bd\x9be\x07"


def test_a_plan_shows_where_a_path_would_turn_its_line_round(world: World) -> None:
    plan = world.plan([{"path": TURNED, "change": "refused", "reason": HIDING}])
    html = world.browser(Role.READER).read(f"/restore-plans/{plan.id}")
    assert not [each for each in TURNED + HIDING if not each.isprintable() and each in html]
    assert "\\u{202e}nosj.exe" in html
    assert "a\\u{2066}b\\u{200b}c\\u{1b}d\\u{9b}e\\u{7}" in html
