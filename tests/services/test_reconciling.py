"""Holds the naming and healing of differences to the table of causes, on a real shop with its real races."""

from __future__ import annotations

import pytest

from onhand.domain.differences import HEALS_PER_HOUR, Policy
from onhand.domain.errors import Refused
from onhand.services import reconciling, settling
from onhand.services.bookkeeping import UNBOOKABLE
from onhand.services.counting import adjust
from onhand.services.receiving import receive
from tests.builders import World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def test_sales_that_the_shops_own_race_lost_are_named_and_healed(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    amber.sample.buy_together("TEA", 3)
    amber.tick()
    assert world.on_hand("TEA") == 7, "all three are sales at once"
    assert birch.tick() is False
    assert birch.shows("TEA") == 7
    amber.settle()
    assert amber.causes() == [("lost sale", 2)]
    assert amber.differences(open_only=True) == []
    assert amber.shows("TEA") == 7
    assert world.movements("TEA")[1:] == [("sale", -1)] * 3


def test_a_post_between_the_shops_select_and_update_is_named_and_posted_again(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    sale = amber.checkout("TEA", 2)
    while next(sale) != "read":
        pass
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.tick()
    assert amber.shows("TEA") == 15
    for _ in sale:
        pass
    assert amber.shows("TEA") == 8, "the literal erased the receipt"
    amber.settle()
    assert amber.causes() == [("lost post", -5)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 13
    assert amber.differences(open_only=True) == []


def test_a_post_and_a_sale_lost_in_one_race(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    first, second = amber.checkout("TEA", 1), amber.checkout("TEA", 2)
    for sale in (first, second):
        while next(sale) != "read":
            pass
    receive(world.house, [("TEA", 5)], "", "", "")
    amber.tick()
    for sale in (first, second):
        for _ in sale:
            pass
    amber.settle()
    assert amber.shows("TEA") == world.on_hand("TEA") == 12
    assert amber.causes() == [("lost post", -4)]


def test_an_edit_where_ours_wins_is_undone(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.edit("TEA", 50)
    amber.settle()
    assert amber.causes() == [("edit in the shop", 40)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 10


def test_an_edit_where_theirs_wins_is_an_adjustment_everywhere(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    amber.policy(Policy.THEIRS)
    amber.edit("TEA", 50)
    amber.settle()
    birch.tick()
    assert amber.causes() == [("edit in the shop", 40)]
    assert world.movements("TEA")[1:] == [("adjustment", 40)]
    assert amber.shows("TEA") == birch.shows("TEA") == world.on_hand("TEA") == 50


@pytest.mark.parametrize(("ours", "shown"), [(True, 2_000_000_000), (False, 2_100_000_000)])
def test_an_edit_that_our_count_cannot_take_over_is_asked_about_and_the_rest_goes_on(
    world: World, ours: bool, shown: int
) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    birch.set(active=False)  # its column could not show what follows
    adjust(world.house, "TEA", None, 2_000_000_000, "inventory", "", below_zero=False)
    amber.tick()
    amber.policy(Policy.THEIRS)
    amber.edit("TEA", 2_100_000_000)
    adjust(world.house, "TEA", 147_000_000, None, "more of it", "", below_zero=False)
    amber.edit("MUG", 30)
    amber.sample.buy("POT", 1)
    amber.settle(8)
    (waiting,) = amber.differences(open_only=True)
    assert (waiting["cause"], waiting["remedy"], waiting["note"]) == ("edit in the shop", "ask", UNBOOKABLE)
    assert (world.on_hand("MUG"), world.on_hand("POT")) == (30, 4)
    with pytest.raises(Refused, match="leave its range"):
        reconciling.decide(world.house, waiting["id"], False, "me")
    adjust(world.house, "TEA", -147_000_000, None, "a slip", "", below_zero=False)
    reconciling.decide(world.house, waiting["id"], ours, "me")
    amber.tick()
    assert amber.shows("TEA") == world.on_hand("TEA") == shown


def test_a_sale_that_our_count_cannot_hold_is_asked_about_and_the_rest_goes_on(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    amber.sample.buy("TEA", 2_000_000_000)
    amber.tick()
    birch.sample.buy("TEA", 1_900_000_000)
    birch.sample.buy("MUG", 1)
    birch.tick()
    amber.tick()
    assert (world.on_hand("MUG"), amber.shows("MUG")) == (19, 19)
    (waiting,) = birch.differences(open_only=True)
    assert (waiting["cause"], waiting["amount"]) == ("out of range", -1_900_000_000)
    receive(world.house, [("TEA", 1_900_000_000)], "", "", "")
    reconciling.decide(world.house, waiting["id"], False, "me")
    for stall in (amber, birch):
        stall.settle()
    assert world.on_hand("TEA") == amber.shows("TEA") == birch.shows("TEA") == 10 - 2_000_000_000


@pytest.mark.parametrize(("units", "given_back"), [(2_000_000_000, False), (-2_000_000_000, True)])
def test_a_counter_that_our_count_cannot_follow_is_asked_about(world: World, units: int, given_back: bool) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    sign = 1 if given_back else -1
    adjust(world.house, "TEA", sign * 1_000_000_000, None, "inventory", "", below_zero=True)
    amber.sql(
        "UPDATE products SET products_quantity = products_quantity - ?, products_ordered = products_ordered + ?"
        " WHERE products_model = 'TEA'",
        units,
        units,
    )
    amber.sample.buy("MUG", 1)
    amber.settle()
    assert amber.causes() == [("out of range", -units)]
    assert world.on_hand("MUG") == 19
    assert world.on_hand("TEA") == 10 + sign * 1_000_000_000


@pytest.mark.parametrize("leave", ["renamed", "deleted", "ignored"])
def test_a_question_about_a_product_that_is_not_kept_in_step_any_more_ends(world: World, leave: str) -> None:
    """No answer to it could be carried out. What happened to the product is shown instead."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.ASK)
    amber.edit("TEA", 50)
    amber.settle()
    (waiting,) = amber.differences(open_only=True)
    if leave == "renamed":
        amber.sample.admin_set("TEA", modified=False, model="MUG 2")
    elif leave == "deleted":
        amber.sample.delete_product("TEA")
    else:
        settling.ignore(world.house, amber.cart, [amber.listing("TEA").product], "me")
    amber.tick(30)
    assert waiting["id"] not in {found["id"] for found in amber.differences(open_only=True)}
    with pytest.raises(Refused):
        reconciling.decide(world.house, waiting["id"], False, "me")
    listings = world.house.store.read(lambda books: books.listings.all(amber.cart.id))
    assert [listing.held for listing in listings] == [0] * len(WARES)


@pytest.mark.parametrize(("ours", "shown"), [(True, 10), (False, 50)])
def test_an_edit_where_a_person_decides_is_held_until_then(world: World, ours: bool, shown: int) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    amber.policy(Policy.ASK)
    amber.edit("TEA", 50)
    amber.settle()
    (waiting,) = amber.differences(open_only=True)
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (50, 10)
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (49, 9), "trade goes on beside what is held"
    receive(world.house, [("TEA", 1)], "", "", "")
    amber.tick()
    assert amber.shows("TEA") == 50
    reconciling.decide(world.house, waiting["id"], ours, "me")
    amber.tick()
    birch.tick()
    assert amber.shows("TEA") == birch.shows("TEA") == world.on_hand("TEA") == shown
    assert amber.differences(open_only=True) == []
    with pytest.raises(Refused):
        reconciling.decide(world.house, waiting["id"], ours, "me")


def test_an_edit_and_a_sale_together_are_told_apart(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(Policy.THEIRS)
    amber.sample.buy("TEA", 2)
    amber.edit("TEA", 30)
    amber.settle()
    assert world.movements("TEA")[1:] == [("sale", -2), ("adjustment", 22)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 30


@pytest.mark.parametrize("policy", list(Policy))
def test_a_stale_form_save_gets_its_sales_again_under_every_policy(world: World, policy: Policy) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(policy)
    form_shows = amber.shows("TEA")
    amber.sample.buy("TEA", 3)
    amber.tick()
    amber.edit("TEA", form_shows)
    amber.settle()
    assert amber.causes() == [("stale form save", 3)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 7


@pytest.mark.parametrize(("policy", "shown"), [(Policy.OURS, 7), (Policy.THEIRS, 10), (Policy.ASK, 10)])
def test_a_form_that_was_left_open_for_long_is_never_believed_unasked(world: World, policy: Policy, shown: int) -> None:
    """It brings back a count from before sales; so does a clerk who types in as many goods as were sold."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.policy(policy)
    amber.sample.buy("TEA", 3)
    amber.tick()
    amber.tick(1800)
    amber.edit("TEA", 10)
    amber.settle()
    assert amber.causes() == [("stale form save", 3)]
    assert world.on_hand("TEA") == 7
    assert amber.shows("TEA") == shown


def test_a_form_saved_without_change_changes_nothing(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.edit("TEA", 10)
    amber.settle()
    assert amber.differences() == []


def test_an_edit_taken_back_within_the_settling_time_never_was(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.edit("TEA", 50)
    amber.tick()
    amber.edit("TEA", 10)
    amber.settle()
    assert amber.differences() == []


def test_of_what_was_seen_twice_the_smaller_amount_counts(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.edit("TEA", 15)
    amber.tick()
    amber.tick()
    amber.edit("TEA", 40)
    amber.tick()
    amber.tick()
    assert amber.causes() == [("edit in the shop", 5)]
    amber.settle(12)
    assert amber.causes()[1:] == [("edit in the shop", 25)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 10


def test_what_keeps_being_written_is_healed_three_times_and_then_asked_about(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    for _ in range(HEALS_PER_HOUR):
        amber.edit("TEA", 50)
        amber.settle(8)
        assert amber.shows("TEA") == 10
    amber.edit("TEA", 50)
    amber.settle(8)
    assert amber.shows("TEA") == 50
    (waiting,) = amber.differences(open_only=True)
    assert waiting["remedy"] == "ask"


def test_lost_sales_are_healed_as_often_as_they_come(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 100})
    for _ in range(HEALS_PER_HOUR + 2):
        amber.sample.buy_together("TEA", 2)
        amber.settle(8)
    assert {cause for cause, _ in amber.causes()} == {"lost sale"}
    assert amber.shows("TEA") == world.on_hand("TEA") == 90


def test_a_change_that_nothing_explains_is_asked_about(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.admin_set("TEA", modified=False, quantity=13)
    amber.settle()
    assert amber.causes() == [("unknown", 3)]
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (13, 10)


def test_a_sale_half_written_for_long_is_asked_about_until_it_is_whole(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    checkout = amber.checkout("TEA", 2)
    while next(checkout) != "quantity":
        continue
    amber.settle()
    assert amber.causes() == [("unknown", -2)]
    for _ in checkout:
        continue
    amber.settle(12)
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (8, 8)
    assert amber.differences(open_only=True) == []


def test_an_edit_made_while_the_controller_was_down_is_an_edit(world: World) -> None:
    """What the last look saw is on record, so a restart must not make an edit of half an hour ago unexplainable."""
    (amber,) = world.running("Amber", wares=WARES)
    last_look = world.clock.now()
    world.store.write(lambda books: books.carts.report(amber.id, last_look, last_look, None, None))
    amber.restart()
    world.clock.advance(1800)
    amber.sql(
        "UPDATE products SET products_quantity = 50, products_last_modified = datetime('now', '-900 seconds')"
        " WHERE products_model = 'TEA'"
    )
    amber.settle()
    assert amber.causes() == [("edit in the shop", 40)]
    assert amber.shows("TEA") == 10


def test_a_counter_reset_moves_no_stock(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 3)
    amber.tick()
    amber.sample.admin_set("TEA", modified=False, ordered=0)
    amber.settle()
    assert amber.causes() == [("counter reset", -3)]
    assert amber.shows("TEA") == world.on_hand("TEA") == 7
    amber.sample.buy("TEA", 1)
    amber.settle()
    assert amber.shows("TEA") == world.on_hand("TEA") == 6
    assert len(amber.differences()) == 1
