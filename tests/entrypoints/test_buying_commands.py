"""Holds the commands about suppliers and purchase orders to what they do and print."""

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


def test_what_is_low_is_shown_then_drafted_sent_and_received(leaf):
    leaf("item", "edit", "MUG", "--reorder-point", 9)
    shown = leaf.text("purchase", "suggest")
    assert "Leaf & Co TEA 3 0 17" in " ".join(shown.split())
    assert "without an active supplier: MUG." in shown
    assert leaf.json("purchase", "list")["orders"] == []
    assert "Drafts made: PO-1." in leaf.text("purchase", "raise", "--supplier", "Leaf & Co")
    assert "nothing to order" in leaf.text("purchase", "raise", code=1)
    leaf("purchase", "send", "PO-1")
    part = leaf.text("purchase", "receive", "PO-1", "tea=5", "--reference", "DN 1")
    assert "PO-1: booked, 12 units still to come." in part
    assert "'DN 1' of PO-1 is booked already" in leaf.text(
        "purchase", "receive", "PO-1", "TEA=5", "--reference", "DN 1", code=1
    )
    assert leaf.json("purchase", "receive", "PO-1")["outstanding"] == 0
    assert leaf.json("purchase", "show", "PO-1")["state"] == "closed"
    assert on_hand(leaf, "TEA") == 20
    newest = leaf.json("movements", "TEA", "--limit", 1)["movements"][0]
    assert (newest["kind"], newest["quantity"], newest["order"], newest["person"]) == ("receipt", 12, "PO-1", "Ann")


def test_a_draft_is_changed_by_line_and_called_off(leaf):
    assert "PO-1 is a draft." in leaf.text("purchase", "add", "Leaf & Co", "TEA=10", "MUG=2", "--note", "for spring")
    leaf("purchase", "edit", "PO-1", "MUG=0", "TEA=12")
    found = leaf.json("purchase", "show", "PO-1")
    assert ([(line["sku"], line["ordered"]) for line in found["lines"]], found["note"]) == ([("TEA", 12)], "for spring")
    leaf("purchase", "edit", "PO-1", "--note", "")
    assert leaf.json("purchase", "show", "PO-1")["note"] == ""
    assert "PO-1 is cancelled." in leaf.text("purchase", "cancel", "PO-1")
    assert "is cancelled" in leaf.text("purchase", "receive", "PO-1", "TEA=1", code=1)
    assert "Leaf & Co" in leaf.text("purchase", "list", "--state", "cancelled")
    assert "No purchase orders." in leaf.text("purchase", "list", "--state", "open")


def test_more_than_is_outstanding_has_to_be_meant_and_a_rest_can_be_given_up(leaf):
    leaf("purchase", "add", "Leaf & Co", "TEA=2", "MUG=2")
    leaf("purchase", "send", "PO-1")
    assert "More came of TEA" in leaf.text("purchase", "receive", "PO-1", "TEA=3", code=1)
    leaf("purchase", "receive", "PO-1", "TEA=3", "--over")
    assert [line["sku"] for line in leaf.json("purchase", "show", "PO-1", "--left")["lines"]] == ["MUG"]
    assert "PO-1 is closed." in leaf.text("purchase", "close", "PO-1")
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
def test_what_cannot_be_is_refused(leaf, words, code):
    leaf(*words, code=code)
    assert leaf.json("purchase", "list")["orders"] == []


def test_suppliers_are_listed_by_name_and_who_is_not_bought_from_is_told_apart(leaf):
    leaf("supplier", "add", "Clay", "--phone", "555 17", "--note", "closed on Mondays")
    leaf("supplier", "edit", "clay", "--name", "Clay Ltd", "--inactive")
    assert [row["name"] for row in leaf.json("supplier", "list")["suppliers"]] == ["Clay Ltd", "Leaf & Co"]
    assert [row["name"] for row in leaf.json("supplier", "list", "--active")["suppliers"]] == ["Leaf & Co"]
    assert [row["name"] for row in leaf.json("supplier", "list", "--after", "clay ltd")["suppliers"]] == ["Leaf & Co"]
    assert "inactive" in leaf.text("supplier", "list", "--inactive")
    assert leaf.json("supplier", "show", "clay ltd")["phone"] == "555 17"
    assert "closed on Mondays" in leaf.text("supplier", "show", "Clay Ltd")
    assert "may be more: --after 'Clay Ltd'" in leaf.text("supplier", "list", "--limit", 1)
