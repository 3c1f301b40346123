"""Walks the whole way from an empty store to "in step" in the browser, with two real shops on real PHP and MariaDB.

Path: what a technician does on his first day; the shops are those of ``tests/stories``.
Promise: nothing is set up behind the screens but the shops themselves; what the shops hold is read from their own databases.
Never: copies a file into a shop that was not downloaded from a page.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from onhand.app import App
from onhand.services import people
from tests.builders import new_store
from tests.servers import shared_mariadb, shared_php
from tests.shops.families import OsCommerce23
from tests.stories.stage import Shop
from tests.web.conftest import House, eventually

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.long]

FILES = ("onhand.php", "onhand-key.php")
BUSY_MS = 20_000  # for what asks a shop several times


@pytest.fixture
def house(tmp_path):
    """An empty store, into which nobody has come yet."""
    with App(new_store(tmp_path / "store.db"), "test") as app:
        yield House(app)


@pytest.fixture
def two_shops():
    """Two installed shops that know nothing of OnHand, and whose counts differ."""
    shops = []
    for name, stock in (("Amber", {"MUG": 10, "PEN": 7, "CAP": 3}), ("Birch", {"MUG": 4, "PEN": 7, "CAP": 12})):
        driver = OsCommerce23(shared_mariadb(), shared_php())
        for file in FILES:
            (driver.root / file).unlink()
        shops.append(Shop(name, driver, stock))
    yield shops
    for shop in shops:
        shop.driver.close()


def test_from_an_empty_store_to_in_step(house, visit, two_shops):
    amber, birch = two_shops
    house.app.start_controller()
    page = visit(f"/begin/{people.first_link(house.app.house)}", role=None)
    become_administrator(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("No shop connected")
    steps_done(page, 0)
    for shop in two_shops:
        connect(page, shop)
    steps_done(page, 1)
    take_over(page, "Amber")
    assert [item["on_hand"] for item in house.do("item_list")["items"]] == [3, 10, 7]
    send(page, "Birch")
    assert {sku: quantity for sku, (quantity, _) in birch.counters().items()} == {"MUG": 10, "PEN": 7, "CAP": 3}
    steps_done(page, 3)
    switch_on(page)
    steps_done(page, 4)
    for shop in two_shops:
        check_synchronize(page, shop.name)
    try_with(page, "MUG")
    steps_done(page, 6)  # real trade is still to come
    amber.sell("MUG", 2)
    eventually(lambda: birch.shows("MUG") == 8)
    birch.driver.sell_order([(birch.products["PEN"], 1), (birch.products["CAP"], 3)])
    eventually(lambda: amber.shows("PEN") == 6 and amber.shows("CAP") == 0)
    expect(page.get_by_text("7 of 7 done")).to_be_visible()  # the page that was open all the while
    page.get_by_label("Screens").get_by_role("link", name="Home", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("In sync")
    assert house.do("prove")["holds"]


def become_administrator(page: Page) -> None:
    page.get_by_label("Name").fill("Ann")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_label("Repeat password").fill("correct horse battery")
    page.keyboard.press("Enter")


def steps_done(page: Page, number: int) -> None:
    page.get_by_label("Screens").get_by_role("link", name="Getting started").click()
    expect(page.get_by_text(f"{number} of 7 done")).to_be_visible()


def connect(page: Page, shop: Shop) -> None:
    """Add the cart, put its two files where they belong, and test it."""
    page.get_by_label("Screens").get_by_role("link", name="Shopping Carts", exact=True).click()
    page.get_by_role("link", name="Connect", exact=False).first.click()
    page.get_by_label("Name").fill(shop.name)
    page.get_by_label("Address of the connector").fill(shop.driver.url)
    page.get_by_role("button", name="Connect shop").press("Enter")
    expect(page.get_by_role("status").filter(has_text=shop.name)).to_be_visible()
    for button, file in zip(
        (page.get_by_role("link", name="onhand.php"), page.get_by_role("button", name="Download")), FILES, strict=True
    ):
        with page.expect_download() as download:
            button.click()
        assert download.value.suggested_filename == file
        download.value.save_as(shop.driver.root / file)
    page.get_by_label("Seconds between checks").fill("0.2")
    page.get_by_label("Settling time in seconds").fill("0.4")
    page.get_by_role("button", name="Save changes").click()
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#tested")).to_contain_text("Connected", timeout=BUSY_MS)


def choose(page: Page, cart: str) -> None:
    page.get_by_label("Screens").get_by_role("link", name="Shopping Cart Functions").click()
    page.get_by_label("Cart", exact=True).select_option(cart)
    page.get_by_role("button", name="Select cart").click()


def take_over(page: Page, cart: str) -> None:
    choose(page, cart)
    page.get_by_label("Create Records for New Products").check()
    page.get_by_role("button", name="Get QOH from Website").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("3 created")
    expect(preview.get_by_role("row").filter(has_text="MUG")).to_contain_text("10")
    page.get_by_role("button", name="Get 3 counts").click()
    expect(page.locator("#progress")).to_contain_text("Done", timeout=BUSY_MS)
    expect(page.locator("#results")).to_contain_text("3 created")


def send(page: Page, cart: str) -> None:
    choose(page, cart)
    page.get_by_role("button", name="Send QOH to Website").click()
    expect(page.locator("#preview")).to_contain_text("2 changed")
    page.get_by_role("button", name="Send 2 changes").click()
    expect(page.locator("#progress")).to_contain_text("Done", timeout=BUSY_MS)
    row = page.locator("#results").get_by_role("row").filter(has_text="CAP")
    expect(row).to_contain_text("−9")


def switch_on(page: Page) -> None:
    """The box is absent, the page says why and leads to the parameter."""
    page.get_by_label("Screens").get_by_role("link", name="Shopping Carts", exact=True).click()
    page.get_by_role("link", name="Amber").click()
    expect(page.get_by_label("Synchronize Inventory", exact=True)).to_have_count(0)
    expect(page.locator("#why-no-box")).to_contain_text("SynchQOH is False")
    page.get_by_role("link", name="Set SynchQOH to True").click()
    page.get_by_label("Value of SynchQOH").select_option("True")
    page.get_by_role("button", name="Save SynchQOH").click()
    expect(page.get_by_role("status").filter(has_text="SynchQOH is now True")).to_be_visible()


def check_synchronize(page: Page, cart: str) -> None:
    page.get_by_label("Screens").get_by_role("link", name="Shopping Carts", exact=True).click()
    page.get_by_role("link", name=cart).click()
    page.get_by_label("Synchronize Inventory", exact=True).check()
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("status").filter(has_text=f"{cart} is being synchronized")).to_be_visible(timeout=BUSY_MS)


def try_with(page: Page, sku: str) -> None:
    page.get_by_label("Test with a SKU").fill(sku)
    page.keyboard.press("Enter")
    expect(page.locator("#tested")).to_contain_text(f"one unit of {sku}", timeout=BUSY_MS)
