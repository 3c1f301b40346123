"""Tests the commands about suppliers and purchase orders."""

from __future__ import annotations

import pytest


@pytest.fixture
def leaf(onhand):
    """A supplier, and two items of which one is low."""
    onhand("supplier", "add", "Leaf & Co", "--email", "leaf@example.com")
    onhand("item", "add", "TEA", "--on-hand", 3)
    onhand("item", "add", "MUG", "--on-hand", 9)
    onhand("item", "edit", "TEA", "--reorder-point", 5, "--reorder-to", 20, "--supplier", "leaf & co")
    return onhand


def on_hand(leaf, sku: str) -> int:
    return leaf.json("item", "show", sku)["on_hand"]


def test_low_items_are_suggested_ordered_and_received(leaf):
    leaf("item", "edit", "MUG", "--reorder-point", 9)
    suggested = leaf.json("purchase", "suggest")
    [line] = suggested["lines"]
    assert (line["supplier"], line["sku"], line["on_hand"], line["units"]) == ("Leaf & Co", "TEA", 3, 17)
    assert [row["sku"] for row in suggested["without"]] == ["MUG"]
    assert leaf.json("purchase", "list")["orders"] == []
    assert leaf.json("purchase", "raise", "--supplier", "Leaf & Co")["orders"] == ["PO-1"]
    leaf("purchase", "raise", code=1)
    leaf("purchase", "send", "PO-1")
    assert leaf.json("purchase", "receive", "PO-1", "tea=5", "--reference", "DN 1")["outstanding"] == 12
    leaf("purchase", "receive", "PO-1", "TEA=5", "--reference", "DN 1", code=1)
    assert leaf.json("purchase", "receive", "PO-1")["outstanding"] == 0
    assert leaf.json("purchase", "show", "PO-1")["state"] == "closed"
    assert on_hand(leaf, "TEA") == 20
    newest = leaf.json("movements", "TEA", "--limit", 1)["movements"][0]
    assert (newest["kind"], newest["quantity"], newest["order"], newest["person"]) == ("receipt", 12, "PO-1", "Ann")


def test_a_draft_is_edited_by_line_and_cancelled(leaf):
    added = leaf.json("purchase", "add", "Leaf & Co", "TEA=10", "MUG=2", "--note", "for spring")
    assert added == {"order": "PO-1"}
    leaf("purchase", "edit", "PO-1", "MUG=0", "TEA=12")
    found = leaf.json("purchase", "show", "PO-1")
    assert ([(line["sku"], line["ordered"]) for line in found["lines"]], found["note"]) == ([("TEA", 12)], "for spring")
    leaf("purchase", "edit", "PO-1", "--note", "")
    assert leaf.json("purchase", "show", "PO-1")["note"] == ""
    assert leaf.json("purchase", "cancel", "PO-1")["state"] == "cancelled"
    leaf("purchase", "receive", "PO-1", "TEA=1", code=1)
    assert [row["order"] for row in leaf.json("purchase", "list", "--state", "cancelled")["orders"]] == ["PO-1"]
    assert leaf.json("purchase", "list", "--state", "open")["orders"] == []


def test_receiving_more_than_outstanding_needs_over_and_an_order_can_be_closed_early(leaf):
    leaf("purchase", "add", "Leaf & Co", "TEA=2", "MUG=2")
    leaf("purchase", "send", "PO-1")
    leaf("purchase", "receive", "PO-1", "TEA=3", code=1)
    leaf("purchase", "receive", "PO-1", "TEA=3", "--over")
    assert [line["sku"] for line in leaf.json("purchase", "show", "PO-1", "--left")["lines"]] == ["MUG"]
    assert leaf.json("purchase", "close", "PO-1")["state"] == "closed"
    assert (on_hand(leaf, "TEA"), on_hand(leaf, "MUG")) == (6, 9)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("purchase", "add", "Nobody", "TEA=1"), 1),
        (("purchase", "add", "Leaf & Co", "POT=1"), 1),
        (("purchase", "add", "Leaf & Co", "TEA=0"), 1),
        (("purchase", "add", "Leaf & Co", "TEA=99999999999"), 2),
        (("purchase", "add", "Leaf & Co", "TEA"), 2),
        (("purchase", "list", "--state", "lost"), 2),
        (("purchase", "show", "PO-9"), 1),
        (("supplier", "add", "LEAF & CO"), 1),
        (("supplier", "edit", "Leaf & Co", "--email", "leaf"), 1),
    ],
)
def test_invalid_purchases_are_refused(leaf, words, code):
    leaf(*words, code=code)
    assert leaf.json("purchase", "list")["orders"] == []


def test_suppliers_are_listed_by_name_and_filtered_by_active(leaf):
    leaf("supplier", "add", "Clay", "--phone", "555 17", "--note", "closed on Mondays")
    leaf("supplier", "edit", "clay", "--name", "Clay Ltd", "--inactive")
    assert [row["name"] for row in leaf.json("supplier", "list")["suppliers"]] == ["Clay Ltd", "Leaf & Co"]
    assert [row["name"] for row in leaf.json("supplier", "list", "--active")["suppliers"]] == ["Leaf & Co"]
    assert [row["name"] for row in leaf.json("supplier", "list", "--after", "clay ltd")["suppliers"]] == ["Leaf & Co"]
    assert [row["name"] for row in leaf.json("supplier", "list", "--inactive")["suppliers"]] == ["Clay Ltd"]
    assert leaf.json("supplier", "show", "clay ltd")["phone"] == "555 17"
    assert "closed on Mondays" in leaf.text("supplier", "show", "Clay Ltd")
    assert "--after 'Clay Ltd'" in leaf.text("supplier", "list", "--limit", 1)
