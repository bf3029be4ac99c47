import pytest

from services.text import (
    breakable,
    kind_name,
    printable,
    rounded,
    shortened,
    shortened_path,
    visible,
    words_of_kind,
)

BREAK = "\u200b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe „x“ • → ₤ Ж", "Größe „x“ • → ₤ Ж"),
        ("u\u0308", "ü"),
        ("日本", "\\u{65e5}\\u{672c}"),
        ("\u202eexe", "\\u{202e}exe"),
        ("a\x07b\n", "a\\u{7}b\\u{a}"),
        ("\U0001f600", "\\u{1f600}"),
    ],
)
def test_the_pdf_writes_out_what_its_fonts_cannot_show(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_html_writes_out_only_what_cannot_be_seen() -> None:
    assert visible("日本 \U0001f600 \xa0 Größe\n") == "日本 \U0001f600 \xa0 Größe\n"
    assert visible("\u202e\u2066\ufeff\x1b") == "\\u{202e}\\u{2066}\\u{feff}\\u{1b}"


def test_long_words_may_break_and_others_stay_whole() -> None:
    assert breakable("spec.template.spec") == f"spec.{BREAK}template.spec"
    assert breakable("x" * 50) == f"{'x' * 22}{BREAK}{'x' * 22}{BREAK}{'x' * 6}"
    # A hyphen before a digit is no place to break by itself, as in the ids of policies.
    assert breakable("2b3a8e2b-3daa-472c-8b1c-809fc76d4a1d") == f"2b3a8e2b-3daa-472c-8b1{BREAK}c-809fc76d4a1d"
    assert breakable("device-configuration-of-every-laptop") == "device-configuration-of-every-laptop"
    for whole in ("Ordinary words, and 10.5.2 or a.json stay.", "f" * 22, "2026-06-01T12:00"):
        assert breakable(whole) == whole
    for text in ("a.b_c=d" * 9, "日本" * 40):
        assert breakable(text).replace(BREAK, "") == text


def test_a_long_kind_breaks_before_its_words() -> None:
    words = ("device", "Management", "Configuration", "Policy")
    assert words_of_kind("".join(words)) == BREAK.join(words)
    assert words_of_kind("NetworkPolicy") == "NetworkPolicy"
    assert words_of_kind("windows10EndpointProtection") == f"windows10{BREAK}Endpoint{BREAK}Protection"


def test_it_shortens_to_the_length_it_is_given() -> None:
    assert shortened("short", 5) == "short"
    assert shortened("longer than that", 8) == "longer…"
    assert shortened_path("folder/and/name.json", 12) == "fold…me.json"
    assert len(shortened_path("x" * 99, 22)) == 22
    assert kind_name("#microsoft.graph.windowsKioskConfiguration") == "windowsKioskConfiguration"
    assert [kind_name(kind) for kind in ("apps/v1.Deployment", "#", "#a.", "")] == [
        "apps/v1.Deployment",
        "#",
        "#a.",
        "",
    ]
    assert [rounded(value) for value in (9999, 10_000, 999_499, 999_500)] == ["9,999", "10k", "999k", "1M"]
