"""Holds numbers, nouns and articles to agree."""

from __future__ import annotations

import pytest

from onhand.domain import grammar


@pytest.mark.parametrize(
    ("number", "noun", "several", "said"),
    [
        (1, "item", "", "1 item"),
        (0, "item", "", "0 items"),
        (-1, "unit", "", "−1 units"),
        (1234, "item", "", "1,234 items"),
        (2, "delivery", "", "2 deliveries"),
        (2, "day", "", "2 days"),
        (2, "holiday", "", "2 holidays"),
        (2, "bus", "", "2 buses"),
        (2, "box", "", "2 boxes"),
        (2, "waltz", "", "2 waltzes"),
        (2, "dish", "", "2 dishes"),
        (2, "batch", "", "2 batches"),
        (2, "more line", "", "2 more lines"),
        (1, "item is low", "items are low", "1 item is low"),
        (2, "item is low", "items are low", "2 items are low"),
    ],
)
def test_numbers_and_nouns_agree(number: int, noun: str, several: str, said: str) -> None:
    assert grammar.counted(number, noun, several) == said


def test_signs_and_articles() -> None:
    assert [grammar.signed(units) for units in (3, 1, 0, -1234)] == ["+3", "+1", "0", "−1,234"]
    assert [grammar.with_article(noun) for noun in ("order", "cart", "Item", "apple", "egg", "update")] == [
        "an order",
        "a cart",
        "an Item",
        "an apple",
        "an egg",
        "an update",
    ]
