"""What Home says, and what every page keeps to."""

from __future__ import annotations

import re

import pytest

from onhand.domain.differences import Cause
from onhand.domain.errors import Retriable
from onhand.domain.people import Role
from onhand.domain.states import CartState
from onhand.domain.stock import Kind
from onhand.web.site import FORM_BYTES
from onhand.words import label
from tests.web.conftest import NAMES, eventually, states, text

pytestmark = pytest.mark.slow  # most tests align shops and wait for them to settle


def verdict(page: str) -> str:
    """The tone of what Home says of all shops."""
    return re.search(r'<div class="verdict ([a-z]+)">', page)[1]


def figures(house) -> list[int]:
    """Today's figures: units sold, orders, units received, open differences, the post stack, items."""
    return [int(text(figure)) for figure in re.findall(r"<dd>(.*?)</dd>", block(house, "today"))]


def block(house, name: str) -> str:
    """One live block of Home, as HTML."""
    return house.page().partition(f'<div id="{name}">')[2].partition("<section")[0]


def test_an_empty_store_says_what_to_do_first(house):
    page = house.page()
    for address in ("/start", "/carts/new", "/receive"):
        assert f'href="{address}"' in page.partition("<main")[2]
    assert page.count('class="empty"') >= 3, "carts, differences, movements"


def test_a_cart_that_was_never_aligned_says_how_to_align_it(connected):
    page = connected.page()
    assert verdict(page) == "off"
    assert states(block(connected, "carts")) == [CartState.NOT_ALIGNED] * 2
    assert 'href="/functions?cart=1"' in page


def test_synchronization_switched_off_is_one_line_with_a_link_to_the_parameter(connected):
    connected.do("get_qoh", cart=NAMES[0], create=True)
    connected.do("send_qoh", cart=NAMES[1])
    assert connected.page().count('href="/parameters#SynchQOH"') == 1


def test_in_step_shows_each_cart_and_what_happened_today(connected):
    connected.begin()
    page = connected.page()
    assert verdict(page) == "ok"
    cards = block(connected, "carts")
    assert states(cards) == [CartState.IN_STEP] * 2
    assert "just now" in cards
    assert cards.count("30 products") == 2
    address = connected.app.read(lambda books: books.carts.named("Amber")).settings.url.removesuffix("onhand.php")
    assert f'<a href="{address}" rel="noreferrer">' in page
    sku = connected.shops["Amber"].stock()[0].sku
    connected.shops["Amber"].buy(sku, 2)
    eventually(lambda: figures(connected)[:3] == [2, 1, 0])


def test_a_halted_cart_says_why_and_what_to_do(connected):
    connected.begin()
    why = "25 of 30 products are gone from the shop."
    connected.app.database.write(lambda books: books.carts.halt(2, why))
    eventually(lambda: verdict(connected.page()) == "bad")  # counts are not taken at every moment
    page = connected.page()
    assert states(page) == [CartState.IN_STEP, CartState.STOPPED]
    assert why in page
    assert 'href="/functions?cart=2"' in page


def test_a_shop_that_is_down_is_named_with_its_trouble(connected):
    connected.begin()
    connected.do("cart_edit", cart="Amber", url="http://127.0.0.1:9/onhand.php")
    eventually(lambda: CartState.TROUBLE in states(connected.page()))
    assert verdict(connected.page()) == "warn"
    assert "The shop's server cannot be reached" in text(block(connected, "carts"))


def test_a_difference_that_waits_for_a_person_is_told_with_where_to_decide(connected):
    connected.begin()
    connected.do("cart_edit", cart="Amber", policy="ask")
    shop = connected.shops["Amber"]
    ware = shop.stock()[0]
    shop.admin_save(ware.sku, ware.quantity + 7)
    eventually(lambda: 'href="/differences?cart=1&amp;open=yes"' in connected.page())
    assert f"Amber {ware.sku} {label(Cause.EDIT)} +7" in text(connected.page())


def test_latest_movements_name_their_shop_and_order(connected):
    connected.begin()
    sku = connected.shops["Amber"].stock()[0].sku
    order = connected.shops["Amber"].buy(sku, 2)
    eventually(lambda: f"{sku} {label(Kind.SALE)} −2 Amber {order}" in text(connected.page()))
    connected.do("receive", lines=[(sku, 12)], reference="PO 7", person="Ida")
    assert f"{sku} {label(Kind.RECEIPT)} +12 Ida" in text(connected.page())


def test_what_cannot_be_promised_is_said_with_its_size(connected):
    connected.begin()
    shop = connected.shops["Amber"]
    sku = shop.stock()[0].sku
    connected.do("receive", lines=[(sku, 30)])
    eventually(lambda: shop.find(sku).quantity >= 30)
    shop.buy(sku, 19)
    eventually(lambda: f"{sku} {label(Kind.SALE)} −19" in text(connected.page()))
    assert "last unit" not in connected.page()  # 19 units are no pace yet
    shop.buy(sku, 5)
    eventually(lambda: f"{sku} {label(Kind.SALE)} −5" in text(connected.page()))
    hint = text(connected.page().partition('id="oversell"')[2])
    assert all(figure in hint for figure in ("0.2 s", f"{sku}, 1,400 an hour", "1 unit too many in 25 "))
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


def test_a_page_that_cannot_be_read_says_why(house, monkeypatch):
    def full(*_):
        raise Retriable("The disk is full: make room, nothing was lost.", reason="disk_full")

    monkeypatch.setattr(house.app, "read", full)
    assert "The disk is full: make room, nothing was lost." in text(house.browser.get("/").text)


def test_nobody_without_a_session_sees_anything(house):
    stranger = house.client()
    stranger.cookies.clear()
    for (method, path), scope in house.site.scopes.items():
        if scope is None:
            continue
        answer = stranger.request(method, re.sub(r"\{[^}]*\}", "1", path), follow_redirects=False)
        if method == "GET":
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login"), path
        else:
            assert answer.status_code in (303, 403, 404, 409, 422), path
        assert "Ann" not in answer.text, path
    assert stranger.get("/events").status_code == 403


def test_what_a_stranger_sends_is_not_read_unless_it_is_small(house):
    stranger = house.client()
    stranger.cookies.clear()
    broken = {"content-type": "multipart/form-data"}  # to read it would be to refuse it
    answer = stranger.post("/inventory/import", content=b"?", headers=broken, follow_redirects=False)
    assert answer.headers["location"] == "/login?next=/"
    answer = stranger.post("/login", data={"name": "Ann"}, files={"file": ("items.csv", bytes(FORM_BYTES))})
    assert answer.status_code == 413


@pytest.mark.parametrize("role", list(Role))
def test_every_page_and_form_is_refused_to_a_role_that_lacks_its_scope(house, role):
    client = house.client(role)
    csrf = re.search(r'name="csrf" value="([^"]*)"', client.shown("/account"))[1]
    tried = 0
    for (method, path), scope in house.site.scopes.items():
        if scope is None or scope in role.scopes:
            continue
        tried += 1
        before = house.app.database.version
        answer = client.request(
            method, re.sub(r"\{[^}]*\}", "1", path), data={"csrf": csrf} if method == "POST" else None
        )
        assert answer.status_code == 403, path
        assert "ask a" in text(answer.text), path
        assert house.app.database.version == before, path
    assert tried or role is Role.ADMINISTRATOR


def test_the_menu_leads_to_screens_that_are_there_and_that_one_may_open(house):
    for role in Role:
        client = house.client(role)
        menu = re.findall(r'<li><a href="([^"]*)"', client.shown("/").partition('id="menu"')[2].partition("</nav>")[0])
        assert len(menu) >= 10
        for path in menu:
            client.shown(path)
    assert {"/people", "/webhooks", "/audit"} <= set(menu)


def test_a_form_is_taken_from_our_own_pages_only(house):
    key = "/logout"
    sent = {"csrf": re.search(r'name="csrf" value="([^"]*)"', house.page())[1]}
    for headers in (
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
    ):
        assert house.browser.post(key, data=sent, headers=headers).status_code == 403
    assert house.browser.post(key, data={"csrf": "guessed"}).status_code == 409
    assert house.browser.post(key, data={}).status_code == 409
    house.page()  # still logged in
    assert house.browser.post(key, data=sent, follow_redirects=False).headers["location"] == "/login"
    assert house.browser.get("/", follow_redirects=False).status_code == 303


def test_whatever_was_typed_is_shown_as_text(house):
    evil = "<script>alert(1)</script>"
    house.do("item_add", sku=evil, name='"><img src=x onerror=alert(1)>', on_hand=1, person=evil)
    house.do("cart_add", name="<b>Bold</b>", url="https://shop.example/onhand.php")
    for path in ("/", "/inventory", "/movements", "/carts", "/functions", "/orders", "/receive", "/start"):
        page = house.browser.shown(path)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<b>Bold" not in page


def test_pages_run_no_inline_script_or_style_and_load_nothing_from_elsewhere(connected):
    connected.begin()
    for path in re.findall(r'<li><a href="([^"]*)"', connected.page()):
        answer = connected.browser.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        page = answer.text
        assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page), path
        for address in re.findall(r'(?:src|href)="([^"]*)"', page):
            assert address.startswith(("/", "#", "?", "http://127.0.0.1:", "mailto:")), address
    for address in re.findall(r'(?:src|href)="(/static/[^"]*)"', connected.page()):
        assert connected.browser.get(address).status_code == 200


def test_everything_to_fill_in_has_a_label_on_every_screen(connected):
    connected.begin()
    for path in re.findall(r'<li><a href="([^"]*)"', connected.page()):
        page = connected.browser.shown(path)
        labels = set(re.findall(r'<label\b[^>]*\bfor="([^"]*)"', page))
        for tag in re.findall(r"<(?:input|select|textarea)\b[^>]*>", page):
            if 'type="hidden"' not in tag:
                name = re.search(r'\bid="([^"]*)"', tag)
                assert (name and name[1] in labels) or "aria-label" in tag, f"{path}: {tag}"
        ids = re.findall(r'\sid="([^"]*)"', page)
        assert len(ids) == len(set(ids)), f"{path}: {sorted({i for i in ids if ids.count(i) > 1})}"
