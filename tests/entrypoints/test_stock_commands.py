"""Tests the commands about items, movements and orders."""

from __future__ import annotations

import pytest


@pytest.fixture
def shelf(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    onhand("item", "add", "MUG", "--on-hand", 4)
    return onhand


def on_hand(shelf, sku: str) -> int:
    return shelf.json("item", "show", sku)["on_hand"]


def test_an_item_is_edited_and_found_by_filters(shelf):
    shelf("item", "edit", "TEA", "--name", "Green", "--reorder-point", 10, "--reorder-to", 20, "--ignore-qoh")
    found = shelf.json("item", "show", "tea")
    assert (found["name"], found["reorder_point"], found["reorder_to"], found["ignore_qoh"]) == ("Green", 10, 20, True)
    for flag, found in (("--reorder", ["TEA"]), ("--set-aside", ["TEA"]), ("--below-zero", [])):
        assert [row["sku"] for row in shelf.json("item", "list", flag)["items"]] == found
    shelf("item", "edit", "TEA", "--reorder-point", -1, "--reorder-to", -1, "--no-ignore-qoh", "--new-sku", "TEA/1")
    found = shelf.json("item", "show", "TEA/1")
    assert (found["reorder_point"], found["reorder_to"], found["ignore_qoh"], found["name"]) == (
        None,
        None,
        False,
        "Green",
    )
    assert "TEA/1" in shelf.text("item", "edit", "TEA/1", "--drop-ship")
    assert shelf.json("item", "show", "TEA/1")["drop_ship"] is True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--new-sku", "mug"), 1),
        (("--supplier", "Nobody"), 1),
        (("--reorder-point", 5, "--reorder-to", 4), 1),
        (("--reorder-point", -2), 2),
    ],
)
def test_an_invalid_edit_is_refused(shelf, words, code):
    shelf("item", "edit", "TEA", *words, code=code)
    assert shelf.json("item", "show", "TEA")["revision"] == 0


def test_history_ends_with_what_is_on_hand(shelf):
    shelf("adjust", "--reason", "lost", "TEA", -3)
    assert shelf.json("item", "history", "TEA")["values"] == [10, 7, 7]
    assert shelf.text("item", "history", "TEA").split()[-1] == "7"


def test_a_count_with_seen_is_booked_only_if_stock_is_unchanged(shelf):
    shelf("adjust", "TEA", "--counted", 12, "--seen", 9, "--reason", "found", code=3)
    shelf("adjust", "TEA", "--counted", 12, "--seen", 10, "--reason", "found")
    assert on_hand(shelf, "TEA") == 12


def test_movements_are_filtered(shelf):
    shelf("receive", "TEA=5", "--person", "Max")
    shelf("order", "add", "TEA=1")
    kinds = [row["kind"] for row in shelf.json("movements", "--by", "Max")["movements"]]
    assert kinds == ["receipt"]
    assert [row["quantity"] for row in shelf.json("movements", "--kind", "sale")["movements"]] == [-1]
    shelf("movements", "--cart", "Zinc", code=1)
    shelf("movements", "--kind", "theft", code=2)


def test_an_order_is_shown_cancelled_and_returned(shelf):
    shelf("order", "add", "TEA=3", "MUG=1", "--number", "T-1")
    cancelled = shelf.json("order", "cancel", "T-1", 2, "--reason", "changed their mind")
    assert (cancelled["lines"], cancelled["units"]) == (1, 1)
    assert shelf.json("order", "return", "T-1", "1=1")["units"] == 1
    assert shelf.json("order", "show", "T-1")["person"] == "Ann"
    lines = shelf.json("order", "show", "T-1")["lines"]
    assert [(line["state"], line["left"]) for line in lines] == [("partly returned", 2), ("cancelled", 0)]
    shelf("order", "return", "T-1", "1=3", code=1)
    shelf("order", "return", "T-1", "x=1", code=2)
    shelf("order", "cancel", "T-1")
    shelf("order", "cancel", "T-1", code=1)
    assert (on_hand(shelf, "TEA"), on_hand(shelf, "MUG")) == (10, 4)
    shelf("order", "show", "NO", code=1)


def test_an_order_of_a_shop_is_cancelled_in_its_shop(shelf):
    said = shelf.json("order", "cancel", "1001", "--cart", "Amber", code=1)["error"]
    assert said["code"] == "refused"


def test_orders_are_listed_page_by_page(shelf):
    for n in range(3):
        shelf("order", "add", "TEA=1", "--number", f"T-{n}")
    said = shelf.text("order", "list", "--limit", 2, "--by-phone")
    assert "T-2" in said
    assert "T-0" not in said
    place = said.partition("--before ")[2].partition(",")[0]
    assert [order["order"] for order in shelf.json("order", "list", "--before", place)["orders"]] == ["T-0"]
    assert shelf.json("order", "list", "mug")["orders"] == []
    assert shelf.json("order", "list", "--state", "waiting")["orders"] == []
    shelf("order", "list", "--before", "x", code=1)
