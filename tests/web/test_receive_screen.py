"""Receive, purchase orders and suppliers, as a browser without scripts sees them."""

from __future__ import annotations

import re
from html import unescape

import pytest

from onhand.domain.people import Role
from onhand.verbs.registry import packed
from tests.web.conftest import alert, flash, is_empty, states, text

PAGE_BYTES = 100_000


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


def lines(*pairs) -> dict[str, str]:
    """Lines as they are typed into rows."""
    return {
        f"{field}-{n}": value
        for n, pair in enumerate(pairs)
        for field, value in zip(("sku", "units"), pair, strict=True)
    }


def fault(html: str, field: str) -> str:
    """What is wrong with a field, as it stands beside it."""
    found = re.search(rf'id="{re.escape(field)}-fault">(.*?)</span>', html)
    return text(found[1]) if found else ""


def sent(house, *lines) -> str:
    number = house.do("purchase_add", supplier="Leaf & Co", lines=lines)["order"]
    house.do("purchase_send", order=number)
    return number


def test_goods_without_an_order_are_booked_and_said(leaf):
    clerk = leaf.client(Role.CLERK)
    given = lines(("tea", "4"), ("", ""), ("MUG/1", "1"))
    done = clerk.fill("/receive", "/receive", **given, reference="DN 7")
    assert flash(done.text).startswith("2 items")
    assert re.findall(r"(TEA|MUG/1)\D* (\d+)", flash(done.text)) == [("TEA", "7"), ("MUG/1", "10")]
    assert leaf.do("movements", sku="TEA")["movements"][0]["person"] == "Ann the clerk"
    again = clerk.fill("/receive", "/receive", **lines(("tea", "4")), reference="DN 7")
    assert again.status_code == 422
    assert "Delivery 'DN 7' is booked already; nothing was changed." in text(again.text)
    assert on_hand(leaf) == 7


def test_the_same_form_sent_twice_is_booked_once(leaf):
    html = leaf.browser.shown("/receive").partition('action="/receive"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html))
    for _ in range(3):
        assert leaf.browser.post("/receive", data={**hidden, "sku-0": "TEA", "units-0": "4"}).status_code == 200
    assert on_hand(leaf) == 7


@pytest.mark.parametrize(
    ("pairs", "field", "says"),
    [
        ([("TEA", "2"), ("", ""), ("MUG/1", "x")], "units-2", "Give a whole number."),
        ([("TEA", "99999999999")], "units-0", "Give at most 2,147,483,647."),
        ([("", ""), ("TEA", "0")], "units-1", "Receive at least one unit of TEA"),
        ([("TEA", "-4")], "units-0", "Receive at least one unit of TEA"),
        ([("TEA", "2"), ("pot", "3")], "sku-1", "No item has this SKU."),
        ([("TEA", "2"), ("", "3")], "sku-1", "Enter a value."),
        ([("TEA", "2"), ("MUG/1", "")], "units-1", "Enter a value."),
        ([("T" * 301, "2")], "sku-0", "300"),
        ([("", "")], "", "at least one SKU"),
        ([("TEA", "2147483646")], "", "outside the range"),
        ([("TEA", "1")] * 5001, "", "A delivery has 1 to 5000 lines."),
    ],
)
def test_what_cannot_be_received_is_refused_with_everything_typed_kept(leaf, pairs, field, says):
    answer = leaf.browser.fill("/receive", "/receive", **lines(*pairs), reference="DN 7")
    assert answer.status_code == 422
    assert says in (fault(answer.text, field) if field else text(answer.text))
    assert 'value="DN 7"' in answer.text
    for typed in {word for pair in pairs for word in pair}:
        assert not typed or f'value="{typed}"' in answer.text
    assert (on_hand(leaf), on_hand(leaf, "MUG/1")) == (3, 9)


def test_more_lines_are_offered_and_what_was_typed_stays(leaf):
    given = lines(*[("TEA", str(n)) for n in range(1, 7)])
    for page in ("/receive", "/purchases/new"):
        answer = leaf.browser.fill(page, page, **given, more="yes")
        assert answer.status_code == 200
        assert 'name="sku-11"' in answer.text
        for n in range(6):
            assert re.search(rf'name="units-{n}"[^>]* value="{n + 1}"', answer.text)
    assert on_hand(leaf) == 3


def test_a_file_is_received_whole_or_not_at_all(leaf):
    good = {"file": ("goods.csv", b"sku;units\ntea;4\nMUG/1;2\n", "text/csv")}
    assert "2 items" in flash(leaf.browser.fill("/receive", "/receive", files=good).text)
    bad = {"file": ("goods.csv", b"sku,units\nTEA,4\nMUG/1,many\nTEA,0\n", "text/csv")}
    answer = leaf.browser.fill("/receive", "/receive", files=bad)
    assert answer.status_code == 422
    assert "3 units 'many' is not a whole number" in text(answer.text)
    assert "4 units 0 is not between 1 and" in text(answer.text)
    unknown = {"file": ("goods.csv", b"sku,units\nTEA,4\nPOT,1\n", "text/csv")}
    assert "No item has the SKU 'POT'" in text(leaf.browser.fill("/receive", "/receive", files=unknown).text)
    both = leaf.browser.fill("/receive", "/receive", files=good, **lines(("TEA", "4")))
    assert alert(both.text)
    assert on_hand(leaf) == 7


def test_what_is_low_is_previewed_and_then_drafted(leaf):
    leaf.do("item_add", sku="POT", name="Pot", on_hand=0)
    leaf.do("item_edit", sku="POT", reorder_point=1)
    page = leaf.browser.shown("/purchases/suggested")
    assert "TEA Green Tea 3 0 5 17" in text(page)
    without = text(page.partition('id="without-title"')[2])
    assert "1 item" in without
    assert re.search(r"POT Pot \w+ 0 2", without)
    assert leaf.do("purchase_list")["orders"] == []
    done = leaf.browser.fill("/purchases/suggested", "/purchases/suggested")
    assert re.match(r"1 draft .*PO-1", flash(done.text))
    assert not is_empty(leaf.browser.shown("/purchases/suggested")), "POT is low"


def test_an_order_goes_from_draft_to_closed(leaf):
    browser = leaf.browser
    page = "/purchases/PO-1"
    made = browser.fill("/purchases/new", "/purchases/new", supplier="Leaf & Co", **lines(("MUG/1", "2")))
    assert "PO-1" in flash(made.text)
    assert states(made.text) == ["draft"]
    saved = browser.fill(page, page, **{"units:MUG/1": "0"}, **lines(("TEA", "10")), note="for spring")
    assert states(saved.text) == ["draft"]
    sending = browser.fill(page, page, **{"units:TEA": "12"}, note="for spring", send="yes")
    assert states(sending.text) == ["sent"]
    assert "mailto:leaf@example.com?subject=Purchase%20order%20PO-1&amp;body=12%20x%20TEA" in browser.shown(page)
    assert "1 TEA Green Tea 12" in text(browser.shown(f"{page}/print"))
    clerk = leaf.client(Role.CLERK)
    assert "PO-1 Leaf &amp; Co" in text(clerk.shown("/receive")).replace("Leaf & Co", "Leaf &amp; Co")
    short = clerk.fill(page, f"{page}/receive", **{"units:TEA": "5"})
    assert re.match("1 item of PO-1 .* 7 units", flash(short.text))
    over = clerk.fill(page, f"{page}/receive", **{"units:TEA": "9"})
    assert over.status_code == 422
    assert "More came of TEA than is outstanding: count again, or say that it is meant." in text(over.text)
    assert fault(over.text, "line-1") == "More than is outstanding."
    assert 'value="9"' in over.text
    meant = clerk.fill(page, f"{page}/receive", **{"units:TEA": "9"}, over="yes")
    assert states(meant.text) == ["closed"]
    assert on_hand(leaf) == 17
    assert f"{page}/receive" not in meant.text


@pytest.mark.parametrize(
    ("came", "says"),
    [
        ({"units:TEA": "x"}, "Give a whole number."),
        ({"units:TEA": "-1"}, "never fewer than none"),
        ({"units:TEA": ""}, "how many units"),
        ({"units:TEA": "0"}, "one or more of at least one item"),
        ({"units:TEA": "1", "units:MUG/1": "1"}, "'mug/1' is not on this order"),
    ],
)
def test_what_cannot_have_come_of_an_order_is_refused(leaf, came, says):
    page = f"/purchases/{sent(leaf, ('TEA', 10))}"
    answer = leaf.browser.fill(page, f"{page}/receive", **came)
    assert answer.status_code == 422
    assert says in text(answer.text)
    assert on_hand(leaf) == 3


def test_a_line_that_did_not_come_is_left_blank(leaf):
    page = f"/purchases/{sent(leaf, ('TEA', 10), ('MUG/1', 2))}"
    answer = leaf.browser.fill(page, f"{page}/receive", **{"units:TEA": "", "units:MUG/1": "2"})
    assert re.match("1 item of PO-1 .* 10 units", flash(answer.text))


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"supplier": "Nobody"}, "supplier", "There is no supplier 'Nobody'"),
        ({"supplier": " "}, "supplier", "There is no supplier ''"),
        ({"units-0": "0"}, "units-0", "Order at least one unit of TEA."),
        ({"sku-0": "POT"}, "sku-0", "No item has this SKU."),
        ({"sku-0": "", "units-0": ""}, "", "A purchase order has 1 to 5,000 lines."),
        (lines(*[("TEA", "1")] * 5001), "", "A purchase order has 1 to 5,000 lines."),
    ],
)
def test_an_order_that_cannot_be_is_refused_by_its_field(leaf, given, field, says):
    asked = {"supplier": "Leaf & Co", **lines(("TEA", "10")), "note": "for spring", **given}
    answer = leaf.browser.fill("/purchases/new", "/purchases/new", **asked)
    assert answer.status_code == 422
    assert says in (fault(answer.text, field) if field else text(answer.text))
    assert 'value="for spring"' in answer.text
    assert leaf.do("purchase_list")["orders"] == []


def test_a_draft_that_somebody_else_changed_is_refused_with_what_was_typed(leaf):
    leaf.do("purchase_add", supplier="Leaf & Co", lines=[("TEA", 10)])
    html = leaf.browser.shown("/purchases/PO-1").partition('action="/purchases/PO-1"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|revision)" value="([^"]*)"', html))
    leaf.do("purchase_edit", order="PO-1", lines=[("MUG/1", 2)])
    answer = leaf.browser.post("/purchases/PO-1", data={**hidden, "units:TEA": "7"})
    assert answer.status_code == 409
    assert "lines now 2" in text(answer.text)
    assert re.search(r'name="units:TEA"[^>]* value="7"', answer.text)


def test_an_order_with_thousands_of_lines_is_read_and_received_page_by_page(leaf):
    leaf.do("item_import", file=packed(b"sku,name\n" + b"".join(b"S%04d,%s\n" % (n, b"x" * 60) for n in range(1200))))
    number = sent(leaf, *[(f"S{n:04}", 2) for n in range(1200)])
    page = f"/purchases/{number}"
    first = leaf.browser.shown(page)
    assert len(first) < PAGE_BYTES
    on = unescape(re.search(r'<a href="([^"]*)" rel="next"', first)[1])
    second = leaf.browser.shown(on)
    assert re.findall(r'name="units:(S....)"', second) == [f"S{n:04}" for n in range(50, 100)]
    shown = {f"units:S{n:04}": "2" for n in range(50, 100)}
    answer = leaf.browser.fill(on, f"{page}/receive?{on.partition('?')[2]}", **shown)
    assert re.match("50 items of PO-1 .* 2,300 units", flash(answer.text))
    left = leaf.browser.shown(f"{page}?left=yes&after=50")
    assert re.findall(r'name="units:(S....)"', left) == [f"S{n:04}" for n in range(100, 150)]
    whole = leaf.browser.fill(page, f"{page}/receive", all="yes")
    assert "1,150 items of PO-1" in flash(whole.text)
    assert on_hand(leaf, "S0060") == on_hand(leaf, "S1199") == 2


def test_a_long_preview_is_read_page_by_page(leaf):
    leaf.do("supplier_add", name="Clay")
    rows = b"".join(b"S%04d,%s,0,5,%s\n" % (n, b"x" * 60, (b"Clay", b"leaf & co", b"")[n % 3]) for n in range(360))
    leaf.do("item_import", file=packed(b"sku,name,on_hand,reorder_point,supplier\n" + rows))
    seen, page = [], leaf.browser.shown("/purchases/suggested")
    assert "2 drafts" in text(page)
    assert "120 items" in text(page.partition('id="without-title"')[2])
    while page:
        assert len(page) < PAGE_BYTES
        seen += re.findall(r'<a href="/item\?sku=(S\d+|TEA)"', page.partition('id="without-title"')[0])
        on = re.search(r'<a href="([^"]*)" rel="next"', page)
        page = leaf.browser.shown(unescape(on[1])) if on else ""
    assert seen == [f"S{n:04}" for n in range(0, 360, 3)] + [f"S{n:04}" for n in range(1, 360, 3)] + ["TEA"]
    answer = leaf.browser.fill("/purchases/suggested", "/purchases/suggested", supplier="Clay")
    assert re.match(r"1 draft .*PO-1", flash(answer.text))
    assert leaf.do("purchase_show", order="PO-1")["size"] == 120


def test_lists_of_orders_and_suppliers_are_read_page_by_page(leaf):
    for n in range(60):
        leaf.do("supplier_add", name=f"Supplier {n:02}", note="x" * 60)
        sent(leaf, ("TEA", n + 1))
    for path, found, all_of_them in (
        ("/purchases?state=sent", r"/purchases/(PO-\d+)", [f"PO-{n}" for n in range(60, 0, -1)]),
        ("/receive", r"/purchases/(PO-\d+)", [f"PO-{n}" for n in range(60, 0, -1)]),
        ("/suppliers", r"edit=(Supplier%20\d+|Leaf)", ["Leaf", *(f"Supplier%20{n:02}" for n in range(60))]),
    ):
        seen, page = [], leaf.browser.shown(path)
        while page:
            assert len(page) < PAGE_BYTES
            seen += re.findall(found, page)
            on = re.search(r'<a href="([^"]*)" rel="next"', page)
            page = leaf.browser.shown(unescape(on[1])) if on else ""
        assert seen == all_of_them


def test_a_stale_page_books_nothing_and_says_what_is_there_now(leaf):
    number = sent(leaf, ("TEA", 10))
    page = f"/purchases/{number}"
    html = leaf.browser.shown(page).partition(f'action="{page}/receive"')[2]
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key|revision)" value="([^"]*)"', html))
    leaf.do("purchase_receive", order=number, lines=[("TEA", 4)])
    answer = leaf.browser.post(f"{page}/receive", data={**hidden, "units:TEA": "6"})
    assert answer.status_code == 409
    assert "was changed since you opened it" in text(answer.text)
    assert "received now 4" in text(answer.text)
    assert on_hand(leaf) == 7


def test_a_clerk_receives_and_a_viewer_only_looks(leaf):
    number = sent(leaf, ("TEA", 10))
    clerk, viewer = leaf.client(Role.CLERK), leaf.client(Role.VIEWER)
    page = f"/purchases/{number}"
    assert f'action="{page}/cancel"' not in clerk.shown(page)
    assert f'action="{page}/receive"' in clerk.shown(page)
    assert f'action="{page}/receive"' not in viewer.shown(page)
    assert '<form class="panel"' not in viewer.shown("/receive")
    assert '<form class="panel"' not in viewer.shown("/suppliers")


def test_an_order_that_is_not_there_says_so(house):
    assert "There is no purchase order 'PO-9'" in text(house.browser.shown("/purchases/PO-9", 404))


def test_suppliers_are_added_and_changed_and_a_taken_name_is_refused_by_its_field(leaf):
    browser = leaf.browser
    assert "Clay" in flash(browser.fill("/suppliers", "/suppliers/add", name="Clay").text)
    taken = browser.fill("/suppliers", "/suppliers/add", name="LEAF & co", phone="555")
    assert taken.status_code == 422
    assert 'id="name-fault"' in taken.text
    assert 'value="555"' in taken.text
    page = "/suppliers?edit=Clay"
    assert "Clay Ltd" in flash(browser.fill(page, "/suppliers/edit", name="Clay Ltd", active="yes").text)
    stale = browser.fill("/suppliers?edit=Clay%20Ltd", "/suppliers/edit", name="Clay", revision="0")
    assert stale.status_code == 409
    assert "was changed since you opened this page" in text(stale.text)
