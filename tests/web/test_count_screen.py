"""Holds the Count screens to what a clerk does: make a sheet, count blind, meet a colleague, review, post."""

from __future__ import annotations

import io
import re
from html import unescape

import pytest
from openpyxl import load_workbook

from onhand.domain.people import Role
from tests.web.conftest import House, flash, is_empty, states, text


@pytest.fixture
def shelf(house: House) -> House:
    """Three items with ten units each, and an open sheet of them."""
    for sku in ("TEA", "MUG", "POT & PAN"):
        house.do("item_add", sku=sku, name=f"A {sku.lower()}", on_hand=10)
    house.do("count_add", name="Shelf A")
    return house


def filled(html: str) -> dict[str, str]:
    """What stands in the fields of a page, by name."""
    fields = re.findall(r'<input id="[^"]*" name="([^"]*)"[^>]*? value="([^"]*)"', html)
    return {unescape(name): unescape(value) for name, value in fields}


def test_a_sheet_is_made_counted_reviewed_and_posted(house: House) -> None:
    clerk = house.client(Role.CLERK)
    for sku in ("TEA", "MUG"):
        house.do("item_add", sku=sku, name="", on_hand=100)
    assert is_empty(clerk.shown("/counts"))
    answer = clerk.fill("/counts/new", "/counts/new", name="Shelf A")
    assert (answer.url.path, answer.status_code) == ("/counts/1", 200)
    assert "2 lines" in flash(answer.text)
    assert "100" not in text(answer.text)  # who counts is not told what to find
    answer = clerk.fill("/counts/1", "/counts/1", **{"count:TEA": "79", "count:MUG": ""})
    assert "1 count of Shelf A" in flash(answer.text)
    house.do("order_add", lines=[("TEA", 5)])
    review = clerk.shown("/counts/1/review")
    assert "1 of 2" in text(review)
    assert "79 100 −21" in text(review)
    assert states(review) == ["open", "big"]
    assert "1 line is not counted" in text(review)
    answer = clerk.fill("/counts/1/review", "/counts/1/post")
    assert flash(answer.text)
    assert [house.do("item_show", sku=sku)["on_hand"] for sku in ("TEA", "MUG")] == [74, 100]
    assert states(clerk.shown("/counts")) == ["posted"]
    assert "/counts/1/post" not in clerk.shown("/counts/1/review")


def test_a_refused_sheet_keeps_what_was_typed(house: House) -> None:
    clerk = house.client(Role.CLERK)
    answer = clerk.fill("/counts/new", "/counts/new", name="All <b>", search="nothing has this", skus="")
    assert answer.status_code == 422
    assert "No item would be on this count sheet" in text(answer.text)
    assert filled(answer.text)["name"] == "All <b>"
    assert clerk.fill("/counts/new", "/counts/new", name="x" * 200).status_code == 422
    answer = clerk.fill("/counts/new", "/counts/new", name="B", skus="NO\nNEITHER\n")
    assert "'NEITHER', 'NO'" in text(answer.text)


def test_two_clerks_on_one_sheet_see_each_other(shelf: House) -> None:
    ann, bob = shelf.client(Role.CLERK), shelf.client(Role.MANAGER)
    page = bob.shown("/counts/1")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.split('id="lines"')[1]))
    ann.fill("/counts/1", "/counts/1", **{"count:TEA": "4"})
    typed = {"count:TEA": "6", "count:MUG": "9"}
    answer = bob.post("/counts/1", data={**hidden, **typed})
    assert answer.status_code == 409
    said = text(answer.text)
    assert "Ann the clerk counted 4 of TEA meanwhile: replace that count, or add yours to it." in said
    assert "4 by Ann the clerk" in said
    assert typed.items() <= filled(answer.text).items()
    assert shelf.do("count_show", sheet=1)["counted"] == 1  # nothing of it was taken
    again = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', answer.text.split('id="lines"')[1]))
    answer = bob.post("/counts/1", data={**again, **typed, "how:TEA": "add"})
    assert "2 counts of Shelf A" in flash(answer.text)
    rows = {row["sku"]: row["counted"] for row in shelf.do("count_show", sheet=1)["rows"]}
    assert rows == {"TEA": 10, "MUG": 9, "POT & PAN": None}


def test_a_scanner_goes_on_with_enter(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    answer = clerk.fill("/counts/1", "/counts/1/scan", scanned="pot & pan", units="")
    assert filled(answer.text)["scanned"] == "pot & pan"
    assert re.search(r'name="units"[^>]*autofocus', answer.text)
    answer = clerk.fill("/counts/1", "/counts/1/scan", scanned="pot & pan", units="3", scan_how="ask")
    assert "pot & pan: 3 counted." in text(answer.text)
    assert re.search(r'name="scanned"[^>]*autofocus', answer.text)
    answer = clerk.fill("/counts/1", "/counts/1/scan", scanned="POT & PAN", units="2", scan_how="ask")
    assert answer.status_code == 409
    assert "counted 3 of POT & PAN meanwhile" in text(answer.text)
    assert filled(answer.text)["units"] == "2"
    answer = clerk.fill("/counts/1", "/counts/1/scan", scanned="POT & PAN", units="2", scan_how="add")
    assert '<option value="add" selected>' in answer.text  # for the next one
    assert {row["counted"] for row in shelf.do("count_show", sheet=1)["rows"]} == {None, 5}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scanned": "CUP", "units": "1"}, "No item has the SKU 'CUP'"),
        ({"scanned": "TEA", "units": "many"}, "Give a whole number."),
        ({"scanned": "TEA", "units": "-1"}, "TEA cannot have -1 on its shelf"),
        ({"scanned": "TEA", "units": "1", "counted_at": "2020-01-01T10:00"}, "more than 7 days ago"),
        ({"scanned": "TEA", "units": "1", "counted_at": "yesterday"}, "valid datetime"),
        ({"scanned": "TEA", "units": "1", "counted_at": "0001-01-01T00:00"}, "days ago"),
        ({"scanned": "", "units": "1"}, "No item has the SKU"),
    ],
)
def test_what_cannot_be_is_said_and_kept(shelf: House, fields, said) -> None:
    answer = shelf.client(Role.CLERK).fill("/counts/1", "/counts/1/scan", **fields)
    assert answer.status_code == 422
    assert said in text(answer.text) or said in answer.text
    assert filled(answer.text)["units"] == fields["units"]
    assert shelf.do("count_show", sheet=1)["counted"] == 0


def test_a_wrong_count_in_the_table_is_marked_in_its_line(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    answer = clerk.fill("/counts/1", "/counts/1", **{"count:TEA": "4", "count:POT & PAN": "4.5"})
    assert answer.status_code == 422
    line = answer.text.partition('id="line-3"')[2].partition("</tr>")[0]
    assert "Give a whole number." in text(line)
    assert filled(answer.text)["count:TEA"] == "4"
    assert clerk.fill("/counts/1", "/counts/1").status_code == 422  # nothing was filled in


def test_a_sku_that_is_not_there_is_added_when_asked_for(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    shelf.do("item_add", sku="CUP", on_hand=1)
    answer = clerk.fill("/counts/1", "/counts/1/scan", scanned="CUP", units="1")
    assert "CUP is not on Shelf A" in text(answer.text)
    clerk.fill("/counts/1", "/counts/1/scan", scanned="CUP", units="1", add_lines="yes")
    assert shelf.do("count_show", sheet=1)["lines"] == 4


def test_a_count_is_taken_back(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    clerk.fill("/counts/1", "/counts/1", **{"count:TEA": "4"})
    clerk.fill("/counts/1", "/counts/1", take_back="TEA", **{"count:MUG": "2"})
    rows = {row["sku"]: row["counted"] for row in shelf.do("count_show", sheet=1)["rows"]}
    assert rows == {"TEA": None, "MUG": 2, "POT & PAN": None}


def test_a_sheet_goes_out_as_a_file_and_comes_back(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    assert clerk.get("/counts/1/sheet.csv").text.splitlines()[0] == "\ufeffsku,name,counted"
    answer = clerk.get("/counts/1/sheet.xlsx")
    assert answer.headers["content-disposition"] == 'attachment; filename="count-sheet-1.xlsx"'
    book = load_workbook(io.BytesIO(answer.content))
    book.active["C2"] = 7
    out = io.BytesIO()
    book.save(out)
    answer = clerk.fill("/counts/1", "/counts/1/import", files={"file": ("s.xlsx", out.getvalue())}, import_how="ask")
    assert "1 count imported, 2 lines" in flash(answer.text)
    bad = b"sku,counted\nTEA,=1+1\nMUG,-4\n"
    answer = clerk.fill("/counts/1", "/counts/1/import", files={"file": ("s.csv", bad)}, import_how="ask")
    assert answer.status_code == 422
    assert "Line 2: counted '=1+1' is not a whole number" in text(answer.text)
    assert "3 counted -4 is not between 0 and" in text(answer.text)
    assert clerk.get("/counts/1/sheet.pdf").status_code == 404
    assert clerk.fill("/counts/1", "/counts/1/import").status_code == 422


def test_a_review_that_is_stale_is_not_posted(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    clerk.fill("/counts/1", "/counts/1", **{"count:TEA": "4"})
    html = clerk.shown("/counts/1/review").partition('action="/counts/1/post"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html.partition("</form>")[0]))
    shelf.do("count_enter", sheet=1, lines=[{"sku": "MUG", "counted": 1}], person="Bob")
    answer = clerk.post("/counts/1/post", data=hidden)
    assert answer.status_code == 409
    assert "Shelf A was changed since you opened it" in text(answer.text)
    assert "MUG" in text(answer.text)
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 10


def test_a_sheet_is_posted_once_however_often_it_is_sent(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    clerk.fill("/counts/1", "/counts/1", **{"count:TEA": "4"})
    html = clerk.shown("/counts/1/review").partition('action="/counts/1/post"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html.partition("</form>")[0]))
    for _ in range(2):
        assert clerk.post("/counts/1/post", data=hidden).status_code == 200
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 4


def test_a_sheet_is_discarded(shelf: House) -> None:
    answer = shelf.client(Role.CLERK).fill("/counts/1/review", "/counts/1/discard")
    assert "Shelf A" in flash(answer.text)


def test_a_viewer_sees_and_does_nothing(shelf: House) -> None:
    viewer = shelf.client(Role.VIEWER)
    for path in ("/counts", "/counts/1", "/counts/1/review"):
        html = viewer.shown(path)
        assert "/scan" not in html
        assert "/post" not in html
        assert "/counts/new" not in html
    viewer.shown("/counts/new", 403)
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf)" value="([^"]*)"', viewer.shown("/counts")))
    for action in ("new", "1", "1/scan", "1/import", "1/post", "1/discard"):
        assert viewer.post(f"/counts/{action}", data=hidden).status_code == 403
    viewer.shown("/counts/99", 404)
    viewer.shown("/counts/x", 404)


def test_a_long_sheet_is_read_page_by_page(house: House) -> None:
    for number in range(120):
        house.do("item_add", sku=f"S{number:03}", name="x" * 60, on_hand=1)
    house.do("count_add", name="All")
    clerk = house.client(Role.CLERK)
    page = clerk.shown("/counts/1")
    assert len(page) < 100_000
    seen: list[str] = []
    while page:
        seen += re.findall(r'<span class="sku">([^<]*)', page)
        on = re.search(r'<a href="([^"]*)" rel="next"', page)
        page = clerk.shown(unescape(on[1])) if on else ""
    assert seen == [f"S{number:03}" for number in range(120)]
    back = clerk.shown("/counts/1?before=S100")
    assert re.findall(r'<span class="sku">([^<]*)', back) == [f"S{number:03}" for number in range(50, 100)]
    clerk.fill("/counts/1?after=S049", "/counts/1?after=S049", **{"count:S050": "1"})
    left = clerk.shown("/counts/1?left=yes&q=s05")
    assert re.findall(r'<span class="sku">([^<]*)', left) == [f"S{number:03}" for number in range(51, 60)]
