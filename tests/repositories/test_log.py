from services.repositories.diff import diff_trees
from services.repositories.log import commits_of_changes
from services.repositories.mirror import Mirror
from tests.repositories.remote import Remote


def test_control_characters_of_a_commit_and_a_path_are_read_as_text(remote: Remote, mirror: Mirror) -> None:
    before = remote.commit({"a": "1"})
    named = remote.commit({"a": "2", "b\x01c": "1"}, "\x01odd\x01 subject")
    after = remote.commit({"a": "3"}, "plain subject")
    mirror.fetch()
    commits = commits_of_changes(mirror, diff_trees(mirror, before, after), before=before, after=after)
    assert {commit["id"]: commit["subject"] for commit in commits["a"]} == {
        after: "plain subject",
        named: "\x01odd\x01 subject",
    }
    assert [commit["id"] for commit in commits["b\x01c"]] == [named]
