"""Holds every page to what eyes and hands need: it fits its window, it can be read in light and dark, the keyboard gets everywhere.

Path: one furnished house, in which every screen has something to show, walked page by page at both widths.
Promise: a page of the menu that is not walked here fails the test.
Never: judges taste; people look at the pictures that ``ONHAND_PICTURES`` names a directory for.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from onhand.web.site import MENU
from tests.browser import DESK, PHONE
from tests.web.conftest import NAMES, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

PICTURES = os.environ.get("ONHAND_PICTURES")
LONG_SKU = "WIDE-" + "0123456789" * 5 + "-LAST"
LONG_NAME = "A kettle that is described at length by people who know kettles, " * 4
SIZES = {"desk": DESK, "phone": PHONE}

MISFITS = """() => {
  const width = document.documentElement.clientWidth;
  const inside = (box) => {
    for (let e = box.parentElement; e; e = e.parentElement) if (getComputedStyle(e).overflowX !== 'visible') return true;
  };
  const found = [...document.querySelectorAll('main *, header *, footer *')].filter((e) => {
    const at = e.getBoundingClientRect();
    return at.width && at.right > width + 1 && getComputedStyle(e).position !== 'fixed' && !inside(e);
  });
  return found.map((e) => `${e.tagName} ${e.id} ${e.className} ${e.textContent.trim().slice(0, 40)}`).slice(0, 3);
}"""

# Text that stands too little out from what is behind it: below 4.5 to 1, or 3 to 1 for large letters.
FAINT = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const light = ([r, g, b]) => [r, g, b].map((c) => (c /= 255) <= .03928 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, at) => sum + c * [.2126, .7152, .0722][at], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour[3] > .99) return colour;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement, style = getComputedStyle(e);
    if (!walk.currentNode.textContent.trim() || !e.checkVisibility() || e.closest(':disabled, .unseen, .skip, .plot, option')) continue;
    const [one, other] = [light(parse(style.color)), light(behind(e))];
    const ratio = (Math.max(one, other) + .05) / (Math.min(one, other) + .05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.6 && Number(style.fontWeight) >= 600);
    if (ratio < (large ? 3 : 4.5)) faint.add(`${ratio.toFixed(1)}: ${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 40)}`);
  }
  return [...faint].slice(0, 5);
}"""

# Each input has a name for who cannot see it, and no two things on a page have the same id.
UNNAMED = """() => {
  const inputs = [...document.querySelectorAll('input:not([type=hidden]), select, textarea, progress')];
  const bare = inputs.filter((e) => !e.labels?.length && !e.getAttribute('aria-label')).map((e) => `no label: ${e.outerHTML.slice(0, 80)}`);
  const heads = [...document.querySelectorAll('thead th:not([scope])')].map((e) => `no scope: ${e.textContent}`);
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `twice: ${id}`);
  const mute = (e) => !e.textContent.trim() && !e.getAttribute('aria-label');
  const buttons = [...document.querySelectorAll('button, a')].filter(mute).map((e) => `no words: ${e.outerHTML.slice(0, 80)}`);
  return [...bare, ...heads, ...twice, ...buttons];
}"""

UNSEEN_FOCUS = """() => {
  const stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')];
  return stops.filter((e) => {
    if (e.disabled || !e.checkVisibility()) return false;
    e.focus();
    const style = getComputedStyle(e);
    return document.activeElement === e && (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2);
  }).map((e) => `no focus to be seen: ${e.outerHTML.slice(0, 80)}`);
}"""


@pytest.fixture
def furnished(connected):
    """A house in which nothing is empty and some things are overfull."""
    house = connected
    house.begin()
    house.do(
        "supplier_add",
        name="Hill & Daughters, purveyors of stoneware",
        email="orders@hill.example",
        phone="+49 30 123456",
    )
    house.do("item_add", sku=LONG_SKU, name=LONG_NAME[:250], on_hand=1_234_567)
    skus = [item["sku"] for item in house.do("item_list", limit=6)["items"]]
    for sku in (LONG_SKU, *skus[:3]):
        house.do(
            "item_edit",
            sku=sku,
            supplier="Hill & Daughters, purveyors of stoneware",
            reorder_point=2_000_000,
            reorder_to=3_000_000,
        )
    house.do("purchase_raise")
    house.do("purchase_send", order=house.do("purchase_list")["orders"][0]["order"])
    house.do("purchase_add", supplier="Hill & Daughters, purveyors of stoneware", lines=[(LONG_SKU, 12)])
    house.do("order_add", lines=[(LONG_SKU, 3), (skus[0], 1)], note="Mrs Ironside, to be fetched on Friday")
    house.do("adjust", sku=skus[1], change=-100_000, reason="broken on the way to the cellar", below_zero=True)
    house.do("count_add", name="Everything on the long shelf in the cellar, left side")
    house.do("count_enter", sheet=1, lines=[{"sku": LONG_SKU, "counted": 3, "how": "ask"}])
    house.do(
        "webhook_add", url="http://127.0.0.1:9/" + "a-long-way-to-go/" * 8, events=["stock.changed"], allow_http=True
    )
    house.do("user_add", name="Bartholomew the clerk of the upper cellar", role="clerk")
    house.do("token_add", name="The program that prints labels", scopes=["read", "stock"], user="Ann the administrator")
    amber, birch = house.shops.values()
    amber.buy(skus[2], 2)
    amber.add_product("NOBODY-KNOWS-IT", "A thing of which there is no item", 4)
    amber.add_product(skus[3], "A second thing of the same SKU", 4)
    house.do("cart_edit", cart=NAMES[1], policy="ask")
    birch.admin_save(skus[4], 77)
    house.do("posts_park", cart=NAMES[0], sku=skus[5], reason="the shop's page is being rebuilt")
    for number in range(5):
        house.do(
            "cart_add",
            name=f"Shop number {number} of the Northern branch",
            url=f"https://shop{number}.example/onhand.php",
        )
    task = house.do("task_start", verb="send_qoh", arguments={"cart": NAMES[0]})["task"]
    eventually(lambda: house.do("task_show", task=task)["state"] != "running", 20)
    eventually(lambda: any(d["remedy"] == "ask" for d in house.do("differences", open_only=True)["differences"]), 20)
    eventually(lambda: house.do("order_list", cart=NAMES[0])["orders"])
    return house


def addresses(house) -> list[str]:
    """Every page of the menu, and one of each kind behind them."""
    order = house.do("order_list", by_phone=True)["orders"][0]["order"]
    collected = house.do("order_list", cart=NAMES[0])["orders"][0]["order"]
    drafts = {order["state"]: order["order"] for order in house.do("purchase_list")["orders"]}
    unmatched = house.do("cart_products", cart=NAMES[0], problem="unmatched")["products"]
    menu = [link.path for links in MENU.values() for link in links]
    return [
        *menu,
        f"/item?sku={LONG_SKU}", "/inventory/new", "/inventory/import", "/inventory?q=nothing+of+that+kind",
        f"/order?number={order}", f"/order?number={collected}&cart={NAMES[0]}", "/orders/new",
        "/purchases", "/purchases/new", "/purchases/suggested", f"/purchases/{drafts['sent']}", f"/purchases/{drafts['draft']}",
        "/counts/new", "/counts/1", "/counts/1/review",
        "/carts/1", "/carts/3", "/carts/new", "/carts/1/listings", f"/carts/1/listings/{unmatched[0]['product']}",
        "/functions?cart=1", "/functions?cart=1&preview=send", "/functions?cart=2&preview=get&create=yes",
        "/tasks", "/tasks/1", "/stack?cart=1", "/differences?open=yes", "/movements?kind=sale",
        "/suppliers?edit=Hill+%26+Daughters%2C+purveyors+of+stoneware",
        "/webhooks/1", "/people/2", "/account",
    ]  # fmt: skip


def picture(page: Page, path: str, words: str) -> None:
    if PICTURES:
        name = re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-")[:60] or "home"
        page.screenshot(path=str(Path(PICTURES) / f"{name}-{words}.png"), full_page=True)


def misfits(page: Page, path: str) -> list[str]:
    """What sticks out of the window at either width. Layout is the same in light and dark."""
    found = []
    for words, size in SIZES.items():
        page.set_viewport_size(size["viewport"])
        found += [f"sticks out of the {words}: {thing}" for thing in page.evaluate(MISFITS)]
        if page.evaluate("document.documentElement.scrollWidth") != size["viewport"]["width"]:
            found.append(f"is wider than the {words}")
        picture(page, path, f"{words}-light")
    return found


def legible(page: Page, path: str) -> list[str]:
    found = []
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        found += [f"faint in the {scheme}: {thing}" for thing in page.evaluate(FAINT)]
        picture(page, path, f"phone-{scheme}")
    return found


def reachable(page: Page) -> list[str]:
    """The keyboard: the skip link comes first, unless the page begins in a field; whatever has the focus shows it."""
    begins_in_field = page.evaluate("document.activeElement !== document.body")
    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.className")
    found = [] if begins_in_field or first == "skip" else ["the skip link is not the first stop"]
    return found + page.evaluate(UNSEEN_FOCUS)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_every_page_fits_and_can_be_read_and_reached(furnished, visit, script):
    page = visit("/login", java_script_enabled=script)
    wrong = []
    for path in addresses(furnished):
        page.goto(path)
        if script and page.locator("#stream").count():
            expect(page.get_by_text("Live", exact=True)).to_be_visible()
        found = misfits(page, path if script else f"plain {path}")
        if page.get_by_role("heading", level=1).count() != 1:
            found.append("has not one h1")
        if script:
            found += page.evaluate(UNNAMED) + legible(page, path) + reachable(page)
        wrong += [f"{path} {thing}" for thing in found]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("document.querySelector('h1').style.width = '3000px'", "is wider than the desk"),
        ("document.querySelector('h1').style.color = '#999'", "faint in the dark|faint in the light"),
        ("document.body.append(document.createElement('input'))", "no label"),
        ("document.querySelector('.whoami a').style.outline = 'none'", "no focus"),
        ("document.querySelector('.skip').remove()", "the skip link is not the first stop"),
    ],
)
def test_these_checks_can_fail(visit, change, complaint):
    page = visit("/account")
    page.evaluate(change)
    found = [*misfits(page, "x"), *page.evaluate(UNNAMED), *legible(page, "x"), *reachable(page)]
    assert re.search(complaint, " ".join(found)), found
