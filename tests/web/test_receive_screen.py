"""Receive, purchase orders and suppliers, as a browser without scripts sees them."""

from __future__ import annotations

import re

import pytest

from onhand.domain.people import Role
from tests.web.conftest import text


@pytest.fixture
def leaf(house):
    """A supplier, and two items of which one is low."""
    house.do("supplier_add", name="Leaf & Co", email="leaf@example.com")
    house.do("item_add", sku="TEA", name="Green Tea", on_hand=3)
    house.do("item_add", sku="MUG/1", name="Mug", on_hand=9)
    house.do("item_edit", sku="TEA", supplier="Leaf & Co", reorder_point=5, reorder_to=20)
    return house


def on_hand(house, sku: str = "TEA") -> int:
    return house.do("item_show", sku=sku)["on_hand"]


def sent(house, *lines) -> str:
    number = house.do("purchase_add", supplier="Leaf & Co", lines=lines)["order"]
    house.do("purchase_send", order=number)
    return number


def test_goods_without_an_order_are_booked_and_said(leaf):
    clerk = leaf.client(Role.CLERK)
    done = clerk.fill("/receive", "/receive", sku=["tea", "", "MUG/1"], units=["4", "", "1"], reference="DN 7")
    assert "2 lines received: TEA has 7 now, MUG/1 has 10 now." in text(done.text)
    assert leaf.do("movements", sku="TEA")["movements"][0]["person"] == "Ann the clerk"
    again = clerk.fill("/receive", "/receive", sku=["tea"], units=["4"], reference="DN 7")
    assert again.status_code == 422
    assert "Delivery 'DN 7' is booked already; nothing was changed." in text(again.text)
    assert on_hand(leaf) == 7


def test_the_same_form_sent_twice_is_booked_once(leaf):
    html = leaf.browser.shown("/receive").partition('action="/receive"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
    for _ in range(3):
        leaf.browser.post("/receive", data={**hidden, "sku": ["TEA"], "units": ["4"]})
    assert on_hand(leaf) == 7


@pytest.mark.parametrize(
    ("sku", "units", "says"),
    [
        (["TEA", "MUG/1"], ["2", "x"], "Give a whole number."),
        (["TEA"], ["99999999999"], "Give at most 2,147,483,647."),
        (["TEA"], ["0"], "Receive at least one unit of TEA"),
        (["TEA"], ["-4"], "Receive at least one unit of TEA"),
        (["TEA", "POT"], ["2", "3"], "No item has the SKU 'POT'"),
        ([""], ["3"], "Line 1 has units and no SKU"),
        ([""], [""], "Give at least one SKU with its units."),
        (["TEA"], ["2147483646"], "would leave the range"),
    ],
)
def test_what_cannot_be_received_is_refused_with_everything_typed_kept(leaf, sku, units, says):
    answer = leaf.browser.fill("/receive", "/receive", sku=sku, units=units, reference="DN 7")
    assert answer.status_code == 422
    assert says in text(answer.text)
    assert 'value="DN 7"' in answer.text
    for typed in (*sku, *units):
        assert not typed or f'value="{typed}"' in answer.text
    assert on_hand(leaf) == 3


def test_a_file_is_received_whole_or_not_at_all(leaf):
    good = {"file": ("goods.csv", b"sku;units\ntea;4\nMUG/1;2\n", "text/csv")}
    assert "2 lines received" in text(leaf.browser.fill("/receive", "/receive", files=good).text)
    bad = {"file": ("goods.csv", b"sku,units\nTEA,4\nMUG/1,many\n", "text/csv")}
    answer = leaf.browser.fill("/receive", "/receive", files=bad)
    assert answer.status_code == 422
    assert "Line 3" in text(answer.text)
    assert on_hand(leaf) == 7


def test_what_is_low_is_previewed_and_then_drafted(leaf):
    leaf.do("item_add", sku="POT", name="Pot", on_hand=0)
    leaf.do("item_edit", sku="POT", reorder_point=1)
    page = text(leaf.browser.shown("/purchases/suggested"))
    assert "TEA Green Tea 3 0 5 17" in page
    assert "Low, and without a supplier" in page
    assert leaf.do("purchase_list")["orders"] == []
    done = leaf.browser.fill("/purchases/suggested", "/purchases/suggested")
    assert "1 draft made: PO-1." in text(done.text)
    assert "No item is at its reorder point" not in text(leaf.browser.shown("/purchases/suggested"))  # POT is


def test_an_order_goes_from_draft_to_closed(leaf):
    browser = leaf.browser
    made = browser.fill(
        "/purchases/new", "/purchases/new", supplier="Leaf & Co", sku=["TEA", "MUG/1"], units=["10", "2"]
    )
    assert "PO-1 is a draft" in text(made.text)
    saved = browser.fill("/purchases/PO-1", "/purchases/PO-1", sku=["TEA"], units=["12"], note="for spring")
    assert "PO-1 is saved." in text(saved.text)
    assert "PO-1 is with the supplier" in text(browser.fill("/purchases/PO-1", "/purchases/PO-1/send").text)
    assert "mailto:leaf@example.com?subject=Purchase%20order%20PO-1&amp;body=12%20x%20TEA" in browser.shown(
        "/purchases/PO-1"
    )
    clerk = leaf.client(Role.CLERK)
    assert "PO-1 Leaf &amp; Co" in text(clerk.shown("/receive")).replace("Leaf & Co", "Leaf &amp; Co")
    short = clerk.fill("/purchases/PO-1", "/purchases/PO-1/receive", sku=["TEA"], units=["5"])
    assert "1 item of PO-1 received; 7 units still to come." in text(short.text)
    over = clerk.fill("/purchases/PO-1", "/purchases/PO-1/receive", sku=["TEA"], units=["9"])
    assert over.status_code == 422
    assert "More came of TEA than is outstanding" in text(over.text)
    assert 'value="9"' in over.text
    meant = clerk.fill("/purchases/PO-1", "/purchases/PO-1/receive", sku=["TEA"], units=["9"], over="yes")
    assert "nothing is outstanding, so it is closed" in text(meant.text)
    assert on_hand(leaf) == 17


def test_a_stale_page_books_nothing_and_says_what_is_there_now(leaf):
    number = sent(leaf, ("TEA", 10))
    page = f"/purchases/{number}"
    html = leaf.browser.shown(page).partition(f'action="{page}/receive"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|revision)" value="([^"]*)"', html))
    leaf.do("purchase_receive", order=number, lines=[("TEA", 4)])
    answer = leaf.browser.post(f"{page}/receive", data={**hidden, "sku": ["TEA"], "units": ["6"]})
    assert answer.status_code == 409
    assert "was changed since you opened it" in text(answer.text)
    assert "received now 4" in text(answer.text)
    assert on_hand(leaf) == 7


def test_a_clerk_receives_and_a_viewer_only_looks(leaf):
    number = sent(leaf, ("TEA", 10))
    clerk, viewer = leaf.client(Role.CLERK), leaf.client(Role.VIEWER)
    assert "Call it off" not in clerk.shown(f"/purchases/{number}")
    assert "Receive what came" in clerk.shown(f"/purchases/{number}")
    assert "Receive what came" not in viewer.shown(f"/purchases/{number}")
    assert '<form class="panel"' not in viewer.shown("/receive")
    assert '<form class="panel"' not in viewer.shown("/suppliers")


def test_an_order_that_is_not_there_says_so(house):
    assert "There is no purchase order 'PO-9'." in text(house.browser.shown("/purchases/PO-9", 404))


def test_suppliers_are_added_and_changed_and_a_taken_name_is_refused_by_its_field(leaf):
    browser = leaf.browser
    assert "Clay is added." in text(browser.fill("/suppliers", "/suppliers/add", name="Clay").text)
    taken = browser.fill("/suppliers", "/suppliers/add", name="LEAF & co", phone="555")
    assert taken.status_code == 422
    assert 'id="name-fault"' in taken.text
    assert 'value="555"' in taken.text
    page = "/suppliers?edit=Clay"
    assert "Clay Ltd is saved." in text(browser.fill(page, "/suppliers/edit", name="Clay Ltd", active="yes").text)
    stale = browser.fill("/suppliers?edit=Clay%20Ltd", "/suppliers/edit", name="Clay", revision="0")
    assert stale.status_code == 409
    assert "was changed since you opened this page" in text(stale.text)
