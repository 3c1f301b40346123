"""Holds what happens to an order after it was sold: edited, returned here, restocked there, in any order; no unit comes back twice.

Path: each test does to the sample shop what an order editor or an admin page of the family writes, statement by statement.
Promise: on hand is what lies on the shelf, every shop shows it, and what happened is named with the order's number.
Never: looks at a sentence.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from onhand.domain.errors import Refused
from onhand.domain.orders import Order
from onhand.services import aligning, receiving, reconciling, selling
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 20, "POT": 20}


@pytest.fixture
def shops(world: World) -> tuple[Stall, Stall]:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    return amber, birch


def settle(*stalls: Stall) -> None:
    for _ in range(8):
        for stall in stalls:
            stall.tick()


def shown(world: World, *stalls: Stall, sku: str = "TEA") -> set[int]:
    """On hand, and what every shop shows."""
    return {world.on_hand(sku), *(stall.shows(sku) for stall in stalls)}


def edit_line(stall: Stall, order: int, now: int, *, counter: bool, sku: str = "TEA", stock: bool = True) -> None:
    """An order editor sets the units of an order's line: relatively in the product, with or without its counter."""
    ((line, before),) = stall.sql(
        "SELECT orders_products_id, products_quantity FROM orders_products WHERE orders_id = ? AND products_model = ?",
        order,
        sku,
    )
    if stock:
        move(stall, sku, before - now, now - before if counter else 0)
    if now:
        stall.sql("UPDATE orders_products SET products_quantity = ? WHERE orders_products_id = ?", now, line)
    else:
        stall.sql("DELETE FROM orders_products WHERE orders_products_id = ?", line)


def add_line(stall: Stall, order: int, units: int, sku: str = "TEA") -> None:
    """An order editor adds a product to an order; the counter stays."""
    stall.sql(
        "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price, final_price,"
        " products_quantity) SELECT ?, products_id, products_model, '', 1, 1, ? FROM products WHERE products_model = ?",
        order,
        units,
        sku,
    )
    move(stall, sku, -units, 0)


def move(stall: Stall, sku: str, quantity: int, counter: int) -> None:
    stall.sql(
        "UPDATE products SET products_quantity = products_quantity + ?, products_ordered = products_ordered + ?"
        " WHERE products_model = ?",
        quantity,
        counter,
        sku,
    )


def order_of(world: World, stall: Stall, order: int) -> Order:
    return world.store.read(lambda books: books.orders.find(str(order), stall.id))


def take_back(world: World, stall: Stall, order: int, units: int, sku: str = "TEA") -> None:
    lines = [(line.line, units) for line in order_of(world, stall, order).lines if line.sku == sku]
    selling.take_back(world.house, str(order), stall.id, "", lines, "Ida", "")


# Editors that move the quantity alone


@pytest.mark.parametrize("now", [5, 1, 4, 8])
def test_a_line_edited_without_the_counter_is_booked_under_its_order(world: World, shops, now: int) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, now, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20 - now}
    assert amber.causes() == [("order edited", 3 - now)]
    assert not amber.differences(open_only=True)
    assert order_of(world, amber, order).lines[0].left == now


def test_a_line_taken_out_of_an_order_is_booked_under_its_order(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 3), ("POT", 1)])
    settle(amber, birch)
    edit_line(amber, order, 0, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    assert amber.causes() == [("order edited", 3)]


def test_a_line_taken_out_beside_one_that_is_not_kept_in_step_is_booked_under_its_order(world: World, shops) -> None:
    amber, birch = shops
    amber.sample.add_product("", "Gift wrap", 9)
    settle(amber, birch)
    order = amber.sample.buy_all([("TEA", 3), ("", 1)])
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    amber.tick()
    edit_line(amber, order, 0, counter=False)
    settle(amber, birch)
    assert amber.causes() == [("order edited", 3)], (
        "what its order has lost is better evidence than a race of that sale"
    )
    assert shown(world, amber, birch) == {16}


def test_an_order_deleted_while_a_sale_was_lost_is_asked_about_and_the_sale_is_made_good(world: World, shops) -> None:
    """World 770000138: an editor had given the line back, and then its order went: that was called a lost sale, and no more."""
    amber, birch = shops
    order = amber.sample.buy_all([("TEA", 3), ("POT", 1)])
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    amber.tick()
    edit_line(amber, order, 0, counter=False)
    amber.sample.delete_order(order, restock=False)
    settle(amber, birch)
    assert amber.causes() == [("lost sale", 3), ("return in doubt", 0)]
    assert shown(world, amber, birch) == {13}


def test_a_return_that_is_booked_while_the_shop_is_asked_comes_back_once(world: World, shops) -> None:
    """World 770000137: what had come back was read before the shop was asked, and a clerk booked it in between."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=True)

    def a_clerk_books_it() -> None:
        take_back(world, amber, order, 2)

    amber.wire.after["orders"].append(a_clerk_books_it)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    assert amber.causes() == [("given back twice", 2)]


def test_a_doubt_is_about_the_line_that_had_not_come_back(world: World, shops) -> None:
    """World 770000182: one order was taken out of the counter, another came back here and in the shop; the first was booked as back."""
    amber, birch = shops
    lowered, returned, _ = amber.sample.buy("TEA", 2), amber.sample.buy("TEA", 2), amber.sample.buy("TEA", 5)
    settle(amber, birch)
    take_back(world, amber, returned, 2)
    move(amber, "TEA", 0, -2)
    amber.sample.delete_order(lowered, restock=False)
    amber.tick()
    amber.sample.delete_order(returned, restock=True)
    settle(amber, birch)
    settle(amber, birch)
    assert shown(world, amber, birch) == {13}
    assert dict(amber.causes()) == {"counter lowered": -2, "given back twice": 2}


def test_where_another_line_may_have_come_back_a_person_is_asked(world: World, shops) -> None:
    """World 770000050: of two lines of one product CE Phoenix gives back one; the other had come back here."""
    amber, birch = shops
    hello = replace(amber.cart.hello, family="phoenix")
    world.store.write(lambda books: books.carts.greet(amber.id, hello))
    order, _ = amber.sample.buy_all([("TEA", 1), ("TEA", 1)]), amber.sample.buy("TEA", 5)
    settle(amber, birch)
    line = order_of(world, amber, order).lines[0].line
    selling.take_back(world.house, str(order), amber.id, "", [(line, 1)], "Ida", "")
    move(amber, "TEA", 1, -1)
    amber.sample.delete_order(order, restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {14}
    assert ("given back twice", 1) in amber.causes()
    question = next(one for one in amber.differences(open_only=True) if one["cause"] == "given back twice")
    reconciling.decide(world.house, question["id"], False, "Ada")
    settle(amber, birch)
    assert shown(world, amber, birch) == {15}


def test_a_counter_that_fell_by_less_than_the_order_that_went_hides_a_sale(world: World, shops) -> None:
    """World 770000275: an order that had come back here was restocked, a sale was deleted before it was seen: one came back twice."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 2)
    settle(amber, birch)
    take_back(world, amber, order, 2)
    amber.sample.delete_order(order, restock=True)
    amber.sample.delete_order(amber.sample.buy("TEA", 1), restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {19}


def test_a_checkout_that_died_long_ago_does_not_hide_in_a_burst(world: World, shops) -> None:
    """World 770000206: a line that was paid for and never counted was booked, and an order that was deleted long ago came back for it."""
    amber, birch = shops
    gone = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.delete_order(gone, restock=False)
    for step in amber.checkout("TEA", 3, line_first=True):
        if step == "line":
            break
    amber.sql(
        "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added)"
        " SELECT MAX(orders_id), 1, datetime('now') FROM orders_products"
    )
    settle(amber, birch)
    settle(amber, birch)
    amber.sample.buy("TEA", 5)
    move(amber, "TEA", 2, 0)  # a race destroyed a part of it
    settle(amber, birch)
    assert amber.causes() == [("lost sale", 2)]
    assert shown(world, amber, birch) == {12}


def test_a_line_added_to_an_order_is_booked_under_its_order(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("POT", 1)
    settle(amber, birch)
    add_line(amber, order, 2)
    settle(amber, birch)
    assert shown(world, amber, birch) == {18}
    assert amber.causes() == [("order edited", -2)]
    assert [line.word for line in order_of(world, amber, order).lines] == ["sold", "sold"]


def test_an_edit_beside_a_sale_is_no_lost_sale(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 2)
    amber.tick()
    edit_line(amber, order, 1, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {17}
    assert amber.causes() == [("order edited", 2)]


def test_an_edit_beside_a_post_and_a_sale_is_no_lost_post(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    selling.take_order(world.house, [("TEA", 1)], "T-1", "", "", oversell=False)  # any post of ours
    settle(amber, birch)
    amber.sample.buy("TEA", 1)
    amber.tick()
    edit_line(amber, order, 4, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {14}
    assert amber.causes() == [("order edited", -1)]


def test_a_drift_beside_an_edited_line_that_does_not_fit_is_asked_about(world: World, shops) -> None:
    """The line is booked, what sales may have lost beside it is made good, and a person is asked whether they were."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    amber.tick()
    edit_line(amber, order, 2, counter=False)
    move(amber, "TEA", 2, 0)
    settle(amber, birch)
    assert amber.causes() == [("order edited", 1), ("lost sale", 2), ("return in doubt", 0)]
    assert len(amber.differences(open_only=True)) == 1


def test_beside_lost_sales_it_is_asked_whether_an_editor_took_what_it_wrote_on_the_line(world: World, shops) -> None:
    """Two sales were lost, and an editor that moves no stock raised a line by one. Whoever answers so has the right count."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    amber.tick()
    edit_line(amber, order, 4, counter=False)
    move(amber, "TEA", 3, 0)  # what the editor took, and the two that were lost
    settle(amber, birch)
    assert amber.causes() == [("order edited", -1), ("lost sale", 3), ("return in doubt", 0)]
    assert shown(world, amber, birch) == {12}
    reconciling.decide(world.house, amber.differences(open_only=True)[0]["id"], ours=False, person="")
    settle(amber, birch)
    assert shown(world, amber, birch) == {13}


def test_a_drift_beside_an_added_line_that_does_not_fit_is_asked_about_once(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("POT", 1)
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    amber.tick()
    add_line(amber, order, 1)
    move(amber, "TEA", 3, 0)
    settle(amber, birch)
    causes = [("order edited", -1), ("lost sale", 3), ("return in doubt", 0)]
    assert amber.causes() == causes
    reconciling.decide(world.house, amber.differences(open_only=True)[0]["id"], ours=True, person="")
    settle(amber, birch)
    amber.sample.buy("TEA", 2)
    amber.tick()
    move(amber, "TEA", 1, 0)
    settle(amber, birch)
    assert amber.causes() == [*causes, ("lost sale", 1)]


def test_an_old_line_is_asked_about_too(world: World, shops) -> None:
    """Below the window of a look, and of an epoch before the last alignment."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    world.parameter("SynchQOH", "true")
    aligned_again(world, amber)
    for _ in range(3):
        amber.sample.buy("POT", 1)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {15}
    assert amber.causes()[-1] == ("order edited", -2)


def aligned_again(world: World, stall: Stall) -> None:
    """A person switches the cart off, sends once more, and switches it on: a new epoch begins."""
    before = stall.cart.epoch
    world.store.write(lambda books: books.carts.halt(stall.id, "for a test"))
    stall.sql("UPDATE products SET products_quantity = products_quantity")
    stall.endpoint.hello(fresh_epoch_after=before)
    stall.send()
    stall.enable("for a test")
    assert stall.cart.epoch != before


def test_a_line_edited_and_nothing_else_is_only_noted(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False, stock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {17}
    assert amber.causes() == []
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"], "the window fits again"
    amber.sample.delete_order(order, restock=True)  # gives five back, of which three were taken
    settle(amber, birch)
    assert shown(world, birch) == {20}
    (question,) = amber.differences(open_only=True)
    assert (question["cause"], question["amount"]) == ("unknown", 2)
    reconciling.decide(world.house, question["id"], ours=True, person="Ida")
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}


def test_a_line_that_was_raised_for_nothing_and_lowered_again_gives_nothing_back(world: World, shops) -> None:
    """Three were taken and three are on it: whatever the shop gave back, it was not of this line."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False, stock=False)
    settle(amber, birch)
    edit_line(amber, order, 3, counter=True)
    settle(amber, birch)
    assert shown(world, birch) == {17}
    (question,) = amber.differences(open_only=True)
    assert (question["cause"], question["amount"]) == ("unknown", 2)
    assert order_of(world, amber, order).lines[0].left == 3


def test_an_edited_order_that_is_deleted_with_restock_gives_all_of_it_back(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, 5, counter=False)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    assert not amber.differences(open_only=True)


# Editors that move the counter too, and admins who move it alone


@pytest.mark.parametrize("now", [5, 1])
def test_a_line_edited_with_the_counter_is_trade(world: World, shops, now: int) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    edit_line(amber, order, now, counter=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20 - now}
    assert amber.causes() == []
    assert order_of(world, amber, order).lines[0].left == now


def test_after_an_edit_no_more_comes_back_than_is_left(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 5)
    settle(amber, birch)
    edit_line(amber, order, 3, counter=True)
    settle(amber, birch)
    with pytest.raises(Refused) as refused:
        take_back(world, amber, order, 5)
    assert refused.value.facts["left"] == 3
    assert shown(world, amber, birch) == {17}
    take_back(world, amber, order, 3)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}


def test_a_counter_lowered_without_goods_gives_nothing_back(world: World, shops) -> None:
    amber, birch = shops
    amber.sample.buy("TEA", 4)
    settle(amber, birch)
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    world.clock.advance(60)
    amber.tick()
    move(amber, "TEA", 0, -3)
    amber.sample.delete_order(order, restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {13}
    assert amber.causes() == [("counter lowered", -3)]


@pytest.mark.parametrize("came_back", [True, False])
def test_a_return_that_a_sale_may_have_destroyed_is_asked_about(world: World, shops, came_back: bool) -> None:
    amber, birch = shops
    amber.sample.buy("TEA", 4)
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 1)
    amber.tick()
    move(amber, "TEA", 0, -3)
    amber.sample.delete_order(order, restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {12}
    assert amber.causes() == [("return in doubt", -3)]
    (question,) = amber.differences(open_only=True)
    reconciling.decide(world.house, question["id"], ours=not came_back, person="Ida")
    settle(amber, birch)
    assert shown(world, amber, birch) == {15 if came_back else 12}
    assert not amber.differences(open_only=True)


# Returns on both sides


@pytest.mark.parametrize("lost", [2, 3, 4])
def test_a_counter_lowered_while_a_lost_sale_settles_is_no_return(world: World, shops, lost: int) -> None:
    """Seen at once they look like a return beside a smaller race; but the race was seen before."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.buy("TEA", 4)
    move(amber, "TEA", lost, 0)
    amber.tick()
    amber.sample.delete_order(order, restock=False)
    move(amber, "TEA", 0, -3)
    settle(amber, birch)
    (question,) = amber.differences(open_only=True)
    assert (question["cause"], question["amount"]) == ("return in doubt", -3)
    assert shown(world, amber, birch) == {13}
    assert sorted(amber.causes()) == [("lost sale", lost), ("return in doubt", -3)]
    reconciling.decide(world.house, question["id"], ours=True, person="Ida")
    settle(amber, birch)
    assert shown(world, amber, birch) == {13}


def test_a_race_that_follows_a_lowered_counter_does_not_make_a_return_of_it(world: World, shops) -> None:
    amber, birch = shops
    amber.sample.buy("TEA", 2)
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=False)
    move(amber, "TEA", 0, -3)
    amber.tick()
    amber.sample.buy("TEA", 5)
    move(amber, "TEA", 4, 0)
    settle(amber, birch)
    assert ("return in doubt", -3) in amber.causes()
    assert shown(world, amber, birch) == {10}


def test_goods_returned_here_and_restocked_there_come_back_once(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 2)
    settle(amber, birch)
    take_back(world, amber, order, 1)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    assert amber.causes() == [("given back twice", 1)]
    assert not amber.differences(open_only=True), "the next post took it from the shop again"
    (line,) = order_of(world, amber, order).lines
    assert (line.quantity, line.cancelled, line.returned, line.left) == (2, 1, 1, 0)


def test_goods_restocked_there_do_not_come_back_here(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 2)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    with pytest.raises(Refused):
        take_back(world, amber, order, 1)
    assert shown(world, amber, birch) == {20}


def test_all_returned_here_and_then_restocked_there_posts_all_of_it_away(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    take_back(world, amber, order, 3)
    settle(amber, birch)
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}


@pytest.mark.parametrize("beside", ["nothing", "a sale of something else", "an alignment"])
def test_a_sale_of_as_many_does_not_hide_that_goods_returned_here_were_restocked(
    world: World, shops, beside: str
) -> None:
    """Sale and restock make up for each other: neither counter nor quantity moved."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 2)
    settle(amber, birch)
    take_back(world, amber, order, 2)
    settle(amber, birch)

    def restock_and_sell() -> None:
        amber.sample.delete_order(order, restock=True)
        amber.sample.buy("TEA", 2)

    if beside == "an alignment":
        aligning.disable(world.house, amber.cart, "")
        world.clock.while_asleep = [restock_and_sell]
        amber.send()
        amber.enable()
    else:
        restock_and_sell()
    if beside == "a sale of something else":
        amber.sample.buy("POT", 1)
    settle(amber, birch)
    assert shown(world, amber, birch) == {18}
    assert amber.causes() == [("given back twice", 2)]


def test_a_deleted_line_that_comes_again_can_be_sold_and_returned_again(world: World, shops) -> None:
    amber, birch = shops
    order = amber.sample.buy("TEA", 2)
    settle(amber, birch)
    kept = amber.sql("SELECT * FROM orders_products WHERE orders_id = ?", order)
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    amber.sql(f"INSERT INTO orders_products VALUES ({', '.join('?' * len(kept[0]))})", *kept[0])
    amber.sql(
        "INSERT INTO orders (orders_id, customers_name, payment_method, date_purchased, orders_status)"
        " VALUES (?, 'B. Buyer', 'Cash', datetime('now'), 1)",
        order,
    )
    amber.sql(
        "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added) VALUES (?, 1, datetime('now'))",
        order,
    )
    move(amber, "TEA", -2, 2)
    settle(amber, birch)
    assert shown(world, amber, birch) == {18}
    take_back(world, amber, order, 2)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}
    amber.sample.delete_order(order, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {20}


def test_a_lowered_counter_beside_a_sale_and_a_post_is_not_made_good_twice(world: World, shops) -> None:
    """A lost post would explain the drift too; believed, the counter's fall and the post would both be added."""
    amber, birch = shops
    order = amber.sample.buy("TEA", 3)
    settle(amber, birch)
    receiving.receive(world.house, [("TEA", 3)], "", "", "")
    settle(amber, birch)
    amber.sample.buy("TEA", 1)
    amber.tick()
    move(amber, "TEA", 0, -3)
    amber.sample.delete_order(order, restock=False)
    settle(amber, birch)
    assert shown(world, amber, birch) == {19}
    assert amber.causes() == [("return in doubt", -3)]


def test_edits_in_one_look_that_make_up_for_each_other_are_booked_as_the_lines_say(world: World, shops) -> None:
    """They make up for each other, so the counter stands where it was. Not booked, the first order would give back too much later."""
    amber, birch = shops
    first, second, third = (amber.sample.buy("TEA", n) for n in (3, 2, 2))
    settle(amber, birch)
    edit_line(amber, first, 5, counter=True)
    edit_line(amber, second, 1, counter=True)
    edit_line(amber, third, 1, counter=True)
    settle(amber, birch)
    assert [order_of(world, amber, order).lines[0].left for order in (first, second, third)] == [5, 1, 1]
    amber.sample.delete_order(first, restock=True)
    settle(amber, birch)
    assert shown(world, amber, birch) == {18}
    assert amber.causes() == []
