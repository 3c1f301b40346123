"""Holds products that sold out and are switched off to what a person may do about them, on a real shop."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.domain.posts import State
from onhand.services import receiving, selling, settling
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "POT": 5}


@pytest.fixture
def amber(world: World) -> Stall:
    """POT sold out, and somebody saved its form, so nobody can tell whether the sale or the form switched it off."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("POT", 5)
    amber.tick()
    amber.sample.admin_set("POT", status=0)
    amber.tick(30)
    return amber


def state(cart: Stall) -> tuple[int, int]:
    return cart.shows("POT"), cart.sample.find("POT").status


def doubtful(cart: Stall) -> list[int]:
    """The products that are listed, which the card counts too."""
    rows = cart.world.store.read(lambda books: books.products.page(cart.id, "switched off", 0, 100))
    counts = cart.world.store.read(lambda books: books.reports.cart_counts(cart.id))
    assert counts["switched_off"] == len(rows)
    assert all(row["switched_off"] for row in rows)
    return [row["product"] for row in rows]


def switch(cart: Stall, *products: int, on: bool = True) -> int:
    return len(settling.switch_on(cart.world.house, cart.cart, products, on, "Ann"))


def test_what_sold_out_and_is_off_is_listed_until_somebody_says_what_is_wanted(amber: Stall) -> None:
    pot = amber.listing("POT").product
    assert doubtful(amber) == [pot]
    receiving.receive(amber.world.house, [("POT", 2)], "", "", "")
    amber.settle()
    assert state(amber) == (2, 0)
    assert doubtful(amber) == [pot]


def test_it_is_switched_on_at_once_if_there_is_stock_by_a_post_that_adds_nothing(amber: Stall) -> None:
    receiving.receive(amber.world.house, [("POT", 2)], "", "", "")
    amber.settle()
    switch(amber, amber.listing("POT").product)
    assert doubtful(amber) == []
    amber.settle()
    assert state(amber) == (2, 1)
    assert doubtful(amber) == []
    rows = amber.world.store.read(lambda books: books.stack.posts(amber.id, None, 10, None))
    assert (rows[0]["change"], rows[0]["state"]) == (0, State.APPLIED)
    assert amber.differences() == []


def test_it_is_switched_on_with_the_stock_that_comes_later_even_if_its_form_is_saved_before(amber: Stall) -> None:
    switch(amber, amber.listing("POT").product)
    amber.settle()
    assert state(amber) == (0, 0)
    amber.edit("POT", 0)
    amber.tick(30)
    receiving.receive(amber.world.house, [("POT", 2)], "", "", "")
    amber.settle()
    assert state(amber) == (2, 1)


def test_what_is_left_off_is_listed_no_more_and_stays_off(amber: Stall) -> None:
    switch(amber, amber.listing("POT").product, on=False)
    assert doubtful(amber) == []
    receiving.receive(amber.world.house, [("POT", 2)], "", "", "")
    amber.settle()
    assert state(amber) == (2, 0)
    assert doubtful(amber) == []


def test_what_somebody_switches_on_in_the_shop_is_listed_no_more(amber: Stall) -> None:
    amber.sample.admin_set("POT", status=1)
    amber.tick(30)
    assert doubtful(amber) == []


def test_what_did_not_sell_out_is_refused(amber: Stall) -> None:
    amber.sample.admin_set("TEA", status=0)
    amber.tick(30)
    assert amber.listing("TEA").product not in doubtful(amber)
    for on in (True, False):
        with pytest.raises(Refused):
            switch(amber, amber.listing("TEA").product, on=on)


def test_a_new_baseline_does_not_forget_it(amber: Stall) -> None:
    amber.world.store.write(lambda books: books.carts.switch(amber.id, False))
    amber.get()
    assert doubtful(amber) == [amber.listing("POT").product]


def test_what_the_shop_itself_put_back_is_switched_on_as_well(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    order = amber.sample.buy("POT", 5)
    amber.settle()
    assert state(amber) == (0, 0)
    assert doubtful(amber) == [], "the sale did that, for certain"
    amber.sample.delete_order(order, restock=True)
    amber.settle()
    assert state(amber) == (5, 1)


def save_form(cart: Stall, seconds_ago: int) -> None:
    """Somebody saves the form of POT without changing count or status."""
    cart.sql(
        "UPDATE products SET products_last_modified = datetime('now', ?) WHERE products_model = 'POT'",
        f"-{seconds_ago} seconds",
    )


@pytest.fixture
def careful(world: World) -> Stall:
    """A shop that switches off what sells out."""
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    amber.tick()
    return amber


@pytest.mark.parametrize("again", [0, 30])
def test_a_form_saved_before_the_sell_out_does_not_keep_it_off(careful: Stall, again: int) -> None:
    """The sale shows that the product was on after the form was saved."""
    save_form(careful, seconds_ago=10)
    careful.sample.buy("POT", 5)
    careful.tick()
    careful.tick(again)  # a look that reads the catalogue as well
    assert doubtful(careful) == []
    receiving.receive(careful.world.house, [("POT", 2)], "", "", "")
    careful.settle()
    assert state(careful) == (2, 1)


def test_the_same_in_the_look_that_reads_the_catalogue(careful: Stall) -> None:
    save_form(careful, seconds_ago=40)
    careful.sample.buy("POT", 5)
    careful.tick(30)
    receiving.receive(careful.world.house, [("POT", 2)], "", "", "")
    careful.settle()
    assert state(careful) == (2, 1)


def test_a_form_saved_after_the_sell_out_does_not_keep_it_off(careful: Stall) -> None:
    """It was off already, so the form says nothing about that; whoever wants it off says so in OnHand."""
    careful.sample.buy("POT", 5)
    careful.tick()
    save_form(careful, seconds_ago=0)
    careful.tick(30)
    receiving.receive(careful.world.house, [("POT", 2)], "", "", "")
    careful.settle()
    assert state(careful) == (2, 1)


def test_a_form_saved_at_the_moment_of_the_sell_out_leaves_it_in_doubt(careful: Stall) -> None:
    careful.sample.buy("POT", 5)
    save_form(careful, seconds_ago=0)
    careful.tick()
    assert doubtful(careful) == [careful.listing("POT").product]
    receiving.receive(careful.world.house, [("POT", 2)], "", "", "")
    careful.settle()
    assert state(careful) == (2, 0)


@pytest.fixture
def emptied(world: World) -> Stall:
    """POT sells out in the moment before our post brings it stock again, so it never shows that it was empty."""
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    receiving.receive(world.house, [("POT", 2)], "", "", "")
    birch.wire.before["apply"].append(lambda: birch.sample.buy("POT", 5))
    return birch


def test_what_sold_out_just_before_a_post_is_switched_on(emptied: Stall) -> None:
    emptied.tick()
    assert state(emptied) == (2, 0)
    emptied.settle()
    emptied.tick(30)
    emptied.settle()
    assert state(emptied) == (2, 1)
    assert doubtful(emptied) == []


def test_what_sold_out_just_before_a_post_and_beside_a_saved_form_is_listed(emptied: Stall) -> None:
    emptied.edit("POT", 5)
    emptied.settle()
    emptied.tick(30)
    emptied.settle()
    assert state(emptied) == (2, 0)
    assert doubtful(emptied) == [emptied.listing("POT").product]


def test_what_sold_out_beside_a_saved_form_and_came_back_in_part_is_listed(world: World) -> None:
    """World 811000321: it had stock again when it was seen off, so nobody was asked."""
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    order = birch.sample.buy("POT", 2)
    birch.settle()
    birch.edit("POT", 3)
    birch.sample.buy("POT", 3)
    birch.sample.delete_order(order, restock=True)
    birch.settle()
    birch.tick(30)
    assert state(birch) == (2, 0)
    assert doubtful(birch) == [birch.listing("POT").product]


def test_what_sold_out_beside_a_saved_form_and_came_back_twice_is_listed(world: World) -> None:
    """World 3434659212: what came back was no movement here, because it had come back before."""
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    order = birch.sample.buy("POT", 2)
    birch.settle()
    selling.take_back(world.house, str(order), birch.id, "", [(1, 2)], "Ann", "")
    birch.settle()
    birch.tick(90)
    birch.edit("POT", 5)
    birch.sample.buy("POT", 5)
    birch.sample.delete_order(order, restock=True)
    birch.settle()
    birch.tick(30)
    assert birch.sample.find("POT").status == 0
    assert doubtful(birch) == [birch.listing("POT").product]


def test_what_sold_out_before_an_old_form_was_saved_is_listed(world: World) -> None:
    """The form brings the old count back, so the product never shows that it was empty."""
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    birch.sample.buy("POT", 5)
    birch.edit("POT", 5)
    birch.settle()
    birch.tick(30)
    assert birch.sample.find("POT").status == 0
    assert doubtful(birch) == [birch.listing("POT").product]


def test_what_sold_out_and_came_back_while_it_had_another_name_is_listed(world: World) -> None:
    """World 310104796."""
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    order = birch.sample.buy("POT", 2)
    birch.settle()
    birch.sql("UPDATE products SET products_model = 'PAN' WHERE products_model = 'POT'")
    birch.tick(30)
    product = birch.sample.find("PAN").product
    birch.sample.buy("PAN", 3)
    birch.sample.delete_order(order, restock=True)
    birch.tick(30)
    birch.sql("UPDATE products SET products_model = 'POT' WHERE products_model = 'PAN'")
    birch.tick(30)
    birch.settle()
    assert state(birch) == (2, 0)
    assert doubtful(birch) == [product]


def test_what_a_person_switched_off_with_stock_left_stays_off_after_a_sale(world: World) -> None:
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    birch.sample.buy("POT", 1)
    birch.edit("POT", 4)
    birch.sql("UPDATE products SET products_status = 0 WHERE products_model = 'POT'")
    birch.settle()
    birch.tick(30)
    receiving.receive(world.house, [("POT", 2)], "", "", "")
    birch.settle()
    assert state(birch) == (6, 0)
    assert doubtful(birch) == []


def test_what_sold_out_while_nobody_looked_is_listed_after_an_alignment(world: World) -> None:
    (birch,) = world.running("Birch", wares=WARES, allow_checkout=False)
    world.store.write(lambda books: books.carts.switch(birch.id, False))
    birch.sample.buy("POT", 5)
    birch.get()
    assert doubtful(birch) == [birch.listing("POT").product]
