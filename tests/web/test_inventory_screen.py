"""Holds Inventory, an item's page and Movements to what people do there, and to what they may not."""

from __future__ import annotations

import io
import re
from html import unescape
from urllib.parse import quote

import pytest
from openpyxl import load_workbook

from onhand.domain.people import Role
from onhand.domain.states import CartState
from onhand.domain.stock import QUANTITY_MAX, Kind
from onhand.services import uploads
from onhand.words import label
from tests.web.conftest import NAMES, House, flash, is_empty, text

ODD = "A/B?c=1&d #5% ä"


@pytest.fixture
def shelf(house: House) -> House:
    """Some items, one with a SKU that no address may take apart."""
    for sku, on_hand in (("MUG", 4), ("POT", 0), ("TEA", 10), (ODD, 7)):
        house.do("item_add", sku=sku, name=f"A {sku.lower()}", on_hand=on_hand, person="Ida")
    return house


def skus(html: str) -> list[str]:
    return [unescape(sku) for sku in re.findall(r'class="sku"><a href="/item\?sku=[^"]*">([^<]*)</a></th>', html)]


def link(html: str, word: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)"[^>]*>{word}</a>', html)
    return unescape(found[1]) if found else None


def figures(html: str) -> list[str]:
    """The figures at the top of a page."""
    found = html.partition('<dl class="figures">')[2].partition("</dl>")[0]
    return [text(figure) for figure in re.findall(r"<dd>(.*?)</dd>", found)]


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*? value="([^"]*)"', html)
    return unescape(found[1]) if found else ""


def item(sku: str) -> str:
    return f"/item?sku={quote(sku, safe='')}"


# The list


def test_an_empty_inventory_says_what_to_do_first(house: House) -> None:
    page = house.browser.shown("/inventory")
    assert is_empty(page)
    assert 'href="/functions"' in page.partition("<main")[2]


def test_the_list_is_searched_and_filtered(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    assert skus(clerk.shown("/inventory")) == [ODD, "MUG", "POT", "TEA"]
    assert skus(clerk.shown("/inventory?q=a+mu")) == ["MUG"]
    assert is_empty(clerk.shown("/inventory?q=lamp"))
    shelf.do("order_add", lines=[("POT", 2)], oversell=True)
    shelf.do("item_edit", sku="MUG", reorder_point=4)
    shelf.do("item_edit", sku="TEA", ignore_qoh=True)
    assert skus(clerk.shown("/inventory?below_zero=yes")) == ["POT"]
    assert skus(clerk.shown("/inventory?reorder=yes")) == ["MUG"]
    assert skus(clerk.shown("/inventory?set_aside=yes")) == ["TEA"]
    page = text(clerk.shown("/inventory"))
    assert "−2 oversold" in page
    assert re.search(r"MUG A mug 4 low\b", page)


def test_a_long_list_is_paged_forth_and_back(house: House) -> None:
    for n in range(120):
        house.do("item_add", sku=f"K-{n:04}")
    pages = [house.browser.shown("/inventory")]
    while on := link(pages[-1], "Next"):
        pages.append(house.browser.shown(on))
    assert [sku for page in pages for sku in skus(page)] == [f"K-{n:04}" for n in range(120)]
    assert "K-0000 to K-0049 · 120 items in all" in text(pages[0])
    assert skus(house.browser.shown(link(pages[2], "Previous"))) == skus(pages[1])
    assert all(len(page.encode()) < 100_000 for page in pages)


def test_what_is_typed_into_an_address_is_text(shelf: House) -> None:
    evil = '"><script>alert(1)</script>'
    for path in ("/inventory?q=", "/movements?by=", "/movements?sku=", "/orders?q=", "/item?sku="):
        answer = shelf.browser.get(path + quote(evil))
        assert answer.status_code in {200, 404}
        assert "<script>alert" not in answer.text
    assert shelf.browser.get("/inventory?q=" + "x" * 600).status_code == 404
    assert shelf.browser.get("/movements?before=x").status_code == 404
    assert shelf.browser.get("/movements?kind=theft").status_code == 200


@pytest.mark.slow
def test_each_shop_has_a_column_that_says_what_it_shows(connected: House) -> None:
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    ware = connected.shops["Amber"].stock()[0]
    page = connected.browser.shown(f"/inventory?q={ware.sku}")
    assert text(re.search(r"<thead>.*?</thead>", page, re.DOTALL)[0]) == "SKU Name On hand Amber Birch & Sons"
    assert f"{ware.quantity} {ware.quantity} {ware.quantity}" in text(page)
    connected.do("receive", lines=[(ware.sku, 5)])
    page = text(connected.browser.shown(item(ware.sku)))
    shop = rf"Amber .*?{label(CartState.OFF).lower()} {ware.quantity} (\S+ )?{ware.quantity} {ware.quantity + 5}"
    assert re.search(shop, page), "why, shop count, expected, available"


# One item


def test_any_sku_has_its_page_with_a_statement_and_a_chart(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    address = link(clerk.shown("/inventory"), re.escape(ODD.replace("&", "&amp;")))
    assert address == item(ODD)
    shelf.do("adjust", sku=ODD, change=-3, reason="damaged", person="Ida")
    page = clerk.shown(address)
    assert f"{label(Kind.ADJUSTMENT)} −3 4 Ida damaged" in text(page)
    assert f"{label(Kind.OPENING)} +7 7 Ida" in text(page)
    chart = clerk.get(unescape(re.search(r'data-chart="([^"]*)"', page)[1])).json()
    assert chart["series"] == [{"label": "On hand", "values": [7, 4, 4]}]
    assert chart["x"] == sorted(chart["x"])
    assert chart["step"] is True
    assert clerk.get("/item?sku=NONE").status_code == 404
    assert clerk.get("/item").status_code == 404


def test_an_adjustment_has_a_reason_from_the_list_and_a_remark(shelf: House) -> None:
    clerk = shelf.client(Role.CLERK)
    answer = clerk.fill(item("TEA"), "/item/adjust", change="-3", reason="damaged", remark="fell down")
    assert answer.url.params["sku"] == "TEA"
    assert "TEA: 7 " in flash(answer.text)
    last = shelf.do("movements", sku="TEA")["movements"][0]
    assert (last["reason"], last["person"], last["quantity"]) == ("damaged: fell down", "Ann the clerk", -3)
    clerk.fill(item("TEA"), "/item/adjust", counted="9", reason="other", remark="the cellar")
    last = shelf.do("movements", sku="TEA")["movements"][0]
    assert (last["reason"], last["kind"], last["quantity"]) == ("the cellar", "count", 2)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"change": "-3"}, "Give a reason"),
        ({"change": "-3", "reason": "other"}, "Give a reason"),
        ({"reason": "lost"}, "Give either a change or a counted quantity."),
        ({"change": "1", "counted": "2", "reason": "lost"}, "Give either a change or a counted quantity."),
        ({"change": "lots", "reason": "lost"}, "Give a whole number."),
        ({"change": str(QUANTITY_MAX + 1), "reason": "lost"}, "Give at most"),
        ({"change": "9" * 5000, "reason": "lost"}, "Give a whole number."),
        ({"counted": "-1", "reason": "lost"}, "Allow going below zero"),
        ({"change": "-11", "reason": "lost"}, "Allow going below zero"),
        ({"change": "-1", "reason": "lost", "remark": "x" * 600}, "at most 500 characters"),
    ],
)
def test_an_adjustment_that_cannot_be_keeps_what_was_typed(shelf: House, typed: dict, said: str) -> None:
    answer = shelf.browser.fill(item("TEA"), "/item/adjust", **typed)
    assert answer.status_code == 422
    assert said in text(answer.text)
    if "change" in typed:
        assert field(answer.text, "change") == typed["change"]
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 10


def test_a_count_on_a_stale_page_is_refused_with_what_is_on_hand_now(shelf: House) -> None:
    html = shelf.browser.shown(item("TEA"))
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html.split("/item/adjust")[1]))
    shelf.do("receive", lines=[("TEA", 5)])
    sent = {**hidden, "sku": "TEA", "seen": "10", "counted": "12", "reason": "found"}
    answer = shelf.browser.post("/item/adjust", data=sent)
    assert answer.status_code == 409
    assert "TEA has 15 on hand by now, not 10" in text(answer.text)
    assert field(answer.text, "counted") == "12"
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 15


def test_a_form_that_is_sent_twice_is_booked_once(shelf: House) -> None:
    html = shelf.browser.shown(item("TEA"))
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html.split("/item/adjust")[1]))
    sent = {**hidden, "sku": "TEA", "change": "-1", "reason": "lost"}
    for _ in range(2):
        assert "TEA: 9 " in flash(shelf.browser.post("/item/adjust", data=sent).text)
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 9


def test_an_item_is_edited_and_renamed(shelf: House) -> None:
    manager = shelf.client(Role.MANAGER)
    typed = {"name": "Black tea", "new_sku": "TEA/2", "reorder_point": "3", "reorder_to": "20", "drop_ship": "yes"}
    answer = manager.fill(item("TEA"), "/item/edit", **typed)
    assert answer.url.params["sku"] == "TEA/2"
    assert "TEA/2" in flash(answer.text)
    assert figures(answer.text) == ["10", "3", "20"]
    page = text(answer.text)
    assert "Black tea" in page
    assert "Drop ship" in page
    cleared = {"name": "Black tea", "new_sku": "TEA/2", "reorder_point": "", "reorder_to": ""}
    assert figures(manager.fill(item("TEA/2"), "/item/edit", **cleared).text) == ["10"]
    found = shelf.do("item_show", sku="TEA/2")
    assert (found["reorder_point"], found["reorder_to"], found["drop_ship"], found["on_hand"]) == (
        None,
        None,
        False,
        10,
    )


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"new_sku": "mug"}, "There is already an item with the SKU 'MUG'"),
        ({"new_sku": ""}, "A SKU cannot be blank"),
        ({"reorder_point": "x"}, "Give a whole number."),
        ({"reorder_point": "-5"}, "Give at least"),
        ({"reorder_to": str(QUANTITY_MAX + 1)}, "Give at most"),
        ({"reorder_point": "9", "reorder_to": "3"}, "below its reorder point"),
        ({"supplier": "Nobody"}, "There is no supplier 'Nobody'"),
        ({"name": "x" * 501}, "at most 500 characters"),
    ],
)
def test_an_edit_that_cannot_be_keeps_what_was_typed(shelf: House, typed: dict, said: str) -> None:
    answer = shelf.browser.fill(item("TEA"), "/item/edit", **{"name": "Chai", "new_sku": "TEA", **typed})
    assert answer.status_code == 422
    assert said in text(answer.text)
    assert field(answer.text, "name") == typed.get("name", "Chai")
    found = shelf.do("item_show", sku="TEA")
    assert (found["name"], found["revision"]) == ("A tea", 0)


def test_an_edit_of_a_stale_page_shows_the_current_values(shelf: House) -> None:
    html = shelf.browser.shown(item("TEA")).split("/item/edit")[1]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
    shelf.do("item_edit", sku="TEA", name="Oolong")
    answer = shelf.browser.post("/item/edit", data={**hidden, "name": "Chai", "new_sku": "TEA"})
    assert answer.status_code == 409
    assert "name now Oolong" in text(answer.text)
    assert shelf.do("item_show", sku="TEA")["name"] == "Oolong"


def test_a_new_item_is_made_by_hand(house: House) -> None:
    clerk = house.client(Role.CLERK)
    answer = clerk.fill("/inventory/new", "/inventory/new", sku=ODD, name="Odd", on_hand="3")
    assert answer.url.params["sku"] == ODD
    assert ODD in flash(answer.text)
    answer = clerk.fill("/inventory/new", "/inventory/new", sku=ODD.upper(), name="Odd again", on_hand="-3")
    assert answer.status_code == 422
    assert field(answer.text, "name") == "Odd again"


def test_who_may_not_is_offered_no_form_and_refused(shelf: House) -> None:
    viewer, clerk = shelf.client(Role.VIEWER), shelf.client(Role.CLERK)
    html = viewer.shown(item("TEA"))
    assert "/item/adjust" not in html
    assert "/item/edit" not in html
    assert "/inventory/new" not in viewer.shown("/inventory")
    assert "/item/edit" not in clerk.shown(item("TEA"))
    assert "/inventory/import" not in clerk.shown("/inventory")
    token = re.search(r'name="csrf" value="([^"]*)"', html)[1]
    refused = viewer.post("/item/adjust", data={"csrf": token, "sku": "TEA", "change": "1", "reason": "found"})
    assert refused.status_code == 403
    for path in ("/inventory/new", "/inventory/import", "/orders/new"):
        assert viewer.get(path).status_code == 403
    assert clerk.get("/inventory/import").status_code == 403
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 10


# Tables in and out


def upload(shelf: House, content: bytes, name: str = "items.csv"):
    return shelf.browser.fill("/inventory/import", "/inventory/import", files={"file": (name, content)})


def confirm(shelf: House, html: str):
    form = html.split('action="/inventory/import/do"')[1]
    return shelf.browser.post(
        "/inventory/import/do", data=dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
    )


def test_a_table_is_looked_at_before_it_is_booked_and_then_booked_once(shelf: House) -> None:
    looked = upload(shelf, b"sku,name,on_hand,reorder_point\nTEA,Chai,12,\nMUG,,,\nCUP,Cup,3,2\n")
    page = text(looked.text)
    assert figures(looked.text) == ["3", "1", "1", "1", "1", "1"]
    assert "name: A tea → Chai; on hand: 10 → 12" in page
    assert "reorder point: 2; on hand: 3" in page
    assert skus(shelf.browser.shown("/inventory")) == [ODD, "MUG", "POT", "TEA"], "nothing is booked by a look"
    for _ in range(2):
        done = confirm(shelf, looked.text)
        assert flash(done.text).count("1 item ") == 3
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 12
    assert [m["kind"] for m in shelf.do("movements", sku="TEA")["movements"]] == ["count", "opening"]
    again = upload(shelf, b"sku,name,on_hand,reorder_point\nTEA,Chai,12,\n")
    assert is_empty(again.text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"sku,on_hand\nTEA,-1\nMUG,many\n", "Line 3"),
        (b"sku,on_hand\nTEA,-1\n", "Line 2"),
        (b"name\nTea\n", "No heading names the column sku"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a table"),
        (b"sku,supplier\nTEA,Nobody\n", "There is no supplier"),
        (b"sku,reorder_point,reorder_to\nTEA,5,4\n", "Line 2"),
        (b"sku,name\nTEA\n", "1 cell, but the header has 2"),
    ],
)
def test_a_table_that_cannot_be_names_its_lines_and_books_nothing(shelf: House, content: bytes, said: str) -> None:
    answer = upload(shelf, content)
    assert answer.status_code == 422
    assert said in text(answer.text)
    assert skus(shelf.browser.shown("/inventory")) == [ODD, "MUG", "POT", "TEA"]


def test_no_file_and_a_file_that_is_gone_are_said(shelf: House) -> None:
    assert "Choose a file first." in text(shelf.browser.fill("/inventory/import", "/inventory/import").text)
    looked = upload(shelf, b"sku\nCUP\n")
    token = re.search(r'name="token" value="([^"]*)"', looked.text)[1]
    forgotten = confirm(shelf, looked.text.replace(token, "x" * 22))
    assert forgotten.status_code == 422
    assert "choose it again" in text(forgotten.text)


def test_a_file_is_kept_for_its_owner_for_a_while_and_never_many(shelf: House) -> None:
    kept, now = shelf.app.uploads, shelf.app.clock.now()
    first = kept.keep("user/1", b"a", now)
    assert kept.get(first, "user/1", now) == b"a"
    assert kept.get(first, "user/2", now) is None
    assert kept.get(first, "user/1", now + uploads.KEPT_FOR * 2) is None
    for n in range(uploads.FILES_KEPT):
        kept.keep("user/1", str(n).encode(), now)
    assert kept.get(first, "user/1", now) is None


def test_items_go_out_and_come_back_unchanged(shelf: House) -> None:
    shelf.do("item_edit", sku="TEA", reorder_point=2, ignore_qoh=True)
    for form in ("csv", "xlsx"):
        answer = shelf.browser.get(f"/inventory/items.{form}")
        assert answer.headers["content-disposition"] == f'attachment; filename="onhand-items.{form}"'
        assert is_empty(upload(shelf, answer.content, f"items.{form}").text)
    assert shelf.browser.get("/inventory/items.pdf").status_code == 404


# Movements


def test_movements_are_narrowed_and_say_who_and_why(shelf: House) -> None:
    shelf.do("receive", lines=[("TEA", 5)], note="on a pallet", person="Max")
    shelf.do("order_add", lines=[("TEA", 2)], number="T/1", person="Ida")
    page = shelf.browser.shown("/movements?sku=tea")
    assert f"{label(Kind.SALE)} −2 Ida order T/1" in text(page)
    assert link(page, "order T/1") == "/order?number=T%2F1"
    assert f"{label(Kind.RECEIPT)} +5 Max on a pallet" in text(page)
    assert "MUG" not in text(page.split("<tbody>")[1])
    assert text(shelf.browser.shown("/movements?kind=receipt").split("<tbody>")[1]).count("TEA") == 1
    assert text(shelf.browser.shown("/movements?by=Max").split("<tbody>")[1]).count("TEA") == 1
    assert is_empty(shelf.browser.shown("/movements?kind=return"))
    assert "No item has the SKU 'LAMP'" in text(shelf.browser.shown("/movements?sku=LAMP"))
    assert "There is no cart" in text(shelf.browser.shown("/movements?cart=Zinc"))


def test_a_long_ledger_is_paged_without_a_gap(shelf: House) -> None:
    for _ in range(60):
        shelf.do("receive", lines=[("TEA", 1)])
    first = shelf.browser.shown("/movements?sku=TEA")
    second = shelf.browser.shown(link(first, "Next"))
    numbers = [int(n) for page in (first, second) for n in re.findall(r'id="movement-([0-9]+)"', page)]
    assert numbers == sorted(set(numbers), reverse=True)
    assert len(numbers) == 61


def test_movements_go_out_as_they_are_narrowed(shelf: House) -> None:
    shelf.do("receive", lines=[("TEA", 5)], person="Max")
    lines = shelf.browser.get("/movements/movements.csv?sku=TEA").content.decode("utf-8-sig").splitlines()
    assert [line.split(",")[3] for line in lines] == ["kind", "receipt", "opening"]
    book = load_workbook(io.BytesIO(shelf.browser.get("/movements/movements.xlsx?kind=receipt").content))
    assert [row[4] for row in book.active.values] == ["quantity", 5]
    assert shelf.browser.get("/movements/movements.csv?sku=LAMP").status_code == 404
    assert shelf.browser.get("/movements/movements.pdf").status_code == 404


def test_a_count_that_is_overwritten_is_shown_first(shelf: House) -> None:
    shelf.do("order_add", lines=[("TEA", 3)])
    looked = upload(shelf, b"sku,on_hand\nTEA,10\n")
    assert "on hand: 7 → 10 3 sold" in text(looked.text)
    assert 'name="overwrite"' in looked.text
    unseen = confirm(shelf, looked.text.replace('name="overwrite"', 'name="other"'))
    assert unseen.status_code == 422
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 7
    confirm(shelf, upload(shelf, b"sku,on_hand\nTEA,10\n").text)
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 10


def fields(html: str, action: str) -> dict[str, str]:
    """What the form with this action sends as it stands."""
    form = html.split(f'action="{action}"')[1].split("</form>", maxsplit=1)[0]
    sent = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', form))
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)">(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        sent[name] = chosen[1] if chosen else ""
    return sent


def test_a_person_says_which_column_is_which_and_is_not_asked_again(shelf: House) -> None:
    content = b"Mein Lager\nWas;Wieviel\nTEA;1.000\n"
    asked = upload(shelf, content, "lager.csv")
    assert asked.status_code == 422
    sent = fields(asked.text, "/inventory/import")
    assert [sent[f"heading-{n}"] for n in (1, 2)] == ["Was", "Wieviel"]
    sent |= {"column-1": "sku", "column-2": "on_hand"}
    ambiguous = shelf.browser.post("/inventory/import", data=sent)
    assert ambiguous.status_code == 422
    sent = fields(ambiguous.text, "/inventory/import") | {"decimal": ","}
    assert (sent["column-1"], sent["column-2"]) == ("sku", "on_hand")
    looked = shelf.browser.post("/inventory/import", data=sent)
    assert "on hand: 10 → 1000" in text(looked.text)
    assert confirm(shelf, looked.text).status_code == 200
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 1000
    again = upload(shelf, b"Was;Wieviel\nTEA;1001\n")
    assert "on hand: 1000 → 1001" in text(again.text)


def test_templates_can_be_had(shelf: House) -> None:
    for path in ("/inventory/template", "/receive/template"):
        for form in ("csv", "xlsx"):
            answer = shelf.browser.get(f"{path}.{form}")
            assert answer.status_code == 200
            assert "template" in answer.headers["content-disposition"]
        assert shelf.browser.get(f"{path}.pdf").status_code == 404
