import csv
import io
from collections.abc import Iterable

import pytest

from services.reports.csv_files import CHANGES, changes_csv, findings_csv, inventory_csv
from tests.review_documents import KINDS, make_change, make_document


def rows_of(pieces: Iterable[bytes]) -> list[dict[str, str]]:
    content = b"".join(pieces)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_it_writes_a_row_for_each_setting_and_tells_8_from_its_text() -> None:
    rows = rows_of(changes_csv([make_change(0), make_change(1, settings=[])]))
    assert [row["setting"] for row in rows] == ["passcode.minimumLength", "adminPassword", "groupId", ""]
    assert (rows[0]["before"], rows[0]["after"]) == ("8", '"8"')
    assert (rows[2]["before"], rows[2]["after"]) == ("", '"01f3 → 02a4"')
    assert tuple(rows[0]) == CHANGES
    assert rows[0]["authors"] == "Jörg"


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "|cmd", "\uff1d1+1", '=cmd|"/c x"!A1'],
)
def test_a_spreadsheet_reckons_nothing(text: str) -> None:
    (row,) = rows_of(changes_csv([make_change(0, path=text, kind=text, settings=[])]))
    assert row["path"] == row["kind"] == f"'{text}"


def test_ordinary_text_and_numbers_stay_as_they_are() -> None:
    (row,) = rows_of(changes_csv([make_change(0, path='a, "b"\nc=1', settings=[])]))
    assert (row["path"], row["position"]) == ('a, "b"\nc=1', "0")


def test_it_writes_a_row_for_each_item_of_a_finding() -> None:
    rows = rows_of(findings_csv(make_document()))
    assert [(row["code"], row["item"]) for row in rows] == [
        ("baseline_missing", "kubernetes/Größe.yaml"),
        ("baseline_extra", "'-2+3"),
    ]
    assert (rows[1]["title"], rows[1]["advice"]) == ("'=1+1", "'@x")


def test_it_counts_each_kind_with_how_it_conforms() -> None:
    rows = rows_of(inventory_csv(make_document()))
    assert [row["kind"] for row in rows] == [*KINDS]
    assert [row["drifted"] for row in rows] == ["0", "1", "2"]
    (alone,) = rows_of(inventory_csv(make_document(sections={"inventory": [{"kind": "policy", "items": 3}]})))
    assert (alone["items"], alone["conforming"]) == ("3", "")
