"""The remotes that other tests trust: three transports, and holds and kills that do what they say."""

import uuid
from pathlib import Path

import pygit2
import pytest

from services.repositories.mirror import Mirror, MirrorStore
from services.repositories.objects import tree_of
from services.repositories.push_answer import RefAnswer
from services.repositories.remote import RefUpdate
from tests.mirrors import LOCAL, access_to
from tests.remotes.clients import Kill, kill_alone, kill_with_group
from tests.remotes.hooks import Stage
from tests.remotes.plain_git import PlainGit, Update
from tests.remotes.served import ServedRemote
from tests.repositories.waiting import is_alive

pytestmark = pytest.mark.feature
EVERY_STAGE = pytest.mark.parametrize("stage", Stage)
MAIN = "refs/heads/main"


@pytest.fixture
def mirror(tmp_path: Path, served: ServedRemote) -> Mirror:
    store = MirrorStore(
        tmp_path / "mirrors", allowed_file_roots=[served.path.parent], allowed_private_hosts=LOCAL
    )
    return store.open(uuid.uuid4(), served.url, access_to(served.url))


@pytest.fixture
def client(tmp_path: Path, served: ServedRemote) -> PlainGit:
    return PlainGit(tmp_path / "clone.git", served)


@pytest.fixture
def move(served: ServedRemote, client: PlainGit) -> Update:
    head = served.repository.head()
    return Update(ref=MAIN, expected=head, new=client.commit("next", parent=head))


def test_a_mirror_fetches_and_pushes(served: ServedRemote, mirror: Mirror) -> None:
    head = mirror.head_of("main")
    assert head == served.repository.head()
    served.repository.commit({f"{number}.json": "x" * 4096 for number in range(600)})
    mirror.fetch()
    live = mirror.resolve("main")
    assert live == served.repository.head()
    author = pygit2.Signature("Ada", "ada@example.org")
    tree = tree_of(mirror.repository, live)
    commit = str(
        mirror.repository.create_commit(
            None, author, author, "next", pygit2.Oid(hex=tree), [pygit2.Oid(hex=live)]
        )
    )
    answer = mirror.push([RefUpdate(ref=MAIN, expected=live, new=commit)])
    assert answer.of(MAIN) is RefAnswer.ACCEPTED
    assert served.repository.head() == mirror.head_of("main") == commit


@EVERY_STAGE
def test_a_held_push_moves_nothing_until_it_is_released(
    served: ServedRemote, client: PlainGit, move: Update, stage: Stage
) -> None:
    hold = served.hooks.hold(stage, MAIN)
    push = client.start(move)
    hold.wait()
    assert push.process.poll() is None
    assert served.repository.head() == move.expected
    assert served.is_locked(MAIN) == (stage is Stage.LOCKED)
    hold.release()
    assert push.answers()[MAIN].startswith(" ")
    assert served.repository.head() == move.new


@EVERY_STAGE
def test_a_hold_lets_pushes_of_other_refs_pass(
    served: ServedRemote, client: PlainGit, move: Update, stage: Stage
) -> None:
    served.hooks.hold(stage, "refs/heads/other")
    client.push(move)
    assert served.repository.head() == move.new


@EVERY_STAGE
@pytest.mark.parametrize("kill", [kill_alone, kill_with_group])
def test_a_push_may_land_after_its_client_was_killed(
    served: ServedRemote, client: PlainGit, move: Update, stage: Stage, kill: Kill
) -> None:
    hold = served.hooks.hold(stage, MAIN)
    push = client.start(move)
    hold.wait()
    push.end(kill)
    hold.release()
    # A path is served by a child of git itself, which its group takes along.
    dies_too = served.kind == "file" and kill is kill_with_group
    assert served.repository.head() == (move.expected if dies_too else move.new)


@EVERY_STAGE
def test_a_killed_server_lands_nothing_and_leaves_the_locks_it_had(
    served: ServedRemote, client: PlainGit, move: Update, stage: Stage
) -> None:
    hold = served.hooks.hold(stage, MAIN)
    push = client.start(move)
    hold.wait()
    hold.kill()
    assert not push.answers().get(MAIN, "!").startswith(" ")
    assert served.repository.head() == move.expected
    assert served.is_locked(MAIN) == (stage is Stage.LOCKED)
    assert not is_alive(push.process.pid)


@pytest.mark.parametrize("first", [0, 1])
def test_a_server_dies_between_the_two_refs_of_one_push(
    served: ServedRemote, client: PlainGit, move: Update, first: int
) -> None:
    refs = (MAIN, "refs/heads/other")
    served.hooks.die_between(refs[first], refs[1 - first])
    answer = client.push(move, Update(ref=refs[1], expected="", new=move.new))
    assert not any(said.startswith((" ", "*")) for said in answer.values())
    heads = served.refs("refs/heads")
    assert (heads[MAIN], heads.get(refs[1])) == ((move.new, None), (move.expected, move.new))[first]
    assert [served.is_locked(ref) for ref in refs] == [first == 1, first == 0]
