"""Equal evidence has one live review, whoever composes it and how often (law L7, section 7)."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

from tests.system import Json, System

RUNS = 64


def test_concurrent_composes_of_one_fingerprint_share_one_review(system: System) -> None:
    repository = system.repository({"a.json": "1", "b.json": "2"})
    for number in range(RUNS):
        repository.tag(f"tag-{number}")
    environment = system.environment(repository.url)

    def compose(number: int) -> Json:
        return system.compose(environment, f"tag-{number}")

    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(compose, range(RUNS)))

    settled = [system.settled(run, patience=120) for run in runs]
    assert len({run["id"] for run in settled}) == RUNS
    assert {run["outcome"] for run in settled} == {"succeeded"}
    (review_id,) = {run["links"]["related"]["id"] for run in settled}
    reviews = system.get("/reviews", environment=environment["id"])["items"]
    assert [review["id"] for review in reviews] == [review_id]
    composed = [run["id"] for run in settled if run["message"]["code"] == "review_composed"]
    assert composed == [reviews[0]["run_id"]]


def test_a_state_that_comes_back_is_composed_again(system: System) -> None:
    """Trees A, B, A, B, each published: the fourth has the second's fingerprint, and its own review."""
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    reviews = []
    for content in ("1", "2", "1", "2"):
        repository.commit({"a.json": content})
        run = system.settled(system.compose(environment))
        assert (run["outcome"], run["message"]["code"]) == ("succeeded", "review_composed")
        reviews.append(system.post(f"/reviews/{run['links']['related']['id']}/publish", {}, expect=200))

    assert len({review["id"] for review in reviews}) == 4
    assert reviews[1]["fingerprint"] == reviews[3]["fingerprint"]
    for before, after in pairwise(reviews):
        assert system.get(f"/reviews/{before['id']}")["superseded_by_id"] == after["id"]
        assert after["previous_review_id"] == before["id"]
    assert [system.get(f"/reviews/{review['id']}")["status"] for review in reviews] == [
        *["superseded"] * 3,
        "published",
    ]


def test_a_draft_whose_base_has_moved_is_not_published(system: System) -> None:
    repository = system.repository({"a.json": "1"})
    environment = system.environment(repository.url)
    first = system.settled(system.compose(environment))["links"]["related"]["id"]
    repository.commit({"a.json": "2"})
    second = system.settled(system.compose(environment))["links"]["related"]["id"]
    system.post(f"/reviews/{second}/publish", {}, expect=200)

    problem = system.post(f"/reviews/{first}/publish", {}, expect=409)

    assert problem["code"] == "review_base_moved"
    assert system.get(f"/reviews/{first}")["status"] == "draft"
