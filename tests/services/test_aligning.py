"""Holds Send QOH, Get QOH and the switch to their promises: both sides equal once, and what trade moves meanwhile is kept."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Conflict, Refused, Retriable
from onhand.domain.listings import Direction, Plan
from onhand.services import aligning
from onhand.services.counting import adjust
from onhand.services.receiving import receive
from tests.builders import World, failing

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def results(plans: list[Plan]) -> dict[str, tuple[str, int]]:
    return {plan.sku: (plan.result, plan.change) for plan in plans}


def test_a_preview_changes_nothing_on_either_side(world: World) -> None:
    amber = world.cart("Amber", WARES)
    world.item("TEA", 7)
    before = amber.cart
    for direction, expected in ((Direction.GET, ("changed", 3)), (Direction.SEND, ("changed", -3))):
        planned = aligning.preview(world.house, amber.cart, amber.wire, direction, create=False)
        assert results(planned)["TEA"] == expected
        assert results(planned)["MUG"] == ("unmatched", 0)
    planned = aligning.preview(world.house, amber.cart, amber.wire, Direction.GET, create=True)
    assert results(planned)["MUG"] == ("created", 20)
    assert amber.cart == before
    assert amber.shows("TEA") == 10
    assert world.on_hand("TEA") == 7


def test_get_takes_over_what_the_shop_shows(world: World) -> None:
    amber = world.cart("Amber", WARES)
    world.item("TEA", 7)
    done = results(amber.get(create=False))
    assert done == {"TEA": ("changed", 3), "MUG": ("unmatched", 0), "POT": ("unmatched", 0)}
    assert world.movements("TEA") == [("opening", 7), ("count", 3)]
    assert amber.get()[0].result == "equal"
    assert world.on_hand("MUG") == 20


def test_get_takes_over_counts_below_zero(world: World) -> None:
    amber = world.cart("Amber", {"TEA": -3, "MUG": -1})
    world.item("MUG", 2)
    amber.get()
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (-3, -1)


def test_send_changes_the_shop_to_what_we_have(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 10, "MUG": -4})
    world.item("TEA", 7)
    world.item("MUG", 1)
    assert results(amber.send()) == {"TEA": ("changed", -3), "MUG": ("changed", 5)}
    assert (amber.shows("TEA"), amber.shows("MUG")) == (7, 1)
    assert world.movements("TEA") == [("opening", 7)]
    assert results(amber.send()) == {"TEA": ("equal", 0), "MUG": ("equal", 0)}


def test_send_leaves_a_buffer_in_the_house(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 10, "MUG": 10, "POT": 10})
    for sku, on_hand in (("TEA", 10), ("MUG", 2), ("POT", 1)):
        world.item(sku, on_hand)
    adjust(world.house, "POT", -2, None, "lost", "", below_zero=True)
    amber.set(buffer=3)
    amber.send()
    assert [amber.shows(sku) for sku in ("TEA", "MUG", "POT")] == [7, 0, -1]


def test_get_with_a_buffer_withholds_it_once_and_can_be_repeated(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 10})
    amber.set(buffer=2)
    amber.get()
    assert (world.on_hand("TEA"), amber.shows("TEA")) == (10, 8)
    amber.get()
    assert (world.on_hand("TEA"), amber.shows("TEA")) == (10, 8)
    world.parameter("SynchQOH", "True")
    assert amber.enable() == 0


def test_get_with_a_buffer_withholds_it_from_counts_that_are_equal_already(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 10})
    world.item("TEA", 10)
    amber.set(buffer=2)
    for _ in range(2):
        amber.get()
        assert (world.on_hand("TEA"), amber.shows("TEA")) == (10, 8)


def test_get_with_a_buffer_can_be_repeated_after_the_shop_was_down(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 10})
    amber.set(buffer=2)
    amber.wire.before["apply"].append(failing(Refused("The shop takes nothing now.")))
    with pytest.raises(Refused):
        amber.get()
    amber.get()
    assert (world.on_hand("TEA"), amber.shows("TEA")) == (10, 8)


def test_get_while_real_time_is_on_keeps_what_another_shop_sold_and_this_one_does_not_show_yet(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    list(birch.checkout("TEA", 3))
    birch.tick()
    assert (world.on_hand("TEA"), amber.shows("TEA")) == (7, 10)
    planned = aligning.preview(world.house, amber.cart, amber.wire, Direction.GET, create=False)
    assert results(planned)["TEA"] == ("equal", 0)
    assert results(amber.get())["TEA"] == ("equal", 0)
    assert (world.on_hand("TEA"), amber.shows("TEA"), birch.shows("TEA")) == (7, 7, 7)


def test_send_in_batches_reaches_every_listing(world: World) -> None:
    wares = {f"S{n:02}": 5 for n in range(25)}
    amber = world.cart("Amber", wares)
    for sku in wares:
        world.item(sku, 9 if sku in ("S03", "S12", "S24") else 5)
    amber.send(batch_size=4)
    assert [sku for sku in wares if amber.shows(sku) == 9] == ["S03", "S12", "S24"]


def test_neither_guesses_blank_or_duplicate_skus(world: World) -> None:
    amber = world.cart("Amber", [("TEA", 1), ("tea ", 2), (" ", 3), ("MUG", 4)])
    world.item("TEA", 9)
    planned = amber.get()
    assert [(plan.product, plan.result) for plan in planned] == [
        (1, "duplicate"),
        (2, "duplicate"),
        (3, "blank"),
        (4, "created"),
    ]
    assert world.on_hand("TEA") == 9
    amber.send()
    assert [ware.quantity for ware in amber.sample.stock()] == [1, 2, 3, 4]


def test_what_no_item_can_be_named_does_not_stop_a_get(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.sql("UPDATE products SET products_model = 'T' || char(9) || 'A' WHERE products_model = 'TEA'")
    amber.sql("UPDATE products SET products_model = ? WHERE products_model = 'MUG'", "M" * 300)
    planned = amber.get()
    assert [plan.result for plan in planned] == ["unmatched", "unmatched", "created"]


def test_what_is_sold_while_aligning_is_kept(world: World) -> None:
    for direction in ("get", "send"):
        stall = world.cart(f"Amber-{direction}", {direction: 10})
        if direction == "send":
            world.item("send", 8)
        world.clock.while_asleep = [lambda: None, lambda s=stall, d=direction: s.sample.buy(d, 2)]
        getattr(stall, direction)()
    get, send = world.stalls
    assert get.shows("get") == world.on_hand("get") == 8
    assert send.shows("send") == world.on_hand("send") == 8, "sold before the baseline: history"
    get.sample.buy("get", 1)
    get.tick(deliver=False)
    assert world.on_hand("get") == 7


def test_what_an_aligned_shop_sells_while_it_is_aligned_again_is_booked(world: World) -> None:
    """Since the first alignment its sales count, and a second one must not let those of its own duration slip."""
    amber = world.cart("Amber", WARES)
    amber.get()
    world.clock.while_asleep = [lambda: None, lambda: amber.sample.buy("TEA", 2)]
    amber.send()
    assert world.on_hand("TEA") == 8
    assert amber.shows("TEA") == 8


def test_what_an_aligned_shop_sold_with_no_line_is_booked_by_the_next_alignment(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.get()
    amber.sql("UPDATE products SET products_quantity = 7, products_ordered = 3 WHERE products_model = 'TEA'")
    amber.send()
    assert amber.shows("TEA") == world.on_hand("TEA") == 7


def test_an_alignment_books_a_late_line_no_second_time(world: World) -> None:
    """Its units were booked without it. An order that went for nothing makes it look like a sale beside a return."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    steps = amber.checkout("TEA", 2)
    while next(steps) != "counter":
        pass
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -3), ("sale", -2)]
    world.store.write(lambda books: books.carts.halt(amber.id, "a person has to look"))  # so no look comes before it
    next(steps)
    amber.sql("DELETE FROM orders_products WHERE orders_id = ?", order)
    amber.send()
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -3), ("sale", -2)]
    assert amber.listing("TEA").unnamed == 0
    assert world.on_hand("TEA") == amber.shows("TEA")


def test_sales_lost_by_the_shop_are_booked_when_it_is_aligned_again(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.get()
    amber.sample.buy_together("TEA", 3)
    amber.send()
    assert amber.shows("TEA") == world.on_hand("TEA") == 7


def test_a_shop_that_is_never_quiet_is_not_aligned(world: World) -> None:
    amber = world.cart("Amber", WARES)
    world.clock.while_asleep = [lambda n=n: amber.edit("TEA", n) for n in range(2000)]
    with pytest.raises(Retriable):
        amber.get()
    assert not amber.cart.aligned
    world.clock.while_asleep.clear()
    amber.get()


def test_trade_does_not_keep_a_shop_from_being_aligned(world: World) -> None:
    amber = world.cart("Amber", {"TEA": 1000})
    world.clock.while_asleep = [lambda: amber.sample.buy("TEA", 1)] * 2000
    amber.get()
    world.clock.while_asleep.clear()
    amber.tick(deliver=False)
    assert world.on_hand("TEA") == amber.shows("TEA")


def test_a_product_that_comes_while_aligning_is_aligned_with_the_rest(world: World) -> None:
    amber = world.cart("Amber", WARES)
    world.clock.while_asleep = [lambda: None, lambda: amber.sample.add_product("CUP", "Cup", 3)]
    amber.get()
    assert world.on_hand("CUP") == 3


def test_a_lost_answer_in_the_middle_of_a_send_is_made_good_by_the_next(world: World) -> None:
    amber = world.cart("Amber", WARES)
    world.item("TEA", 7)
    amber.wire.after["apply"].append(failing(Retriable("The line broke.")))
    with pytest.raises(Retriable):
        amber.send()
    amber.send()
    assert amber.shows("TEA") == 7


def test_a_second_get_counts_again_what_a_switched_off_cart_did_alone(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.get()
    amber.edit("TEA", 50)
    amber.get()
    assert world.movements("TEA") == [("opening", 10), ("count", 40)]


def test_the_switch_wants_the_program_on_and_the_cart_aligned_and_active(world: World) -> None:
    amber = world.cart("Amber", WARES)
    with pytest.raises(Refused, match="SynchQOH"):
        amber.enable()
    world.parameter("SynchQOH", "true")
    with pytest.raises(Refused, match="never aligned"):
        amber.enable()
    amber.get()
    amber.set(active=False)
    with pytest.raises(Refused, match="not active"):
        amber.enable()
    amber.set(active=True)
    assert amber.enable() == 0
    assert amber.cart.synchronize
    aligning.disable(world.house, amber.cart, "")
    assert not amber.cart.synchronize


def test_the_switch_refuses_and_lists_while_counts_differ(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    amber.get()
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.edit("MUG", 77)
    with pytest.raises(Refused) as refused:
        amber.enable()
    differing = refused.value.facts["differing"]
    assert {(x["sku"], x["here"], x["there"]) for x in differing} == {("TEA", 15, 10), ("MUG", 20, 77)}
    assert not amber.cart.synchronize
    amber.enable(force="the shelf was counted today")
    amber.settle()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (15, 20)


def test_the_switch_sees_what_differs_however_seldom_sums_are_taken(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    amber.set(tick_seconds=3600)
    amber.get()
    amber.enable()
    aligning.disable(world.house, amber.cart, "")
    amber.edit("MUG", 77)
    with pytest.raises(Refused):
        amber.enable()


def test_the_switch_tolerates_what_other_carts_sold_since(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber, birch = world.cart("Amber", WARES), world.cart("Birch", WARES)
    amber.get()
    birch.send()
    amber.enable()
    amber.sample.buy("TEA", 3)
    amber.tick()
    birch.sample.buy("TEA", 1)
    assert birch.enable() == 1
    birch.tick()
    amber.tick()
    assert world.on_hand("TEA") == amber.shows("TEA") == birch.shows("TEA") == 6


def test_the_switch_does_not_take_a_sale_being_written_for_a_difference(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    amber.get()
    sale = amber.checkout("TEA", 2)
    while next(sale) != "quantity":
        pass
    world.clock.while_asleep = [lambda: list(sale)]
    assert amber.enable() == 0
    assert world.on_hand("TEA") == 8


def test_the_switch_refuses_a_cart_that_brakes_at_this_very_look(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    amber.get()
    amber.sql("DELETE FROM products")
    with pytest.raises(Refused, match="stopped"):
        amber.enable()
    assert not amber.cart.synchronize


MANY = {f"S{n:02}": 50 for n in range(40)}


@pytest.mark.parametrize("braked", [False, True])
@pytest.mark.parametrize("step", ["look", "listings", "hello"])
def test_an_alignment_that_ended_in_the_middle_loses_no_sale(world: World, step: str, braked: bool) -> None:
    if braked:
        (amber,) = world.running("Amber", wares=MANY)
        amber.sql("UPDATE products SET products_quantity = products_quantity + 7")
        amber.settle()
        assert amber.cart.halted is not None
    else:
        amber = world.cart("Amber", MANY)
        amber.get()
    amber.sample.buy("S01", 1)
    amber.wire.after[step].append(failing(Retriable("The line broke.")))
    with pytest.raises(Retriable):
        amber.send()
    amber.sample.buy("S01", 1)
    world.reopen()
    amber.send()
    assert amber.shows("S01") == world.on_hand("S01") == 48


def test_an_alignment_that_went_on_from_the_one_before_is_marked(world: World) -> None:
    amber = world.cart("Amber", WARES)
    amber.get()
    amber.sample.buy("TEA", 1)
    before = amber.cart.next_seq
    amber.get()
    assert amber.cart.next_seq == before + 1


@pytest.mark.parametrize("direction", ["send", "get"])
def test_what_a_braked_cart_sold_until_it_is_aligned_is_booked(world: World, direction: str) -> None:
    (amber,) = world.running("Amber", wares=MANY)
    redirect = amber.sample.prepare("S01", 4)
    amber.tick()
    amber.sql("UPDATE products SET products_quantity = products_quantity + 7")
    amber.settle()
    assert amber.cart.halted is not None
    amber.sample.buy("S02", 1)
    amber.tick()
    amber.sample.pay(redirect)
    amber.tick()
    amber.sample.buy("S03", 2)  # after the last look
    world.clock.while_asleep = [lambda: None, lambda: amber.sample.buy("S04", 3)]
    getattr(amber, direction)()
    for sku, units in (("S01", 4), ("S02", 1), ("S03", 2), ("S04", 3)):
        assert ("sale", -units) in world.movements(sku)
        assert amber.shows(sku) == world.on_hand(sku) == 50 - units + (7 if direction == "get" else 0)
    assert amber.cart.halted is None
    amber.settle()
    assert amber.differences(open_only=True) == []


def test_counters_that_the_cause_of_the_brake_moved_are_not_booked_by_the_alignment(world: World) -> None:
    (amber,) = world.running("Amber", wares=MANY)
    amber.sql("UPDATE products SET products_ordered = 1000, products_quantity = 1")
    amber.settle()
    assert amber.cart.halted is not None
    amber.sample.buy("S02", 1)
    amber.send()
    assert (world.on_hand("S01"), world.on_hand("S02")) == (50, 49)
    assert (amber.shows("S01"), amber.shows("S02")) == (50, 49)


def test_what_a_restored_shop_sold_is_not_booked_by_the_alignment(world: World) -> None:
    """Which of our bookings its counters contain is not to be known; after a Send our counts stand as they are."""
    (amber,) = world.running("Amber", wares=WARES)
    hello = amber.endpoint.hello()
    amber.endpoint.hello(fresh_epoch_after=hello.epoch)
    with pytest.raises(Conflict):
        amber.tick()
    amber.sample.buy("TEA", 1)
    amber.send()
    assert amber.shows("TEA") == world.on_hand("TEA") == 10


def test_an_item_added_later_is_tied_but_not_aligned(world: World) -> None:
    world.parameter("SynchQOH", "true")
    amber = world.cart("Amber", WARES)
    world.item("TEA", 10)
    amber.get(create=False)
    world.item("MUG", 3)
    assert amber.listing("MUG").item is not None
    with pytest.raises(Refused) as refused:
        amber.enable()
    assert [(x["sku"], x["why"]) for x in refused.value.facts["differing"]] == [("MUG", "never aligned")]
    amber.enable(force="known")
    amber.sample.buy("MUG", 1)
    receive(world.house, [("MUG", 5)], "", "", "")
    amber.settle()
    assert (world.on_hand("MUG"), amber.shows("MUG")) == (8, 19), "neither side follows before an alignment"
    amber.get()
    assert world.on_hand("MUG") == 19


def test_aligning_a_running_cart_settles_what_waited(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.admin_set("TEA", modified=False, quantity=13)
    amber.settle()
    assert [x["cause"] for x in amber.differences(open_only=True)] == ["unknown"]
    amber.get()
    assert world.on_hand("TEA") == 13
    assert amber.differences(open_only=True) == []
    amber.settle()
    assert amber.shows("TEA") == 13
