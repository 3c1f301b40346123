"""What the first page says."""

from __future__ import annotations

import re

import pytest
from fastapi.testclient import TestClient

from tests.web.conftest import NAMES, eventually, text

pytestmark = pytest.mark.slow  # most tests align shops and wait for them to settle


def test_an_empty_store_says_what_to_do_first(house):
    page = text(house.page())
    assert "No shop is connected" in page
    assert 'onhand cart add "My shop" --url https://www.example.com/onhand.php' in page
    assert "There are no items yet." in page
    assert "None so far: no shop has shown a count that its trade does not explain." in page
    assert "Nothing has moved yet." in page


def test_a_cart_that_was_never_aligned_says_how_to_align_it(connected):
    page = text(connected.page())
    assert "Not in step" in page
    assert "Amber was never aligned." in page
    assert "onhand get-qoh 'Birch & Sons' --create" in page


def test_synchronization_switched_off_is_one_line_with_the_command(connected):
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    assert "Synchronization is off for the whole program. onhand param set SynchQOH True" in text(connected.page())


def test_in_step_shows_every_count_and_each_cart(connected):
    connected.begin()
    page = connected.page()
    assert "<title>In step · OnHand</title>" in page
    ware = connected.shops["Amber"].stock()[0]
    row = text(re.search(rf"<tr[^>]*><th[^>]*>{ware.sku}</th>.*?</tr>", page, re.DOTALL)[0])
    assert row == f"{ware.sku} {ware.name} {ware.quantity} {ware.quantity} {ware.quantity}"
    cards = text(connected.region("carts"))
    assert cards.count("in step") == 2
    assert "looked just now" in cards
    assert cards.count("30 listings kept") == 2
    address = connected.app.read(lambda books: books.carts.named("Amber")).settings.url.removesuffix("onhand.php")
    assert f'<a href="{address}" rel="noreferrer">open shop</a>' in page


def test_a_halted_cart_says_why_and_what_to_do(connected):
    connected.begin()
    why = "25 of 30 products are gone from the shop."
    connected.app.database.write(lambda books: books.carts.halt(2, why))
    page = text(connected.page())
    assert "Not in step" in page
    assert "Birch & Sons is stopped: nothing is posted there." in page
    assert why in page
    assert "onhand send-qoh 'Birch & Sons' --dry-run" in page
    sku = connected.shops["Amber"].stock()[0].sku
    on_hand = connected.do("receive", lines=[(sku, 5)])["on_hand"][sku]
    assert f"{on_hand - 5} → {on_hand} waits: stopped" in text(connected.region("stock", q=sku))


def test_a_shop_that_is_down_is_named_with_its_trouble_and_what_waits(connected):
    connected.begin()
    connected.do("cart_edit", cart="Amber", url="http://127.0.0.1:9/onhand.php")
    eventually(lambda: "Amber does not answer as it should." in text(connected.page()))
    sku = connected.shops["Amber"].stock()[0].sku
    connected.do("receive", lines=[(sku, 5)])
    assert "onhand cart test Amber" in text(connected.region("carts"))
    assert "waits for shop" in connected.region("stock", q=sku)


def test_a_held_difference_is_marked_in_its_cell_and_asks_for_a_decision(connected):
    connected.begin()
    connected.do("cart_edit", cart="Amber", policy="ask")
    shop = connected.shops["Amber"]
    ware = shop.stock()[0]
    shop.admin_save(ware.sku, ware.quantity + 7)
    eventually(lambda: "held for a decision" in connected.page())
    page = text(connected.page())
    assert "Amber: 1 difference waits for your decision, see below." in page
    assert f"{ware.quantity + 7} → {ware.quantity} held for a decision" in page
    found = connected.do("differences", open_only=True)["differences"][0]
    rows = text(connected.region("differences"))
    assert f"Amber {ware.sku} edit in the shop +7 ask waits for you onhand decide {found['id']} ours" in rows


def test_latest_movements_name_their_shop_and_order(connected):
    connected.begin()
    sku = connected.shops["Amber"].stock()[0].sku
    order = connected.shops["Amber"].buy(sku, 2)
    eventually(lambda: f"{sku} sale −2 Amber {order}" in text(connected.region("movements")))
    connected.do("receive", lines=[(sku, 12)], reference="PO 7", person="Ida")
    assert f"{sku} receipt +12 Ida" in text(connected.region("movements"))


def test_what_cannot_be_promised_is_said_with_its_size(connected):
    connected.begin()
    shop = connected.shops["Amber"]
    sku = shop.stock()[0].sku
    connected.do("receive", lines=[(sku, 30)])
    eventually(lambda: shop.find(sku).quantity >= 30)
    shop.buy(sku, 19)
    eventually(lambda: f"{sku} sale −19" in text(connected.region("movements")))
    assert "last unit" not in connected.page()  # 19 units are no pace yet
    shop.buy(sku, 5)
    eventually(lambda: f"{sku} sale −5" in text(connected.region("movements")))
    footer = text(connected.page().partition("<footer>")[2])
    assert footer.startswith(
        "While two shops show the same last unit, both can sell it within one look (0.2 s, and the time of a request on"
        f" top). At the pace of your best seller ({sku}, 1,400 an hour) that is about 1 unit too many in 25 stock-outs."
    )
    connected.do("cart_edit", cart="Amber", tick_seconds=5)
    assert "(5 s, and" in connected.page()  # the slowest shop decides
    for verb, other, back in (
        ("sync_off", {"cart": "Amber"}, ("sync_on", {"cart": "Amber", "force": "test"})),
        ("cart_edit", {"cart": "Amber", "active": False}, ("cart_edit", {"cart": "Amber", "active": True})),
        ("param_set", {"name": "SynchQOH", "value": "False"}, ("param_set", {"name": "SynchQOH", "value": "True"})),
    ):
        connected.do(verb, **other)
        assert "last unit" not in connected.page(), verb  # one shop alone cannot sell what another sold
        connected.do(back[0], **back[1])
        assert "last unit" in connected.page(), verb


def test_whatever_was_typed_is_shown_as_text(house):
    evil = "<script>alert(1)</script>"
    house.do("item_add", sku=evil, name='"><img src=x onerror=alert(1)>', on_hand=1, person=evil)
    house.do("cart_add", name="<b>Bold</b>", url="https://shop.example/onhand.php")
    for page in (house.page(), house.page(q=evil), house.page(after="<hx-partial>", q='"><i>')):
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<b>Bold" not in page
        assert '"><i>' not in page
    assert evil in text(house.region("stock")).replace("&lt;", "<")


def test_pages_run_no_inline_script_or_style_and_load_nothing_from_elsewhere(connected):
    connected.begin()
    answer = connected.browser.get("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    page = answer.text
    assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    for address in re.findall(r'(?:src|href)="([^"]*)"', page):
        assert address.startswith(("/", "#", "http://127.0.0.1:")), address
    for address in re.findall(r'(?:src|href)="(/static/[^"]*)"', page):
        assert connected.browser.get(address).status_code == 200


def test_everything_to_fill_in_has_a_label(house):
    page = house.page()
    for given in re.findall(r'<input id="([^"]*)"', page):
        assert f'<label for="{given}">' in page


def test_a_search_finds_by_sku_and_by_name_and_says_when_it_finds_nothing(house):
    house.do("item_add", sku="TEA-1", name="Green leaf", on_hand=3)
    house.do("item_add", sku="MUG-1", name="Blue mug", on_hand=4)
    assert "TEA-1" in house.region("stock", q="tea")
    assert "MUG-1" not in house.region("stock", q="tea")
    assert "MUG-1" in house.region("stock", q="blue")
    assert "No SKU and no name contains “lamp”." in text(house.region("stock", q="lamp"))
    assert 'value="lamp"' in house.page(q="lamp")
    assert 'hx-sse:connect="/events?q=lamp"' in house.page(q="lamp")


def _skus(html: str) -> list[str]:
    return re.findall(r'class="sku">([^<]*)</th>', html)


def _link(html: str, word: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)"[^>]*>{word}</a>', html)
    return found and found[1].replace("&amp;", "&")


def test_a_large_store_is_paged_forth_and_back_and_never_shown_whole(house):
    text_ = "sku,name,on_hand\n" + "".join(f"K-{n:04},Thing {n},{n}\n" for n in range(120))
    house.do("item_import", text=text_)
    pages = [house.page()]
    while on := _link(pages[-1], "Next"):
        pages.append(house.browser.get(on).text)
    assert [len(_skus(page)) for page in pages] == [50, 50, 20]
    assert [sku for page in pages for sku in _skus(page)] == [f"K-{n:04}" for n in range(120)]
    assert "K-0000 to K-0049 · 120 items in all" in text(pages[0])
    assert _link(pages[0], "Back") is None
    again = house.browser.get(_link(pages[2], "Back")).text
    assert _skus(again) == _skus(pages[1])
    assert _skus(house.browser.get(_link(again, "Back")).text) == _skus(pages[0])
    assert _skus(house.browser.get(_link(pages[2], "First")).text) == _skus(pages[0])


def test_a_store_that_cannot_be_read_is_said_on_the_page(house):
    # Somebody else's hand in the file: the table is gone from under us.
    house.app.database.write(lambda books: books._connection.exec_driver_sql("ALTER TABLE differences RENAME TO gone"))
    answer = house.browser.get("/")
    assert answer.status_code == 503
    assert "The page cannot be shown The database refused a statement: no such table: differences" in text(answer.text)


def test_an_overlong_search_is_refused(house):
    assert TestClient(house.api).get("/", params={"q": "x" * 301}).status_code == 422
