"""Holds notices to their promise: each count that is not zero makes one, and it says in a whole sentence what it is about."""

from __future__ import annotations

import pytest

from onhand.domain.notices import Kind, notices

CALM = {"oversold": 0, "oversold_items": [], "low": 0, "low_items": []}


def cart(number: int, name: str, **counts: object) -> dict[str, object]:
    plain = {"active": True, "aligned": True, "switched_off": 0, "unmatched": 0, "duplicate": 0, "blank": 0}
    return {"id": number, "name": name, **plain, **counts}


@pytest.mark.parametrize(
    ("kind", "count", "text"),
    [
        ("switched_off", 1, "1 product of Iris sold out and is still switched off."),
        ("switched_off", 1200, "1,200 products of Iris sold out and are still switched off."),
        ("unmatched", 1, "1 product of Iris is not synchronized: create an item for it."),
        ("unmatched", 1200, "1,200 products of Iris are not synchronized: create items for them."),
        ("blank", 1, "1 product of Iris has no SKU of its own, so it is not synchronized."),
        ("duplicate", 1200, "1,200 products of Iris have no SKU of their own, so they are not synchronized."),
    ],
)  # fmt: skip
def test_a_notice_of_a_cart_names_it_and_agrees_with_its_number(kind: str, count: int, text: str) -> None:
    (said,) = notices([cart(3, "Iris", **{kind: count})], CALM)
    assert (said.count, said.text, said.cart, said.cart_name) == (count, text, 3, "Iris")


@pytest.mark.parametrize(
    ("kind", "count", "items", "text"),
    [
        ("oversold", 1, [("TEA", -3)], "1 item is oversold: TEA −3."),
        ("oversold", 2, [("TEA", -1234), ("MUG", -1)], "2 items are oversold: TEA −1,234, MUG −1."),
        ("low", 1, [("TEA", 0)], "1 item is at or below its reorder point: TEA 0."),
        ("low", 2, [("TEA", 0), ("MUG", 1500)], "2 items are at or below their reorder point: TEA 0, MUG 1,500."),
        ("low", 2, [("TEA", 1)], "2 items are at or below their reorder point: TEA 1 and 1 more."),
        ("low", 2001, [("TEA", 1)], "2,001 items are at or below their reorder point: TEA 1 and 2,000 more."),
    ],
)  # fmt: skip
def test_a_notice_of_the_stock_names_the_first_items_and_how_many_more(kind, count, items, text) -> None:
    rows = [{"sku": sku, "on_hand": on_hand} for sku, on_hand in items]
    (said,) = notices([], {**CALM, kind: count, f"{kind}_items": rows})
    assert (said.kind, said.count, said.text, said.cart, said.cart_name) == (kind, count, text, None, "")


def test_notices_come_by_kind_the_most_urgent_first_and_then_by_cart() -> None:
    all_wrong = {"switched_off": 4, "unmatched": 5, "duplicate": 2, "blank": 1}
    stock = {"oversold": 1, "oversold_items": [], "low": 2, "low_items": []}
    found = notices([cart(1, "Iris", **all_wrong), cart(2, "Lily", **all_wrong)], stock)
    assert [(said.kind, said.count, said.cart) for said in found] == [
        (Kind.OVERSOLD, 1, None),
        (Kind.SWITCHED_OFF, 4, 1),
        (Kind.SWITCHED_OFF, 4, 2),
        (Kind.UNMATCHED, 5, 1),
        (Kind.UNMATCHED, 5, 2),
        (Kind.UNCLEAR, 3, 1),
        (Kind.UNCLEAR, 3, 2),
        (Kind.LOW, 2, None),
    ]
    assert list(dict.fromkeys(said.kind for said in found)) == list(Kind)


def test_of_a_cart_that_is_inactive_or_was_never_aligned_nothing_is_said() -> None:
    for missing in ("active", "aligned"):
        assert notices([cart(1, "Iris", switched_off=1, unmatched=1, blank=1, **{missing: False})], CALM) == []
    assert notices([cart(1, "Iris")], CALM) == []
