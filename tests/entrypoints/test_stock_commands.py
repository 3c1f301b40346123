"""Holds the commands about items, movements and orders to what they do and print."""

from __future__ import annotations

import pytest


@pytest.fixture
def shelf(onhand):
    onhand("item", "add", "TEA", "--on-hand", 10)
    onhand("item", "add", "MUG", "--on-hand", 4)
    return onhand


def on_hand(shelf, sku: str) -> int:
    return shelf.json("item", "show", sku)["on_hand"]


def test_an_item_is_edited_and_found_by_what_was_set(shelf):
    shelf("item", "edit", "TEA", "--name", "Green", "--reorder-point", 10, "--reorder-to", 20, "--ignore-qoh")
    said = shelf.text("item", "show", "tea")
    assert "Green: 10 on hand" in said
    assert "Ignore QOH" in said
    assert "Order up to 20 at 10 or fewer." in said
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
    assert "TEA/1 is changed." in shelf.text("item", "edit", "TEA/1", "--drop-ship")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--new-sku", "mug"), 1),
        (("--supplier", "Nobody"), 1),
        (("--reorder-point", 5, "--reorder-to", 4), 1),
        (("--reorder-point", -2), 2),
    ],
)
def test_an_edit_that_cannot_be_is_refused(shelf, words, code):
    shelf("item", "edit", "TEA", *words, code=code)
    assert shelf.json("item", "show", "TEA")["revision"] == 0


def test_history_ends_with_what_is_on_hand(shelf):
    shelf("adjust", "--reason", "lost", "TEA", -3)
    assert shelf.json("item", "history", "TEA")["values"] == [10, 7, 7]
    assert shelf.text("item", "history", "TEA").split()[-1] == "7"


def test_a_count_is_booked_only_if_as_many_are_here_as_were_seen(shelf):
    shelf("adjust", "TEA", "--counted", 12, "--seen", 9, "--reason", "found", code=3)
    shelf("adjust", "TEA", "--counted", 12, "--seen", 10, "--reason", "found")
    assert on_hand(shelf, "TEA") == 12


def test_movements_are_narrowed(shelf):
    shelf("receive", "TEA=5", "--person", "Max")
    shelf("order", "add", "TEA=1")
    kinds = [row["kind"] for row in shelf.json("movements", "--by", "Max")["movements"]]
    assert kinds == ["receipt"]
    assert [row["quantity"] for row in shelf.json("movements", "--kind", "sale")["movements"]] == [-1]
    shelf("movements", "--cart", "Zinc", code=1)
    shelf("movements", "--kind", "theft", code=2)


def test_an_order_is_shown_cancelled_and_taken_back(shelf):
    shelf("order", "add", "TEA=3", "MUG=1", "--number", "T-1")
    assert "T-1  by hand, Ann" in shelf.text("order", "show", "T-1")
    assert "1 lines are cancelled, 1 units" in shelf.text("order", "cancel", "T-1", 2, "--reason", "changed his mind")
    assert "1 units came back" in shelf.text("order", "return", "T-1", "1=1")
    lines = shelf.json("order", "show", "T-1")["lines"]
    assert [(line["state"], line["left"]) for line in lines] == [("partly returned", 2), ("cancelled", 0)]
    shelf("order", "return", "T-1", "1=3", code=1)
    shelf("order", "return", "T-1", "x=1", code=2)
    shelf("order", "cancel", "T-1")
    shelf("order", "cancel", "T-1", code=1)
    assert (on_hand(shelf, "TEA"), on_hand(shelf, "MUG")) == (10, 4)
    shelf("order", "show", "NO", code=1)


def test_an_order_of_a_shop_is_cancelled_in_its_shop(shelf):
    said = shelf.text("order", "cancel", "1001", "--cart", "Amber", code=1)
    assert "delete it in that shop" in said


def test_orders_are_listed_and_the_list_goes_on(shelf):
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
