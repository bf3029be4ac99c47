import pytest

from models.access import Role
from models.actor import Actor
from models.catalog import Capability
from models.errors import AlreadyCompleted
from models.lifecycle import Outcome, Status
from models.operation_run import OperationRun
from models.reason_codes import ReasonCode
from services.access.principals import Principal
from services.runs.cancellation import why_not_cancel
from services.runs.queries import transitions_of
from services.runs.service import OperationRunService
from services.runs.waiting.queue_status import JUST_REQUESTED
from services.runs.wording import CAUSES, REASONS, TOO_LATE
from tests.clients import Browser
from tests.factories import correlation_of
from tests.page import Part, page_of
from tests.runs.contexts import push_of
from tests.world import COMPOSE, RESTORE, World
from web.error_pages import PAGES
from web.runs.check_page import SETTLE, UNCHANGED, UNDECIDED
from web.runs.progress import ladder_of, point_of_no_return
from web.runs.receipt import SOURCES
from web.ui.navigation import why_not
from web.ui.states import OF_RUN

FACTS = '[aria-labelledby="facts"]'
MAY_SETTLE = 'form#settle[action$="/settle"]'


def rungs(page: Part) -> list[tuple[str, str]]:
    return [(rung.one(".what").text, rung["class"].split()[0]) for rung in page.all(".ladder > li")]


def said(page: Part, rung: str) -> tuple[str, str]:
    """Return which sentence the ladder says beside a rung, and the sentence."""
    say = page.all(".ladder > li")[[name for name, _ in rungs(page)].index(rung)].one(".say")
    return say["data-says"], say.text


def worded(run: OperationRun, rung: str) -> str:
    """Return the sentence that belongs beside a rung of the run's ladder."""
    ladder = ladder_of(run)
    assert ladder
    return {step.label: step.detail for step in ladder.steps}[rung]


def headline(page: Part) -> tuple[str, str]:
    """Return what a run's page says first: the code, and the sentence."""
    return page.one(".headline")["data-code"], page.one("#headline").text


def shown_finding(page: Part) -> tuple[str, str, str, str | None]:
    """Return what a check finds: its name, title and meaning, and the label of the button that settles."""
    finding = page.one(".headline")
    settle = page.texts('button[form="settle"]:not([disabled])')
    assert page.has(MAY_SETTLE) == bool(settle)
    meaning = finding.all("p:not(.change)")[0].text
    return finding["data-finding"], finding.one("h2").text, meaning, settle[0] if settle else None


def open_run(world: World) -> OperationRun:
    run = world.running()
    world.engine.open(correlation_of(run).workflow_id)
    return run


def stopped_from_outside(world: World) -> OperationRun:
    run = world.running()
    world.engine.close(correlation_of(run).workflow_id, "terminated")
    return run


def press(browser: Browser, run: OperationRun, action: str) -> Part:
    """Press a button of a run's page and return the page it leads to."""
    answer = browser.submit(f"/operations/{run.id}/{action}", page=f"/operations/{run.id}")
    assert answer.status_code in {200, 303}, answer.text
    return browser.page(answer.headers["Location"]) if answer.status_code == 303 else page_of(answer.text)


def test_cancel_asks_once_more_and_changes_nothing_by_asking(world: World) -> None:
    run = open_run(world)
    browser = world.browser(Role.OPERATOR)
    cancel = browser.page(f"/operations/{run.id}").one("#act-cancel")
    assert cancel["href"] == f"/operations/{run.id}/cancellation"

    page = browser.page(cancel["href"])

    assert page.has('main header button[form="cancel"]:not([disabled])')
    assert OF_RUN[Status.RUNNING].word in page.says("stops-where-safe")
    assert world.run(run.id).context_json == run.context_json


def test_the_ladder_shows_how_far_a_cancellation_has_come(world: World) -> None:
    run = open_run(world)
    browser = world.browser(Role.OPERATOR)

    page = press(browser, run, "cancel")

    requested = ReasonCode.CANCELLATION_REQUESTED
    assert headline(page) == (requested, REASONS[requested].title)
    assert rungs(page) == [
        ("Asked", "done"),
        ("Delivered", "done"),
        ("Acknowledged", "to-come"),
        ("Settled", "to-come"),
    ]
    assert page.why_not("cancel") == why_not_cancel(world.run(run.id))
    assert world.engine.cancelled == [correlation_of(run).workflow_id]


def test_the_ladder_comes_to_its_end(world: World) -> None:
    run = open_run(world)
    world.ask_to_cancel(run)
    with world.database.transaction() as session:
        OperationRunService(session).acknowledge_cancel(run.id, world.clock())
    world.settle(run, Outcome.CANCELLED, ReasonCode.REVIEW_NOT_COMPOSED, cause="cancelled")

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert [state for _, state in rungs(page)] == ["done"] * 4
    which, sentence = said(page, "Settled")
    assert which == "settled"
    assert OF_RUN[Outcome.CANCELLED].word.lower() in sentence
    assert headline(page) == (ReasonCode.CANCELLED, REASONS[ReasonCode.CANCELLED].title)


def test_a_cancellation_that_nobody_needed_any_more_says_so(world: World) -> None:
    run = open_run(world)
    world.ask_to_cancel(run, delivered=False)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED, cause="terminated")

    page = world.browser(Role.READER).page(f"/operations/{run.id}")

    assert [state for _, state in rungs(page)] == ["done", "left-out", "left-out", "done"]
    nothing_left = ("nothing-to-stop", worded(world.run(run.id), "Acknowledged"))
    assert said(page, "Acknowledged") == nothing_left
    assert len(page.all('.ladder > .left-out [data-says="not-needed"]')) == 2
    assert not page.has('.to-come, [data-says="not-yet"]')


def test_the_point_of_no_return_is_named_before_and_after_asking(world: World) -> None:
    run = world.running(RESTORE, restore_plan_id=str(world.plan().id))
    world.engine.open(correlation_of(run).workflow_id)
    with world.database.transaction() as session:
        OperationRunService(session).begin_push(run.id, [push_of("1a2b3c4d" * 5)], earlier=0)
    browser = world.browser(Role.OWNER)

    before = browser.page(f"/operations/{run.id}/cancellation")
    page = press(browser, run, "cancel")

    sentence = point_of_no_return(world.run(run.id))
    assert sentence
    assert "1a2b3c4" in sentence
    assert page.says("no-return") == sentence
    assert before.says("no-return").startswith(sentence)
    assert not before.has('[data-says="stops-where-safe"]')
    assert rungs(page)[2] == ("Acknowledged", "to-come")
    assert said(page, "Acknowledged") == ("goes-on", worded(world.run(run.id), "Acknowledged"))
    assert headline(page) == (ReasonCode.CANCELLATION_REQUESTED, TOO_LATE.title)


@pytest.mark.parametrize("role", [Role.READER, Role.REVIEWER])
def test_what_the_reader_may_not_do_is_greyed_with_the_reason(world: World, role: Role) -> None:
    run = open_run(world)

    page = world.browser(role).page(f"/operations/{run.id}")

    reader = Principal(actor=Actor(kind="user", name="reader"), roles={run.workspace_id: role})
    reason = why_not(reader, run.workspace_id, Capability.OPERATIONS_ACT)
    assert reason
    assert f"({role})" in reason
    assert {page.why_not(action) for action in ("check", "cancel", "again")} == {reason}
    for action in ("check", "again"):
        assert page.has(f'button[disabled][form="{action}"][aria-describedby="{action}-why-not"]')


def test_what_has_ended_cannot_be_cancelled_and_says_so(world: World) -> None:
    run = stopped_from_outside(world)
    world.settle(run, Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    browser = world.browser(Role.OWNER)

    page = browser.page(f"/operations/{run.id}")
    answer = browser.submit(f"/operations/{run.id}/cancel", page=f"/operations/{run.id}")

    assert page.why_not("cancel") == why_not_cancel(world.run(run.id))
    assert answer.status_code == 409
    error = page_of(answer.text).one("[data-error]")
    assert error["data-error"] == "409"
    assert str(AlreadyCompleted()) in error.texts("p")


def test_check_now_shows_what_it_would_decide_and_writes_nothing(world: World) -> None:
    run = stopped_from_outside(world)

    page = press(world.browser(Role.OPERATOR), run, "check")

    wording = REASONS[ReasonCode.REVIEW_NOT_COMPOSED]
    assert shown_finding(page) == ("decided", wording.title, wording.body, SETTLE)
    assert page.texts(".headline .change .state") == [
        OF_RUN[Status.RUNNING].word,
        OF_RUN[Outcome.FAILED].word,
    ]
    assert page.facts(FACTS)["The work"] == f"Ended. {CAUSES['terminated'].happened}"
    assert world.run(run.id).status == "running"


def test_settle_it_so_settles_it_for_the_person_who_asked(world: World) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)

    page = press(browser, run, "settle")

    assert page.one(".headline > .state").text == OF_RUN[Outcome.FAILED].word
    assert page.facts('[aria-labelledby="receipt"]')["Settled by"].startswith(
        f"{SOURCES['operator']}: operator-"
    )
    assert getattr(world.run(run.id).context.reconciliation, "source", None) == "operator"
    with world.database.transaction() as session:
        assert transitions_of(session, run.id)[-1].actor_kind == "user"


def test_a_check_of_work_that_is_not_over_offers_nothing_to_settle(world: World) -> None:
    run = open_run(world)

    page = press(world.browser(Role.OPERATOR), run, "check")

    assert shown_finding(page) == ("leave", *UNDECIDED["leave"])
    assert not page.has(MAY_SETTLE)
    assert page.texts(".headline .change .state") == [OF_RUN[Status.RUNNING].word]
    assert page.facts(FACTS)["The work"] == "Under way"


def test_a_check_of_what_is_recorded_already_offers_nothing_to_settle(world: World) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)
    press(browser, run, "settle")

    page = press(browser, run, "check")

    title = REASONS[ReasonCode.REVIEW_NOT_COMPOSED].title
    assert shown_finding(page) == ("recorded", title, UNCHANGED["recorded"], None)
    assert page.texts(".headline .change .state") == [OF_RUN[Outcome.FAILED].word]
    assert not page.has(MAY_SETTLE)


def test_a_start_that_was_never_confirmed_can_be_handed_over_again(world: World) -> None:
    run = world.queued()
    browser = world.browser(Role.OPERATOR)
    world.services.check._clock = lambda: run.created_at + JUST_REQUESTED * 2

    page = press(browser, run, "check")

    assert shown_finding(page) == ("dispatch", *UNDECIDED["dispatch"])
    assert page.has(MAY_SETTLE)
    assert page.texts(".headline .change .state") == [OF_RUN[Status.QUEUED].word]
    assert world.engine.starts == []
    press(browser, run, "settle")
    assert [start.workflow_type for start in world.engine.starts] == [COMPOSE]


@pytest.mark.parametrize("action", ["check", "settle"])
def test_an_engine_that_is_away_is_a_calm_503_and_concludes_nothing(world: World, action: str) -> None:
    run = stopped_from_outside(world)
    browser = world.browser(Role.OPERATOR)
    world.engine.is_away = True

    answer = browser.submit(f"/operations/{run.id}/{action}", page=f"/operations/{run.id}")

    assert answer.status_code == 503
    error = page_of(answer.text).one("[data-error]")
    assert (error["data-error"], error.one("h1").text) == ("engine", PAGES["engine"].title)
    assert "nobody there" not in answer.text
    assert world.run(run.id).status == "running"


def test_an_engine_that_is_away_keeps_no_page_from_being_read(world: World) -> None:
    runs = [world.queued(), world.running(ref="a"), stopped_from_outside(world)]
    world.settle(runs[-1], Outcome.FAILED, ReasonCode.REVIEW_NOT_COMPOSED)
    world.engine.is_away = True
    browser = world.browser(Role.OPERATOR)

    for run in runs:
        browser.read(f"/operations/{run.id}")
        browser.read(f"/operations/{run.id}/cancellation")
