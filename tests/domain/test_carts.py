"""Holds the record of a cart to what it says of its shop."""

from __future__ import annotations

from dataclasses import fields

import pytest

from onhand.domain.carts import Cart, Settings
from onhand.domain.numbering import Place

from .test_family import PLAIN

AMBER = Settings("Amber", "https://amber.example/onhand.php")


def cart(**known: object) -> Cart:
    """A cart of which only what is given matters."""
    required = {field.name: None for field in fields(Cart) if field.name != "restart_line"}
    return Cart(**required | {"settings": AMBER} | known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("mysql://db.example/shop", True),
        ("https://amber.example/onhand.php", False),
        ("http://amber.example/mysql://", False),
        ("", False),
    ],
)
def test_a_cart_is_reached_through_its_database_where_its_address_says_so(url: str, direct: bool) -> None:
    assert Settings("Amber", url).direct is direct


def test_the_longest_sku_is_known_once_the_shop_said_hello() -> None:
    assert cart(hello=PLAIN).sku_length == PLAIN.sku_length
    assert cart(hello=None).sku_length == 0


def test_a_cart_knows_which_of_its_lines_are_history_and_which_are_collected() -> None:
    assert cart(baseline_line=5, cursor_line=9, restart_line=3).place == Place(5, 9, 3)
    assert cart(baseline_line=5, cursor_line=9).place == Place(5, 9, None), "no line number was used again"
