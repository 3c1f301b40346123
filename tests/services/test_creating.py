"""Holds the creation of items from a shop's own products to its promise, on real shops: nothing falls in between."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.services import creating, receiving
from tests.builders import Stall, World

WARES = {"TEA": 10, "MUG": 20}


def create(cart: Stall, *products: int) -> dict[str, int]:
    """SKU → the count with which its item was created."""
    made = creating.create(cart.world.house, cart.cart, cart.wire, cart.memory, products or None)
    return {line.sku: line.change for line in made}


def own(cart: Stall, *wares: tuple[str | None, int]) -> None:
    """Products that only this shop has, as the books know them after the next look."""
    for sku, quantity in wares:
        cart.sample.add_product(sku, f"Own {sku}", quantity)
    cart.tick()


def unmatched(cart: Stall) -> int:
    return cart.world.store.read(lambda books: books.reports.cart_counts(cart.id))["unmatched"]


def test_every_unmatched_product_becomes_an_item_that_is_kept_in_step(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    own(birch, ("CUP", 7), ("JUG", 0), ("ODD", -2))
    assert unmatched(birch) == 3
    planned = world.store.read(lambda books: creating.planned(books, birch.cart, None))
    assert {line.sku: (line.create, line.change) for line in planned} == {
        "CUP": (True, 7), "JUG": (True, 0), "ODD": (True, -2),
    }  # fmt: skip
    assert create(birch) == {"CUP": 7, "JUG": 0, "ODD": -2}
    assert unmatched(birch) == 0
    assert [world.on_hand(sku) for sku in ("CUP", "JUG", "ODD")] == [7, 0, -2]
    assert world.movements("CUP") == [("opening", 7)]
    birch.sample.buy("CUP", 2)
    receiving.receive(world.house, [("JUG", 3)], "", "", "")
    birch.settle()
    assert (world.on_hand("CUP"), birch.shows("JUG")) == (5, 3)
    assert birch.differences() == []
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (10, 10)


def test_what_was_sold_since_the_last_look_is_not_counted_twice(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    own(amber, ("CUP", 7))
    amber.sample.buy("CUP", 2)
    assert create(amber) == {"CUP": 5}
    amber.sample.buy("CUP", 1)
    amber.settle()
    assert (world.on_hand("CUP"), amber.shows("CUP")) == (4, 4)


def test_only_the_products_that_were_named_and_whose_sku_is_their_own(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    own(amber, ("CUP", 7), ("JUG", 1), ("TWICE", 3), ("twice", 4), (None, 5))
    assert create(amber, amber.sample.find("CUP").product) == {"CUP": 7}
    assert create(amber) == {"JUG": 1}
    with pytest.raises(Refused):
        create(amber)
    with pytest.raises(Refused):
        create(amber, amber.sample.find("TEA").product)


def test_a_buffer_is_withheld_from_the_shop_at_once(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.set(buffer=2)
    own(amber, ("CUP", 7))
    create(amber)
    amber.settle()
    assert (world.on_hand("CUP"), amber.shows("CUP")) == (7, 5)


def test_another_shop_with_the_sku_is_tied_and_waits_for_an_alignment(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    own(amber, ("CUP", 7))
    own(birch, ("CUP", 9))
    create(amber)
    assert not birch.listing("CUP").tracked
    assert (world.on_hand("CUP"), birch.shows("CUP")) == (7, 9)
    assert world.store.read(lambda books: books.reports.cart_counts(birch.id))["not_aligned"] == 1
    birch.send()
    assert birch.shows("CUP") == 7


def test_a_cart_that_is_not_aligned_or_is_stopped_is_refused_before_anything_is_made(world: World) -> None:
    amber = world.cart("Amber", WARES)
    with pytest.raises(Refused):
        create(amber)
    amber.get()
    own(amber, ("CUP", 7))
    world.store.write(lambda books: books.carts.halt(amber.id, "too much"))
    with pytest.raises(Refused):
        create(amber)
    assert unmatched(amber) == 1
