import pygit2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pygit2.enums import ObjectType

from models.errors import RefNotFound
from services.repositories.mirror import Mirror
from services.repositories.trailers import find_by_trailer
from tests.git_repository import git
from tests.repositories.remote import Remote

KEY = "Operation-Run"
RUN = "0190f7a2-7c3e-7aaa-8000-0123456789ab"


def test_it_finds_the_commits_with_the_trailer_newest_first(mirror: Mirror, remote: Remote) -> None:
    since = remote.commit({"a": "0"}, f"Restore\n\n{KEY}: {RUN}")
    first = remote.commit({"a": "1"}, f"Restore\n\nFor the record.\n\nReviewed-by: Ada\n{KEY}: {RUN}")
    remote.commit({"a": "2"}, "Something else")
    second = remote.commit({"a": "3"}, f"Restore again\n\n{KEY}:{RUN}  ")
    head = remote.commit({"a": "4"}, f"Restore\n\n{KEY}: {RUN[:-1]}c")
    mirror.fetch()
    assert find_by_trailer(mirror.repository, key=KEY, value=RUN, head=head, since=since) == [second, first]
    assert find_by_trailer(mirror.repository, key=KEY, value=RUN, head=head, since=None) == [
        second,
        first,
        since,
    ]
    assert find_by_trailer(mirror.repository, key=KEY, value=RUN, head=head, since=head) == []
    assert find_by_trailer(mirror.repository, key=KEY, value=RUN, head=first, since=since) == [first]


@pytest.mark.parametrize(
    "message",
    [
        f"Talk of a restore\n\n{KEY}: {RUN}\n\nThat was quoted, and more text follows.",
        f"Quote\n\n> {KEY}: {RUN}",
        f"{KEY}: {RUN}",
        f"Longer\n\n{KEY}: {RUN} and more",
        f"Other\n\nOther-Operation-Run: {RUN}",
        f"Prose\n\nOne line of prose,\nanother one,\n and one more.\n{KEY}: {RUN}",
        f"Prefix\n\n{KEY}: x{RUN}",
        f"\n\n{KEY}: {RUN}",
        f"Three dashes\n\n---\n{KEY}: {RUN}\n\nafter",
    ],
)
def test_a_quotation_of_the_trailer_does_not_count(mirror: Mirror, remote: Remote, message: str) -> None:
    since = remote.commit({"a": "0"})
    head = remote.commit({"a": "1"}, message)
    mirror.fetch()
    assert find_by_trailer(mirror.repository, key=KEY, value=RUN, head=head, since=since) == []


def test_a_search_names_the_commit_it_lacks(mirror: Mirror, remote: Remote) -> None:
    head = remote.commit({"a": "0"})
    mirror.fetch()
    for missing in ({"head": "1" * 40, "since": None}, {"head": head, "since": "1" * 40}):
        with pytest.raises(RefNotFound):
            find_by_trailer(mirror.repository, key=KEY, value=RUN, **missing)
    with pytest.raises(ValueError, match="key"):
        find_by_trailer(mirror.repository, key="x)%B(", value=RUN, head=head, since=None)


LINES = st.sampled_from(
    [
        "",
        " ",
        "---",
        "Some prose",
        "# a comment",
        "# ------------------------ >8 ------------------------",
        "(cherry picked from commit 1)",
        "Reviewed-by: Ada",
        f"{KEY}: {RUN}",
        f" {RUN}",
        f"{KEY}:{RUN}",
        f"{KEY.lower()}: {RUN}",
        f"{KEY}: {RUN} \r",
    ]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, min_size=1, max_size=7))
def test_a_trailer_is_what_git_says_it_is(mirror: Mirror, lines: list[str]) -> None:
    repository = mirror.repository
    tree = repository.TreeBuilder().write()
    author = pygit2.Signature("Ada", "ada@example.org", 0, 0)
    head = str(repository.create_commit(None, author, author, "\n".join(lines), tree, []))
    trailers = git("log", "-1", f"--format=%(trailers:key={KEY},valueonly,unfold)", head, cwd=mirror.path)
    told = [head] if RUN in trailers.split("\n") else []
    assert find_by_trailer(repository, key=KEY, value=RUN, head=head, since=None) == told


def test_what_many_commits_quote_is_not_found(mirror: Mirror) -> None:
    repository = mirror.repository
    author, tree = pygit2.Signature("Ada", "ada@example.org", 0, 0), repository.TreeBuilder().write()
    commits: list[str] = []
    for number in range(7):
        message = f"Restore\n\nReviewed-by: Ada\n{KEY}: {RUN}" if number % 3 else f"Quoted {RUN}"
        parents = [pygit2.Oid(hex=commits[0])] if commits else []
        commits.insert(0, str(repository.create_commit(None, author, author, message, tree, parents)))
    told = [commit for number, commit in enumerate(reversed(commits)) if number % 3]
    for since in (None, commits[-1]):
        assert find_by_trailer(repository, key=KEY, value=RUN, head=commits[0], since=since) == told[::-1]


def test_a_commit_whose_signature_is_odd_hides_none_behind_it(mirror: Mirror) -> None:
    repository = mirror.repository
    author, tree = pygit2.Signature("Ada", "ada@example.org", 0, 0), repository.TreeBuilder().write()
    own = str(repository.create_commit(None, author, author, f"Restore\n\n{KEY}: {RUN}", tree, []))
    signature = b"author Ada <a> 1" + b"0" * 30 + b" +0000\ncommitter Ada"
    data = f"tree {tree}\nparent {own}\n".encode() + signature + f"\n\nodd\n\n{KEY}: {RUN}\n".encode()
    odd = str(repository.odb.write(ObjectType.COMMIT, data))
    assert find_by_trailer(repository, key=KEY, value=RUN, head=odd, since=None) == [odd, own]
    assert find_by_trailer(repository, key=KEY, value=RUN, head=odd, since=own) == [odd]
