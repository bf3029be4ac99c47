from models.base import Json
from services.reports.document import ChangedItem
from services.reports.printed_settings import CHARACTERS_PRINTED, LINE, PRINTS, print_settings
from tests.review_documents import make_change


def change_of(settings: int, *, path: str = "a.b", value: str = "x") -> ChangedItem:
    one: Json = {"change": "changed", "before": value, "after": value[::-1]}
    return make_change(0, settings=[one | {"path": f"{path}{place}"} for place in range(settings)])


def size_of(items: object) -> int:
    return len(str(items))


def test_a_small_review_prints_its_values_to_the_full_length() -> None:
    printed = print_settings([change_of(30, value="x" * 500)])
    assert not printed.are_cut
    assert printed.more == [5]
    assert len(printed.items[0]) == 25
    assert printed.items[0][0]["values"][0].replace("\n", "").endswith("…")


def test_short_sides_share_a_line_and_long_ones_are_named() -> None:
    short, long = (print_settings([change_of(1, value=value)]).items[0][0] for value in ("x", "x" * 90))
    assert short["values"] == ['"x" → "x"']
    assert [each.split(":")[0] for each in long["values"]] == ["before", "after"]


def test_no_line_is_longer_than_the_page_and_no_character_is_lost() -> None:
    value = "https://example.org/a b;c=" * 14
    (setting,) = print_settings([change_of(1, value=value)]).items[0]
    assert max(len(line) for each in setting["values"] for line in each.split("\n")) <= LINE
    assert setting["values"][0].replace("\n", "") == f'before: "{value}"'


def test_the_more_there_is_the_less_of_each_is_printed_and_never_more_than_the_limit() -> None:
    lengths = []
    for items, settings, path in ((60, 25, "p"), (500, 25, "p"), (1000, 25, "p"), (1000, 40, "p" * 5000)):
        one = change_of(settings, path=path, value="x" * 500)
        printed = print_settings([one] * items)
        lengths.append(printed.length)
        assert sum(size_of(each) for each in printed.items) < 2 * CHARACTERS_PRINTED
        assert printed.more[0] == settings - len(printed.items[0])
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == PRINTS[0][0] > lengths[-1] == PRINTS[-1][0]
