"""Holds the screens to what happens between people in real browsers: logging in, rights, stale pages, orders, and long work.

Path: each story is one or two people at windows of their own, with the mouse and the keyboard.
Promise: what a story says is booked is asked of the verbs, not read off the page alone.
Never: looks for an element by what is not visible to a person, where there is something visible.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from playwright.sync_api import Page, expect

from onhand.carts.sample import SampleShop, catalogue, serve
from onhand.domain.people import Role
from onhand.services import people
from tests.web.conftest import NAMES, eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

PASSWORD = "correct horse battery"  # of everybody in a test house
STALE = "status of 409"
MANY = 5000
LONG_MS = 60_000


def said(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def live(page: Page) -> Page:
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    return page


@pytest.fixture
def stock(house):
    for sku, on_hand in (("TEA", 40), ("MUG", 3)):
        house.do("item_add", sku=sku, name=f"Best {sku.title()}", on_hand=on_hand)
    return house


# Who may come in


def test_a_wrong_password_is_told_and_the_way_leads_on_afterwards(stock, visit):
    stock.session(Role.ADMINISTRATOR)
    page = visit("/item?sku=TEA", role=None, expecting="status of 403|status of 422")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("Name").fill("Ann the administrator")
    page.get_by_label("Password").fill("wrong horse battery")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Name")).to_have_value("Ann the administrator")
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("TEA")
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.goto("/item?sku=TEA")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_text("Best Tea")).to_have_count(0)


def test_a_one_time_link_lets_one_in_once(house, visit):
    address = f"/begin/{people.invite(house.app.house, 'Bob', Role.CLERK)[1]}"
    first = visit(address, role=None)
    late = visit(address, role=None, expecting="status of 4")
    for page in (first, late):
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Repeat password").fill(PASSWORD)
        page.keyboard.press("Enter")
    expect(first.get_by_role("link", name="Bob")).to_be_visible()
    expect(late.get_by_text("used", exact=False).first).to_be_visible()
    late.goto("/")
    expect(late.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_viewer_finds_no_button_and_a_forged_form_books_nothing(stock, visit):
    page = visit("/item?sku=TEA", Role.VIEWER, expecting="status of 403")
    expect(page.locator("#item_figures")).to_contain_text("40")
    expect(page.get_by_role("button", name="Adjust")).to_have_count(0)
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    status = page.evaluate(
        """async () => {
          const csrf = document.querySelector('.logout input[name=csrf]').value;
          const body = new URLSearchParams({csrf, key: 'forged', sku: 'TEA', change: '5', reason: 'found'});
          return (await fetch('/item/adjust', {method: 'POST', body})).status;
        }"""
    )
    assert status == 403
    assert stock.do("item_show", sku="TEA")["on_hand"] == 40
    assert len(stock.do("movements", sku="TEA")["movements"]) == 1


# What others do meanwhile


def test_a_count_changes_on_every_page_that_shows_it(stock, visit):
    inventory, item = live(visit("/inventory", Role.VIEWER)), live(visit("/item?sku=TEA", Role.VIEWER))
    home = live(visit("/", Role.CLERK))
    clerk = live(visit("/item?sku=TEA", Role.CLERK))
    clerk.get_by_label("Change by").fill("-7")
    clerk.get_by_label("Note").fill("fell down")
    clerk.get_by_role("button", name="Adjust").click()
    said(clerk, "TEA: 33 ")
    expect(inventory.get_by_role("row").filter(has_text="TEA")).to_contain_text("33")
    expect(item.locator("#item_figures")).to_contain_text("33")
    expect(item.locator("#item_statement")).to_contain_text("fell down")
    expect(home.locator("#latest")).to_contain_text("−7")


def test_two_who_edit_one_item_learn_of_each_other(stock, visit):
    first, second = visit("/item?sku=TEA"), visit("/item?sku=TEA", Role.MANAGER, expecting=STALE)
    first.get_by_label("Name", exact=True).fill("Green Tea")
    second.get_by_label("Name", exact=True).fill("Black Tea")
    for page in (first, second):
        page.get_by_role("button", name="Save").click()
    said(first, "TEA")
    expect(second.get_by_role("alert")).to_contain_text("Green Tea")
    expect(second.get_by_label("Name", exact=True)).to_have_value("Black Tea")
    assert stock.do("item_show", sku="TEA")["name"] == "Green Tea"


def test_two_who_edit_one_cart_learn_of_each_other(house, visit):
    house.do("cart_add", name="Amber", url="https://amber.example/onhand.php")
    first, second = visit("/carts/1"), visit("/carts/1", Role.MANAGER, expecting=STALE)
    first.get_by_label("Buffer").fill("2")
    second.get_by_label("Buffer").fill("5")
    for page in (first, second):
        page.get_by_role("button", name="Save").click()
    said(first, "Amber")
    expect(second.get_by_role("alert").locator("dl")).to_contain_text("2")
    expect(second.get_by_label("Buffer")).to_have_value("5")
    assert house.do("cart_show", cart="Amber")["buffer"] == 2


def test_two_who_set_one_parameter_learn_of_each_other(house, visit):
    first, second = visit("/parameters"), visit("/parameters", Role.MANAGER, expecting=STALE)
    for page, value in ((first, "7"), (second, "9")):
        page.get_by_label("Value of BrakeListings").fill(value)
        page.get_by_role("button", name="Save BrakeListings").click()
    said(first, "BrakeListings")
    expect(second.get_by_role("alert")).to_contain_text("7")
    expect(second.get_by_label("Value of BrakeListings")).to_have_value("9")
    assert house.do("param_get", name="BrakeListings")["value"] == 7


# Buying and receiving


def test_an_order_is_raised_from_reorder_points_received_short_then_over(stock, visit):
    stock.do("supplier_add", name="Hill")
    stock.do("item_edit", sku="MUG", supplier="Hill", reorder_point=5, reorder_to=20)
    manager = visit("/purchases/suggested", Role.MANAGER, expecting="status of 422")
    expect(manager.get_by_role("row").filter(has_text="MUG")).to_contain_text("17")
    manager.get_by_role("button", name="Create 1 draft").click()
    manager.get_by_role("link", name="PO-1").click()
    manager.get_by_role("button", name="Mark as sent").click()
    came, button = manager.get_by_label("Received now of MUG"), manager.get_by_role("button", name="Receive goods")
    came.fill("10")
    button.dblclick()
    expect(manager.locator(".figures")).to_contain_text("7")
    assert stock.do("item_show", sku="MUG")["on_hand"] == 13
    manager.goto("/purchases/PO-1")
    came.fill("9")
    button.click()
    expect(manager.get_by_role("alert")).to_be_visible()
    expect(came).to_have_value("9")
    assert stock.do("item_show", sku="MUG")["on_hand"] == 13
    manager.get_by_label("Accept more than is outstanding").check()
    button.click()
    said(manager, "closed")
    assert stock.do("item_show", sku="MUG")["on_hand"] == 22
    assert [m["quantity"] for m in stock.do("movements", sku="MUG", kind="receipt")["movements"]] == [9, 10]


def test_the_essentials_are_done_without_scripts(stock, visit):
    page = visit("/receive", Role.CLERK, java_script_enabled=False)
    page.get_by_label("SKU, line 1", exact=True).fill("tea")
    page.get_by_label("Units, line 1", exact=True).fill("2")
    page.get_by_role("button", name="Receive goods", exact=True).click()
    said(page, "TEA: 42 ")
    page.goto("/item?sku=TEA")
    page.get_by_label("Or counted quantity").fill("41")
    page.get_by_label("Note").fill("looked again")
    page.get_by_role("button", name="Adjust").click()
    said(page, "TEA: 41 ")
    page.goto("/orders/new")
    page.get_by_label("SKU, line 1", exact=True).fill("TEA")
    page.get_by_label("Units, line 1", exact=True).fill("5")
    page.get_by_role("button", name="Save order").click()
    said(page, "P-1")
    page.goto("/counts/new")
    page.get_by_label("Name", exact=True).fill("Shelf A")
    page.get_by_role("button", name="Create count sheet").click()
    page.get_by_label("Count of TEA", exact=True).fill("30")
    page.get_by_role("button", name="Save counts").first.click()
    page.get_by_role("link", name="Review count").click()
    page.get_by_role("button", name="Apply count").click()
    said(page, "1 item adjusted")
    kinds = [(m["kind"], m["quantity"]) for m in stock.do("movements", sku="TEA")["movements"]]
    assert kinds == [("count", -6), ("sale", -5), ("count", -1), ("receipt", 2), ("opening", 40)]


# Long work


@pytest.fixture
def large(house, tmp_path):
    """A shop of 5,000 products whose counts are all ours less one, with its front door."""
    shop = SampleShop(tmp_path / "large.db", NAMES[0]).create(catalogue(MANY))
    fronts = []

    def start(shop, own) -> str:
        fronts.append(serve(shop, port=0, key_id=own.key_id, secret=own.secret))
        return fronts[-1].connector_url

    house.connect(shop, NAMES[0], start)
    house.do("get_qoh", cart=NAMES[0], create=True)
    with shop.connection() as database:
        database.execute("UPDATE products SET products_quantity = products_quantity - 1")
    yield house
    fronts[0].stop()
    shop.close()


def begin_send(page: Page, batch: int) -> None:
    page.goto("/functions?cart=1")
    page.get_by_label("Maximum number of items per send").fill(str(batch))
    page.get_by_role("button", name="Send QOH to Website").click()
    page.get_by_role("button", name="Send 5,000 changes").click(timeout=LONG_MS)
    expect(page.get_by_role("progressbar")).to_be_visible()


def posted(page: Page) -> int:
    """How far the bar is, in changes."""
    return page.locator("#progress").evaluate(
        "(e) => /([0-9,]+) of 5,000/.exec(e.textContent)?.[1].replace(',', '') ?? 0"
    )


def test_a_send_of_5000_goes_on_over_a_reload_and_reports_each_sku(large, visit, tmp_path):
    page = visit("/", Role.MANAGER)
    begin_send(page, 50)
    expect(page.locator("#progress")).to_contain_text("of 5,000 changes", timeout=LONG_MS)
    before = int(posted(page))
    page.reload()
    assert int(posted(page)) >= before
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text("Done", timeout=LONG_MS)
    expect(page.locator("#results")).to_contain_text("5,000 changed")
    for form in ("CSV", "XLSX"):
        with page.expect_download() as download:
            page.get_by_role("link", name=form).click()
        file = tmp_path / f"result.{form.lower()}"
        download.value.save_as(file)
        assert len(rows(file.read_bytes(), form)) == MANY
    assert all(
        ware.quantity == large.do("item_show", sku=ware.sku)["on_hand"]
        for ware in large.shops[NAMES[0]].stock(limit=20)
    )


def rows(content: bytes, form: str) -> list:
    """The lines of a table below its head."""
    if form == "CSV":
        return list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = next(name for name in book.namelist() if name.startswith("xl/worksheets/"))
        return re.findall(rb"<row[ >]", book.read(sheet))[1:]


def test_a_send_is_cancelled_and_what_was_posted_stays(large, visit):
    page = visit("/", Role.MANAGER)
    begin_send(page, 10)
    expect(page.locator("#progress")).to_contain_text("of 5,000 changes", timeout=LONG_MS)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#progress")).to_contain_text("Cancelled", timeout=LONG_MS)
    counts = large.do("task_show", task=1)["result"]["counts"]
    assert counts["cancelled"] > 0
    assert sum(counts.values()) == MANY
    eventually(lambda: large.do("prove")["holds"])
