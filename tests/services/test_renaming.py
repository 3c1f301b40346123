"""Holds what follows a product's SKU: one that has its old SKU again goes on where it was, and nothing it sold is forgotten in silence."""

from __future__ import annotations

import pytest

from onhand.domain.differences import Cause, Policy
from onhand.domain.listings import Direction
from onhand.domain.tasks import TaskLine
from onhand.services import aligning, reconciling, settling
from onhand.services.receiving import receive
from tests.builders import Stall, World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def rename(amber: Stall, before: str, after: str) -> None:
    amber.sample.rename(before, after)
    amber.tick(30)


@pytest.mark.parametrize("after", ["CHAI", "", "tea-2"])
def test_a_product_renamed_and_renamed_back_is_followed_from_where_it_was(world: World, after: str) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    rename(amber, "TEA", after)
    assert amber.causes() == [("renamed", 0)]
    order = amber.sample.buy(after or amber_product(amber, after), 2)
    amber.settle()
    receive(world.house, [("TEA", 5)], "", "", "")
    birch.tick()
    assert (world.on_hand("TEA"), amber.shows(after)) == (15, 8)
    rename(amber, after, "TEA")
    amber.settle()
    birch.settle()
    assert world.on_hand("TEA") == amber.shows("TEA") == birch.shows("TEA") == 13
    assert world.movements("TEA")[1:] == [("receipt", 5), ("sale", -2)]
    assert [x.state for x in world.store.read(lambda books: books.orders.find(str(order), amber.id)).lines] == ["sold"]
    assert amber.differences(open_only=True) == []
    assert amber.listing("TEA").left is None
    amber.sample.buy("TEA", 1)
    amber.settle()
    birch.tick()
    assert world.on_hand("TEA") == birch.shows("TEA") == 12


def amber_product(amber: Stall, model: str) -> int:
    return amber.sql("SELECT products_id FROM products WHERE products_model = ?", model)[0][0]


def test_a_sale_lost_in_a_race_while_it_had_another_name_is_still_found(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    rename(amber, "TEA", "CHAI")
    amber.sample.buy_together("CHAI", 3)
    amber.settle()
    rename(amber, "CHAI", "TEA")
    amber.settle()
    assert world.on_hand("TEA") == amber.shows("TEA") == 7
    ((cause, amount),) = amber.causes()[1:]
    assert amount == 2
    assert cause in {"lost sale", "stale form save"}, "a rename saves the form, too"


def test_a_copy_made_meanwhile_does_not_take_the_place_of_the_first(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.add_product("TEA", "Tea, copied", 10)
    amber.tick(30)
    product = amber.listing("TEA").product
    amber.sql("UPDATE products SET products_model = 'CHAI' WHERE products_id = ?", product)
    amber.tick(30)
    amber.sample.buy("CHAI", 1)
    amber.settle()
    amber.sql("UPDATE products SET products_model = 'TEA' WHERE products_id = ?", product)
    amber.tick(30)
    amber.settle()
    assert world.on_hand("TEA") == 9
    assert world.store.read(lambda books: books.listings.of(amber.id, [product]))[product].tracked


def test_a_product_whose_place_was_taken_is_not_followed_again(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    rename(amber, "TEA", "CHAI")
    amber.sample.add_product("TEA", "Another tea", 10)
    amber.tick(30)
    amber.send()
    other = amber.listing("TEA").product
    product = amber.sql("SELECT products_id FROM products WHERE products_model = 'CHAI'")[0][0]
    amber.sql("UPDATE products SET products_model = 'TEA' WHERE products_id = ?", product)
    amber.tick(30)
    found = world.store.read(lambda books: books.listings.of(amber.id, [product, other]))
    assert (found[product].problem, found[other].tracked) == ("duplicate", True)


def test_a_name_of_another_item_in_between_needs_an_alignment_that_says_what_was_sold(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    world.item("CHAI", 3)
    rename(amber, "TEA", "CHAI")
    amber.sample.buy("CHAI", 1)
    amber.settle()
    rename(amber, "CHAI", "TEA")
    amber.settle()
    assert not amber.listing("TEA").tracked, "what was sold as CHAI may have been CHAI"
    for direction, change in ((Direction.SEND, 1), (Direction.GET, -1)):
        plans = aligning.preview(world.house, amber.cart, amber.wire, direction, create=False)
        plan = next(plan for plan in plans if plan.sku == "TEA")
        assert (plan.change, plan.unfollowed) == (change, 1)
        assert all(plan.unfollowed == 0 for plan in plans if plan.sku != "TEA")
    done = next(plan for plan in amber.send() if plan.sku == "TEA")
    assert (done.change, done.unfollowed) == (1, 1)
    plans = aligning.preview(world.house, amber.cart, amber.wire, Direction.SEND, create=False)
    assert [plan.unfollowed for plan in plans] == [0] * len(plans)


def test_a_product_ignored_for_a_while_needs_an_alignment_that_says_what_was_sold(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    product = amber.listing("TEA").product
    settling.ignore(world.house, amber.cart, [product], "")
    amber.sample.buy("TEA", 2)
    amber.settle()
    settling.release(world.house, amber.cart, [product], "")
    amber.tick(30)
    amber.settle()
    assert (world.on_hand("TEA"), amber.listing("TEA").tracked) == (10, False)
    plans = aligning.preview(world.house, amber.cart, amber.wire, Direction.SEND, create=False)
    assert [plan.unfollowed for plan in plans if plan.sku == "TEA"] == [2]


def test_what_was_asked_about_is_asked_again_when_the_name_is_back(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.ASK)
    amber.edit("TEA", 14)
    amber.settle()
    assert amber.listing("TEA").held == 4
    rename(amber, "TEA", "CHAI")
    rename(amber, "CHAI", "TEA")
    amber.settle()
    (question,) = amber.differences(open_only=True)
    assert question["amount"] == 4
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (14, 10)


def test_a_question_about_goods_on_the_shelf_is_asked_again_when_the_name_is_back(world: World) -> None:
    """World 833243390: the question ended with the name. Nothing drifted, so nothing found it again, and the goods were never counted."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 4)
    amber.sample.buy("POT", 1)
    amber.tick()
    opened = amber.shows("TEA")
    amber.sample.delete_order(order, restock=True)
    amber.edit("TEA", opened)
    amber.settle()
    (asked,) = amber.differences(open_only=True)
    rename(amber, "TEA", "CHAI")
    rename(amber, "CHAI", "TEA")
    amber.settle()
    (again,) = amber.differences(open_only=True)
    assert (again["id"], again["cause"], again["amount"]) == (asked["id"], "return in doubt", -4)
    reconciling.decide(world.house, again["id"], ours=False, person="Ida")
    amber.settle()
    assert amber.shows("TEA") == world.on_hand("TEA") == 10
    rename(amber, "TEA", "CHAI")
    rename(amber, "CHAI", "TEA")
    assert amber.differences(open_only=True) == [], "what was answered is not asked again"


@pytest.mark.parametrize("noticed", [False, True])
def test_a_stopped_cart_books_what_it_sold_under_another_name_when_it_is_aligned(world: World, noticed: bool) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    rename(amber, "TEA", "CHAI")
    amber.sample.buy("CHAI", 2)
    amber.settle()
    reconciling.halt(world.house, amber.cart, Cause.BRAKE, "A test stops it.")
    amber.sample.rename("CHAI", "TEA")
    if noticed:
        amber.tick(30)
    amber.send()
    assert world.on_hand("TEA") == amber.shows("TEA") == 8


def test_what_a_task_keeps_of_a_send_says_what_was_sold_unfollowed() -> None:
    line = {
        "product": 1,
        "sku": "TEA",
        "name": "",
        "here": 10,
        "there": 9,
        "change": 1,
        "result": "changed",
        "failure": None,
    }
    assert TaskLine.of({**line, "remark": "1 unit was sold."}).failure == "1 unit was sold."
    assert TaskLine.of({**line, "failure": "range", "remark": "1 unit was sold."}).failure == "range"
    assert TaskLine.of({**line, "remark": ""}).failure is None
    assert TaskLine.of(line).failure is None
