"""Walks the user guide in a browser, step by step as it is written, and takes its pictures.

Path: ``docs/guide.md`` names the pictures; ``make screenshots`` sets ``ONHAND_SCREENSHOTS=1``, and the walk writes them anew.
Promise: what a picture shows was reached by what the guide says, and something true was seen on it; no picture is missing or left over.
Never: compares pixels.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from onhand.app import App
from onhand.carts.sample import SampleShop, catalogue, serve
from onhand.domain.people import Role
from onhand.services import people
from onhand.serving.server import Server
from tests.browser import PHONE, visitor
from tests.builders import new_store
from tests.web.conftest import House, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "guide"
NAMED = set(re.findall(r"!\[[^]]+\]\(guide/([a-z-]+)\.png\)", (DOCS / "guide.md").read_text()))
TAKEN = bool(os.environ.get("ONHAND_SCREENSHOTS"))
BYTES_MAX = 120_000
DRAW_MS = 400  # until charts are drawn
MARGIN, HEIGHT = 12, 900  # pixels around a picture, and its height at most
AMBER, BIRCH = "Amber", "Birch & Sons"
SUPPLIER = "Hill & Daughters"


def picture(page: Page, name: str, *parts: Locator, height: int | None = None) -> None:
    """One picture of the guide: of what lies between these parts, or else of the page without its menu; at most so many pixels high."""
    assert name in NAMED, f"the guide does not show {name}"
    if not TAKEN:
        return
    page.evaluate("document.activeElement?.blur()")
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(DRAW_MS)
    boxes = [box for part in parts or page.locator("main > *:visible").all() if (box := part.bounding_box())]
    left, top = (max(0, min(box[side] for box in boxes) - MARGIN) for side in ("x", "y"))
    right = min(max(box["x"] + box["width"] for box in boxes) + MARGIN, page.evaluate("innerWidth"))
    bottom = max(box["y"] + box["height"] for box in boxes) + MARGIN
    clip = {"x": left, "y": top, "width": right - left, "height": min(bottom - top, height or HEIGHT)}
    page.screenshot(path=str(GUIDE / f"{name}.png"), clip=clip, full_page=True)
    assert (GUIDE / f"{name}.png").stat().st_size < BYTES_MAX, f"{name} is too large"


def press(page: Page, label: str) -> None:
    page.get_by_role("button", name=label, exact=True).first.click()


@pytest.fixture
def open_shop(tmp_path: Path) -> Iterator[Callable[[House, str], str]]:
    """Opens a sample shop of that name with the key that OnHand made for it, and says where its connector is."""
    fronts = {}

    def start(house: House, name: str) -> str:
        shop = SampleShop(tmp_path / f"{name[:5]}.db", name).create(catalogue(30))
        own = house.app.read(lambda books: books.carts.named(name)).settings
        fronts[name] = serve(shop, port=0, key_id=own.key_id, secret=own.secret)
        house.shops[name] = shop
        return fronts[name].connector_url

    start.fronts = fronts  # type: ignore[attr-defined]  # a shop that goes down is one of the guide's cases
    yield start
    for front in fronts.values():
        front.stop()


def test_the_first_start(tmp_path: Path, chromium) -> None:
    new_store(tmp_path / "fresh.db")
    with (
        App(tmp_path / "fresh.db", "test") as app,
        Server(app, pages=True) as server,
        visitor(chromium, base_url=server.url) as page,
    ):
        page.goto("/")
        expect(page.get_by_text("No users yet.")).to_be_visible()
        page.goto(f"/begin/{people.first_link(app.house)}")
        expect(page.get_by_role("heading", name="The first administrator")).to_be_visible()
        page.get_by_label("Name").fill("Ann")
        page.get_by_label("Password", exact=True).fill("the kettle is on")
        page.get_by_label("Repeat password").fill("the kettle is on")
        picture(page, "first-start")
        press(page, "Save password")
        expect(page.get_by_role("heading", name="No shop connected", exact=True)).to_be_visible()
        page.get_by_role("link", name="Getting started").first.click()
        expect(page.get_by_text("0 of 7 done")).to_be_visible()


@pytest.mark.timeout(300)
def test_the_seven_steps_and_a_day(house: House, visit, open_shop) -> None:
    page = visit("/carts/new", reduced_motion="reduce", expecting="status of 422")  # counts that differ are refused
    _connect(house, page, open_shop)
    _align(house, page, open_shop)
    _switch_on(house, page)
    skus = [ware.sku for ware in house.shops[AMBER].stock()]
    _receive(house, page, skus)
    _count(house, visit, page, skus)
    _sell(house, page, skus)
    _differ(house, page, skus)
    _office(house, page)
    _home(house, visit, page, open_shop)


def _connect(house: House, page: Page, open_shop) -> None:
    page.get_by_label("Name").fill(AMBER)
    page.get_by_label("Address of the connector").fill("https://amber.example/onhand.php")
    press(page, "Connect shop")
    expect(page.get_by_role("status").filter(has_text="Amber")).to_be_visible()
    picture(page, "cart-files", page.locator("section[aria-labelledby=files-title]"))
    with page.expect_download() as found:
        press(page, "Download onhand-key.php")
    assert found.value.suggested_filename == "onhand-key.php"
    page.reload()
    expect(page.locator("#why-no-box")).to_contain_text("SynchQOH is False")
    picture(page, "no-box", page.locator("#synchronize-box"))
    house.do("cart_edit", cart=AMBER, url=open_shop(house, AMBER), settle_seconds=0.5, tick_seconds=0.2)
    page.reload()
    press(page, "Test connection")
    expect(page.locator("#tested")).to_contain_text("Connected")


def _align(house: House, page: Page, open_shop) -> None:
    page.goto("/functions?cart=1")
    page.get_by_label("Create Records for New Products").check()
    press(page, "Get QOH from Website")
    expect(page.get_by_role("heading", name="Preview: Get QOH from Website")).to_be_visible()
    picture(page, "functions", height=760)
    page.get_by_role("button", name="Get 30 counts").click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    expect(page.get_by_role("heading", name="Result for each SKU")).to_be_visible()
    picture(page, "task", height=620)

    house.do("cart_add", name=BIRCH, url="https://birch.example/onhand.php")
    house.do("cart_key", cart=BIRCH)
    house.do("cart_edit", cart=BIRCH, url=open_shop(house, BIRCH), settle_seconds=0.5, tick_seconds=0.2)
    birch = house.shops[BIRCH]
    birch.admin_save("MUG-SAND", 40)
    birch.rename("TEA-DARJ-1", "TEA-DARJEEL")
    birch.add_product("TEA-EARL", "Earl Grey, the old tin", 3)
    birch.add_product(None, "Gift wrapping", 100)
    page.goto("/functions?cart=2")
    press(page, "Send QOH to Website")
    page.get_by_role("button", name="Send").last.click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    page.goto("/carts/2/listings")
    expect(page.get_by_role("row").filter(has_text="TEA-DARJEEL")).to_contain_text("Unmatched SKU")
    picture(page, "listings")
    page.get_by_role("link", name="Link product 17").click()
    expect(page.get_by_role("heading", name="Which item is this?")).to_be_visible()
    picture(page, "listing")
    page.get_by_role("button", name="Link item TEA-DARJ-1").click()
    page.goto("/start")
    expect(page.get_by_text("2 of 7 done")).to_be_visible()
    picture(page, "start", height=820)


def _switch_on(house: House, page: Page) -> None:
    page.goto("/parameters")
    picture(page, "parameters", height=420)
    page.get_by_label("Value of SynchQOH").select_option("True")
    page.get_by_role("button", name="Save SynchQOH").click()
    house.app.start_controller()
    _synchronize(page, 1)
    expect(page.get_by_text("Amber is being synchronized")).to_be_visible()
    house.shops[BIRCH].admin_save("MUG-MOSS", 30)
    _synchronize(page, 2)
    expect(page.locator("#differing")).to_contain_text("1 count differs")
    picture(page, "differing", page.get_by_role("alert"), page.locator("#differing"))
    page.get_by_role("link", name="Our counts are right: Send QOH to Website").click()
    page.get_by_role("button", name="Send").last.click()
    expect(page.get_by_role("heading", name="Done")).to_be_visible()
    _synchronize(page, 2)
    expect(page.get_by_text("Birch & Sons is being synchronized")).to_be_visible()


def _synchronize(page: Page, cart: int) -> None:
    page.goto(f"/carts/{cart}")
    page.get_by_label("Synchronize Inventory").check()
    press(page, "Save changes")


def _receive(house: House, page: Page, skus: list[str]) -> None:
    house.do("supplier_add", name=SUPPLIER, email="orders@hill.example")
    for sku in ("MUG-SLATE", "POT-CELADON", "POT-IRON"):
        house.do("item_edit", sku=sku, supplier=SUPPLIER, reorder_point=40, reorder_to=60)
    page.goto("/purchases/suggested")
    expect(page.get_by_role("row").filter(has_text="POT-CELADON")).to_contain_text("48")
    picture(page, "suggested")
    page.get_by_role("button", name="Create 1 draft").click()
    page.goto("/purchases")
    page.get_by_role("link", name="PO-1").click()
    press(page, "Mark as sent")
    page.get_by_label("Received now of POT-IRON").fill("20")
    page.get_by_label("Delivery note").fill("DN 4711")
    picture(page, "purchase")
    press(page, "Receive goods")
    expect(page.get_by_role("row").filter(has_text="POT-IRON")).to_contain_text("26")
    page.goto("/receive")
    page.get_by_label("SKU, line 1").fill(skus[0])
    page.get_by_label("Units, line 1").fill("12")
    picture(page, "receive")
    press(page, "Receive goods")
    eventually(lambda: house.shops[BIRCH].find(skus[0]).quantity == 76)


def _count(house: House, visit, page: Page, skus: list[str]) -> None:
    page.goto("/counts/new")
    page.get_by_label("Name", exact=True).fill("Shelf of mugs")
    page.get_by_label("SKU or name contains").fill("mug")
    press(page, "Create count sheet")
    expect(page.get_by_role("heading", name="Shelf of mugs")).to_be_visible()
    phone = visit("/counts/1", Role.CLERK, size=PHONE)
    for sku, counted in (("MUG-SLATE", "57"), ("MUG-SAND", "42")):
        phone.get_by_label(f"Count of {sku}").fill(counted)
    picture(phone, "count-phone", phone.locator("section[aria-labelledby=lines-title]"))
    phone.get_by_role("button", name="Save counts").first.click()
    expect(phone.get_by_role("row").filter(has_text="MUG-SAND")).to_contain_text("42")
    house.shops[AMBER].buy("MUG-SLATE", 2)  # a sale during the count
    eventually(lambda: house.do("item_show", sku="MUG-SLATE")["on_hand"] == 58)
    page.goto("/counts/1/review")
    expect(page.get_by_role("row").filter(has_text="MUG-SLATE")).to_contain_text("−3")
    picture(page, "count-review")
    press(page, "Apply count")
    eventually(lambda: house.shops[BIRCH].find("MUG-SLATE").quantity == 55)


def _sell(house: House, page: Page, skus: list[str]) -> None:
    house.shops[AMBER].buy(skus[0], 1)
    house.shops[BIRCH].buy_all([(skus[2], 2), (skus[4], 1)])
    waits = house.shops[AMBER].prepare(skus[3], 1)  # not paid yet
    page.goto("/orders/new")
    page.get_by_label("Note").fill("Mrs Ironside, fetches it on Friday")
    page.get_by_label("SKU, line 1").fill(skus[0])
    page.get_by_label("Units, line 1").fill("2")
    press(page, "Save order")
    page.goto("/orders")
    expect(page.get_by_role("row").filter(has_text="Waiting for payment")).to_contain_text(str(waits))
    expect(page.get_by_role("row").filter(has_text="By phone")).to_contain_text("2 × TEA-ASSAM")
    picture(page, "orders")
    page.goto(f"/item?sku={skus[0]}")
    page.get_by_label("Change by").fill("-1")
    page.get_by_label("Reason").select_option("damaged")
    press(page, "Adjust stock")
    expect(page.locator("#item_figures")).to_contain_text("72")
    picture(page, "item", page.get_by_role("heading", level=1), page.locator("section[aria-labelledby=shops-title]"))
    picture(page, "item-forms", *(page.locator(f"form[action='/item/{form}']") for form in ("adjust", "edit")))
    page.locator("#item_figures").get_by_role("link", name="72").click()
    expect(page.get_by_role("row").filter(has_text="Opening stock")).to_contain_text("+64")
    picture(page, "movements")
    page.goto("/inventory")
    expect(page.locator("#item-1")).to_contain_text("72")
    picture(page, "inventory", height=620)


def _differ(house: House, page: Page, skus: list[str]) -> None:
    house.do("cart_edit", cart=AMBER, policy="ask")
    shop = house.shops[AMBER]
    shop.admin_save(skus[5], shop.find(skus[5]).quantity + 7)
    other = house.shops[BIRCH]
    other.admin_save(skus[6], other.find(skus[6]).quantity + 3)
    page.goto("/differences")
    expect(page.get_by_role("row").filter(has_text="HON-LINDEN")).to_contain_text("Needs a decision", timeout=20_000)
    expect(page.get_by_role("row").filter(has_text="MUG-SAND")).to_contain_text("Closed", timeout=20_000)
    picture(page, "differences")
    page.goto("/stack?cart=2")
    page.get_by_label("SKU").fill(skus[7])
    page.get_by_label("Reason").fill("its page is being rebuilt")
    press(page, "Park item")
    expect(page.locator("#parked")).to_contain_text("its page is being rebuilt")
    picture(page, "stack", height=760)


def _office(house: House, page: Page) -> None:
    page.goto("/people")
    page.locator("#invite-name").fill("Ida")
    press(page, "Invite user")
    expect(page.locator("#made")).to_contain_text("/begin/")
    picture(page, "people", height=760)
    page.goto("/audit")
    expect(page.get_by_role("row").filter(has_text="Invite user")).to_contain_text("Ida")
    picture(page, "audit", height=620)
    page.goto("/inventory/import")
    table = "sku,name,on_hand,reorder_point\nTEA-ASSAM,,70,20\nTEA-NETTLE,Nettle 60 g,25,5\n"
    page.get_by_label("CSV or XLSX").set_input_files(
        {"name": "items.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    press(page, "Preview import")
    expect(page.get_by_role("row").filter(has_text="TEA-NETTLE")).to_be_visible()
    picture(page, "import")


def _home(house: House, visit, page: Page, open_shop) -> None:
    page.goto("/")
    expect(page.get_by_text("1 difference needs your decision.")).to_be_visible()
    picture(page, "home", page.locator("body"), height=640)
    house.do("posts_release", cart=BIRCH, sku="TEA-SENCHA")
    page.get_by_role("link", name="Decide").click()
    page.get_by_role("button", name="Keep our count: the shop changes by −7").click()
    eventually(lambda: house.shops[AMBER].find("HON-LINDEN").quantity == 31)
    phone = visit("/", size=PHONE)
    expect(phone.get_by_role("heading", name="In sync")).to_be_visible(timeout=20_000)
    picture(phone, "home-phone", height=900)
    dark = visit("/inventory?q=tea", scheme="dark")
    expect(dark.locator("#item-1")).to_contain_text("72")
    picture(dark, "dark", height=560)
    open_shop.fronts[BIRCH].stop()
    house.do("receive", lines=[("TEA-ASSAM", 6)])
    page.goto("/")
    expect(page.locator("#cart-2")).to_contain_text("Connection problem", timeout=20_000)
    expect(page.locator("#cart-2")).to_contain_text("OnHand keeps trying.")
    picture(page, "shop-down", page.locator("#verdict"), page.locator("#cart-2"))


def test_every_picture_of_the_guide_is_there_and_none_is_left_over() -> None:
    assert NAMED, "the guide has no pictures"
    assert {path.stem for path in GUIDE.glob("*.png")} == NAMED
