"""Holds what people settle by hand to its promises, on a real shop: ties, parking, and looking again."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from onhand.domain.differences import Cause
from onhand.domain.errors import Refused, Retriable
from onhand.services import items, rechecking, reconciling, settling, ticking, tying
from onhand.services.receiving import receive
from onhand.storage.tables import items as table
from tests.builders import Stall, World, failing

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def choose(cart: Stall, product: int, sku: str):
    return settling.choose(cart.world.house, cart.cart, product, sku, "Ann")


def ignore(cart: Stall, *products: int) -> int:
    return settling.ignore(cart.world.house, cart.cart, products, "Ann")


def release(cart: Stall, *products: int):
    return settling.release(cart.world.house, cart.cart, products, "Ann")


def listing(cart: Stall, product: int):
    return cart.world.store.read(lambda books: books.listings.of(cart.id, [product]))[product]


def flag(world: World, sku: str, on: bool = True) -> None:
    """What the Inventory screen does when Ignore QOH is set."""

    def write(books) -> None:
        item = items.find(books, [sku])[0]
        books._connection.execute(update(table).where(table.c.id == item.id).values(ignore_qoh=on))
        tying.retie(books, [item.id], world.clock.now())

    world.store.write(write)


def odd(cart: Stall, *wares: tuple[str | None, int]) -> list[int]:
    """Products that no SKU settles, as the books know them after the next look."""
    before = {x.product for x in cart.world.store.read(lambda books: books.listings.all(cart.id))}
    for sku, quantity in wares:
        cart.sample.add_product(sku, f"Odd {sku}", quantity)
    cart.tick()
    return sorted({x.product for x in cart.world.store.read(lambda books: books.listings.all(cart.id))} - before)


def test_a_product_that_was_chosen_waits_for_an_alignment_and_is_then_kept_in_step(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.item("CUP", 4)
    (product,) = odd(amber, ("KOPJE", 9))
    assert listing(amber, product).problem == "unmatched"
    chosen = choose(amber, product, " cup ")
    assert (chosen.problem, chosen.aligned, chosen.tracked) == (None, False, False)
    assert "Send or Get" in settling.in_words(chosen)
    amber.sample.buy("KOPJE", 1)
    amber.settle()
    assert (world.on_hand("CUP"), amber.shows("KOPJE")) == (4, 8), "nothing goes either way before that"
    amber.send()
    assert amber.shows("KOPJE") == 4
    amber.sample.buy("KOPJE", 1)
    receive(world.house, [("CUP", 5)], "", "", "")
    amber.settle()
    assert (world.on_hand("CUP"), amber.shows("KOPJE")) == (8, 8)


def test_a_choice_stays_when_the_product_is_renamed_and_is_forgotten_when_it_is_deleted(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.item("CUP", 4)
    (product,) = odd(amber, ("KOPJE", 9))
    choose(amber, product, "CUP")
    amber.send()
    amber.sample.rename("KOPJE", "MUG")
    amber.tick(30)
    assert listing(amber, product).tracked
    assert amber.listing("MUG").tracked, "the bearer of the SKU keeps its own item"
    assert amber.differences(open_only=True) == []
    amber.sample.rename("MUG", "x")  # either of the two
    amber.sql("DELETE FROM products WHERE products_id = ?", product)
    amber.tick()
    amber.sql(
        "INSERT INTO products (products_id, products_quantity, products_model, products_price, products_date_added,"
        " products_status, products_ordered) VALUES (?, 3, 'KOPJE', 1, datetime('now'), 1, 0)",
        product,
    )
    amber.tick()
    again = listing(amber, product)
    assert (again.chosen, again.item, again.problem) == (None, None, "unmatched")


def test_two_products_of_a_cart_never_share_an_item(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    (product,) = odd(amber, ("KOPJE", 9))
    with pytest.raises(Refused, match="“Thing TEA”, in Amber: ignore that one first"):
        choose(amber, product, "TEA")
    assert listing(amber, product).chosen is None
    ignore(amber, amber.listing("TEA").product)
    assert choose(amber, product, "TEA").item is not None
    release(amber, 1)
    assert listing(amber, 1).problem == "duplicate", "its item was chosen for another product meanwhile"


def test_one_of_two_duplicates_is_chosen_and_the_other_stays_one(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.item("CUP", 4)
    first, second = odd(amber, ("CUP", 9), ("cup", 3))
    choose(amber, second, "CUP")
    assert (listing(amber, first).problem, listing(amber, second).problem) == ("duplicate", None)
    ignore(amber, first)
    assert listing(amber, first).problem == "ignored"
    release(amber, second)
    assert listing(amber, second).item is not None, "by its SKU, which is unique among those not ignored"
    release(amber, first)
    assert {listing(amber, n).problem for n in (first, second)} == {"duplicate"}


def test_what_is_ignored_is_no_problem_any_more_and_its_sums_still_count(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    wanted = odd(amber, ("x", 9), (None, 3))
    assert ignore(amber, *wanted) == 2
    assert ignore(amber, *wanted) == 0
    counts = world.store.read(lambda books: books.reports.cart_counts(amber.id))
    assert (counts["unmatched"], counts["blank"], counts["not_aligned"]) == (0, 0, 0)
    assert world.store.read(lambda books: books.products.page(amber.id, "any", 0, 10)) == []
    amber.edit("x", 77)
    amber.sample.buy("x", 2)
    amber.settle()
    assert amber.tick(), "in step"
    assert all(line.product not in wanted for line in amber.send())
    amber.sample.add_product("y", "the listings are read again", 1)
    amber.settle()
    assert {listing(amber, n).problem for n in wanted} == {"ignored"}


def test_ignoring_a_product_settles_what_was_open_about_it(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.parameter("EditPolicy", "ask")
    amber.edit("TEA", 13)
    amber.settle()
    assert [x["remedy"] for x in amber.differences(open_only=True)] == ["ask"]
    ignore(amber, amber.listing("TEA").product)
    assert amber.differences(open_only=True) == []
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.settle()
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (13, 15)


def test_a_tie_that_is_lost_while_its_post_is_in_flight_leaves_the_sums_right(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.wire.after["apply"].append(failing(Retriable("the answer is lost")))
    with pytest.raises(Retriable):
        amber.tick()
    ignore(amber, amber.listing("TEA").product)
    amber.settle()
    assert amber.shows("TEA") == amber.listing("TEA").agreed == 15
    assert amber.tick()


def test_a_tie_that_is_lost_while_its_product_is_weighed_leaves_nothing_to_decide(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.parameter("EditPolicy", "ask")
    product = amber.listing("TEA").product
    sale = amber.checkout("TEA", 1, line_first=True)
    while next(sale) != "line":  # not paid yet, so the shop is asked about it while TEA is weighed
        pass
    amber.edit("TEA", 7)
    amber.tick()
    amber.wire.before["orders"].append(lambda: ignore(amber, product))
    amber.tick(5)
    assert not amber.wire.before["orders"]
    amber.settle()
    assert amber.differences() == []
    assert amber.listing("TEA").agreed == 7, "followed in silence"


def test_an_item_that_shops_are_not_to_follow_is_left_alone_until_it_is_aligned_again(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    flag(world, "TEA")
    amber.sample.buy("TEA", 1)
    receive(world.house, [("TEA", 5)], "", "", "")
    for cart in (amber, birch):
        cart.settle()
    assert (amber.shows("TEA"), birch.shows("TEA"), world.on_hand("TEA")) == (9, 10, 15)
    assert amber.listing("TEA").problem == "set aside"
    amber.send()
    assert amber.shows("TEA") == 9
    flag(world, "TEA", on=False)
    birch.settle()
    assert (birch.shows("TEA"), birch.listing("TEA").aligned) == (10, False)
    birch.send()
    assert birch.shows("TEA") == 15
    assert amber.differences() == birch.differences() == []


def test_an_item_that_is_renamed_keeps_the_products_that_are_in_step(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    (product,) = odd(birch, ("CHAI", 3))
    ignore(birch, birch.listing("TEA").product)

    def rename(books) -> str:
        return items.rename_sku(books, items.find(books, ["TEA"])[0], " CHAI ", world.clock.now())

    assert world.store.write(rename) == "CHAI"
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert world.on_hand("CHAI") == 9, "no sale is missed while the shop has the old SKU"
    assert (listing(birch, product).item, listing(birch, product).aligned) == (amber.listing("TEA").item, False)
    with pytest.raises(Refused, match="already"):
        world.store.write(
            lambda books: items.rename_sku(books, items.find(books, ["CHAI"])[0], "mug", world.clock.now())
        )


def test_nothing_is_posted_for_what_a_person_parked_until_it_is_released(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    product = amber.listing("TEA").product
    settling.park(world.house, amber.cart, product, " counting ", "Ann")
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (9, 14), "its sales are booked"
    assert settling.unpark(world.house, amber.cart, None, by_person=False) == 0, (
        "try again is for what the shop refused"
    )
    (line,) = [line for line in amber.send() if line.sku == "TEA"]
    assert (line.failure, amber.shows("TEA")) == ("counting", 9)
    (waiting,) = world.store.read(lambda books: books.stack.parked(amber.id, 10))
    assert (waiting["reason"], waiting["by"], waiting["change"]) == ("counting", "Ann", 5)
    assert settling.unpark(world.house, amber.cart, [product], by_person=True) == 1
    amber.tick()
    assert amber.shows("TEA") == 14


def test_what_a_person_parked_keeps_his_reason_whatever_the_shop_answers(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    product = amber.listing("TEA").product
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.sample.delete_product("TEA")
    amber.wire.before["apply"].append(lambda: settling.park(world.house, amber.cart, product, "counting", "Ann"))
    world.clock.advance(1)
    ticking.deliver_all(world.house, amber.id, amber.wire, 100, amber.memory)
    assert (amber.listing("TEA").parked, amber.listing("TEA").parked_by) == ("counting", "Ann")


def test_only_what_is_kept_in_step_is_parked_and_a_reason_is_given(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    (product,) = odd(amber, ("x", 9))
    with pytest.raises(Refused, match="not kept in sync"):
        settling.park(world.house, amber.cart, product, "why", "Ann")
    with pytest.raises(Refused, match="Say why"):
        settling.park(world.house, amber.cart, 1, "  ", "Ann")
    with pytest.raises(Refused, match="no product 99"):
        settling.park(world.house, amber.cart, 99, "why", "Ann")
    cart = world.cart("Birch", {"TEA": 1})
    with pytest.raises(Refused, match="Get QOH or Send QOH first"):
        ignore(cart, 1)


def recheck(cart: Stall, number: int) -> rechecking.Recheck:
    return rechecking.recheck(cart.world.house, cart.cart, cart.wire, cart.memory, number, "Ann")


def test_a_difference_that_was_put_right_in_the_shop_is_closed_at_a_re_check(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.parameter("EditPolicy", "ask")
    amber.edit("TEA", 13)
    amber.settle()
    (asked,) = amber.differences(open_only=True)
    found = recheck(amber, asked["id"])
    assert (found.shows, found.wanted, found.closed) == (13, 10, False)
    assert all(figure in found.says for figure in ("13", "10", "+3"))
    amber.edit("TEA", 10)
    found = recheck(amber, asked["id"])
    assert (found.shows, found.closed, found.says) == (10, True, "Closed: undone in the shop.")
    with pytest.raises(Refused, match="is closed"):
        recheck(amber, asked["id"])


def test_a_new_product_is_closed_at_a_re_check_once_it_is_in_step(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.item("CUP", 4)
    odd(amber, ("CUP", 9))
    (shown,) = amber.differences(open_only=True)
    found = recheck(amber, shown["id"])
    assert not found.closed
    assert "Send or Get" in found.says
    amber.send()
    assert amber.differences(open_only=True) == []


def test_a_post_that_is_due_is_said_at_a_re_check_and_one_that_landed_closes_it(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    settling.park(world.house, amber.cart, 1, "counting", "Ann")
    amber.edit("TEA", 13)
    amber.settle()
    (edit,) = amber.differences(open_only=True)
    assert recheck(amber, edit["id"]).says.endswith(": counting")
    amber.edit("TEA", 10)
    amber.settle()
    number = max(x["id"] for x in amber.differences())
    assert all(x["closed_at"] or recheck(amber, x["id"]).closed for x in amber.differences())
    assert number >= edit["id"]


def test_of_a_stopped_cart_a_re_check_only_reads(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.parameter("EditPolicy", "ask")
    amber.edit("TEA", 13)
    amber.settle()
    reconciling.halt(world.house, amber.cart, Cause.BRAKE, "!")
    stop, asked = sorted(amber.differences(open_only=True), key=lambda x: x["product"] or 0)
    amber.wire.asked.clear()
    assert recheck(amber, asked["id"]).shows == 13
    assert amber.wire.asked == ["rows"]
    with pytest.raises(Refused, match="whole cart"):
        recheck(amber, stop["id"])
