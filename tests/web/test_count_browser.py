"""Holds the Count screens to what two people see in real browsers: each other's counts, without losing what they type."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from onhand.domain.people import Role
from tests.browser import DESK, PHONE

pytestmark = pytest.mark.browser

PICTURES = os.environ.get("ONHAND_PICTURES")  # a directory, for people who want to look


def picture(page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=True)


@pytest.fixture
def shelf(house):
    for sku, name in (
        ("TEA", "Green Tea"),
        ("MUG", "Blue Mug, large, with a very long name that goes on"),
        ("POT-1", "Iron Pot"),
    ):
        house.do("item_add", sku=sku, name=name, on_hand=40)
    house.do("count_add", name="Shelf A")
    return house


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_two_clerks_count_one_sheet_together(shelf, visit, size) -> None:
    ann = visit("/counts/1", Role.CLERK, size=size)
    bob = visit("/counts/1", Role.MANAGER, expecting="status of 409")
    for page in (ann, bob):
        expect(page.get_by_text("Live", exact=True)).to_be_visible()
    bob.get_by_label("Count of TEA", exact=True).fill("7")
    bob.get_by_label("Count of MUG", exact=True).fill("40")
    ann.get_by_label("SKU", exact=True).fill("tea")
    ann.get_by_label("SKU", exact=True).press("Enter")
    expect(ann.get_by_label("Units")).to_be_focused()
    ann.get_by_label("Units").fill("5")
    ann.get_by_label("Units").press("Enter")
    expect(ann.get_by_label("SKU", exact=True)).to_be_focused()
    # Bob sees it at once, and what he types stays as it is.
    line = bob.get_by_role("row").filter(has=bob.get_by_label("Count of TEA", exact=True))
    expect(line).to_contain_text("Ann the clerk")
    expect(bob.get_by_label("Count of TEA", exact=True)).to_have_value("7")
    bob.get_by_label("Count of MUG", exact=True).press("Enter")
    expect(bob.get_by_role("alert")).to_contain_text("Ann the clerk counted 5 of TEA")
    expect(bob.get_by_label("Count of MUG", exact=True)).to_have_value("40")
    picture(bob, f"count-stale-{size['viewport']['width']}")
    bob.get_by_label("5 by Ann the clerk").select_option("add")
    bob.get_by_role("button", name="Save counts").first.click()
    expect(bob.locator("#count_figures")).to_contain_text("2")
    line = ann.get_by_role("row").filter(has=ann.get_by_label("Count of TEA", exact=True))
    expect(line.locator("b")).to_have_text("12")
    width = ann.evaluate("document.documentElement.scrollWidth")
    assert width == size["viewport"]["width"]
    picture(ann, f"count-{size['viewport']['width']}")
    ann.goto("/counts/1/review")
    expect(ann.locator("#review")).to_contain_text("−28")
    assert ann.evaluate("document.documentElement.scrollWidth") == size["viewport"]["width"]
    picture(ann, f"count-review-{size['viewport']['width']}")
    shelf.do("order_add", lines=[("TEA", 2)])
    ann.get_by_role("button", name="Apply count").click()
    expect(ann.get_by_role("status").filter(has_text="1 item adjusted")).to_be_visible()
    assert shelf.do("item_show", sku="TEA")["on_hand"] == 10
    for path, name in (("/counts", "counts"), ("/counts/new", "count-new")):
        ann.goto(path)
        picture(ann, f"{name}-{size['viewport']['width']}")
        assert ann.evaluate("document.documentElement.scrollWidth") == size["viewport"]["width"]
