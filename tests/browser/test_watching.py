"""The watch over every page sees what it is there for."""

from playwright.sync_api import Route

from tests.browser.people import People

POLICY = "default-src 'none'; script-src 'self'"
BREAKS_IT = "<!doctype html><title>x</title><script>document.title = 'ran'</script>"
ASKS_ELSEWHERE = "<!doctype html><title>x</title><img src='http://127.0.0.2:9/picture.png'>"


def _answer(people: People, body: str, **headers: str) -> list[str]:
    page, watch = people.page(None)

    def answer(route: Route) -> None:
        route.fulfill(body=body, content_type="text/html", headers=headers)

    page.route(f"{people.site}/made-up", answer)
    page.goto("/made-up")
    found = watch.troubles
    people.forget()
    return found


def test_it_sees_a_page_break_its_policy(people: People) -> None:
    found = _answer(people, BREAKS_IT, **{"Content-Security-Policy": POLICY})

    assert any("script-src" in trouble for trouble in found)


def test_it_sees_a_page_ask_another_host(people: People) -> None:
    found = _answer(people, ASKS_ELSEWHERE)

    assert "asked another host: http://127.0.0.2:9/picture.png" in found


def test_it_sees_a_script_fail(people: People) -> None:
    found = _answer(people, "<!doctype html><title>x</title><script>nothing.there()</script>")

    assert any("nothing is not defined" in trouble for trouble in found)


def test_it_sees_a_refusal_that_nobody_expected(people: People) -> None:
    page, watch = people.page(None)

    page.goto("/operations")

    assert watch.troubles == [f"401 {people.site}/operations"]
    watch.expect(401)
    assert watch.troubles == []
