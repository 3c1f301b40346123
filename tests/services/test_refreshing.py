"""Holds the listing set to what the shop has: new, renamed, deleted, switched off, and the brake when too much goes at once."""

from __future__ import annotations

import pytest

from onhand.services.looking import HELLO_SECONDS
from onhand.services.receiving import receive
from tests.builders import World

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 10, "MUG": 20, "POT": 5}


def test_a_new_product_with_a_known_sku_is_shown_and_followed_but_not_touched(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    world.item("CUP", 4)
    birch.sample.add_product("cup ", "Cup", 9)
    birch.tick()
    assert birch.causes() == [("new listing", 0)]
    birch.sample.buy("cup ", 1)
    birch.settle()
    assert world.on_hand("CUP") == 4
    assert birch.shows("cup ") == 8
    birch.send()
    assert birch.shows("cup ") == 4
    birch.sample.buy("cup ", 1)
    birch.settle()
    assert world.on_hand("CUP") == 3
    assert birch.differences(open_only=True) == []
    assert amber.differences() == []


def test_a_renamed_product_is_shown_and_not_followed_any_more(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.rename("TEA", "CHAI")
    amber.tick(30)
    assert amber.causes() == [("renamed", 0)]
    amber.sample.buy("CHAI", 1)
    amber.settle()
    assert world.on_hand("TEA") == 10


def test_two_products_that_swap_their_skus_need_a_new_alignment(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.rename("TEA", "x")
    amber.sample.rename("MUG", "TEA")
    amber.sample.rename("x", "MUG")
    amber.tick(30)
    assert sorted(amber.causes()) == [("renamed", 0), ("renamed", 0)]
    receive(world.house, [("TEA", 1)], "", "", "")
    amber.settle()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (20, 10), "nothing is posted to either"
    amber.send()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (11, 20)


def test_a_new_spelling_of_the_same_sku_is_the_same_sku(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.rename("TEA", " tea")
    amber.tick(30)
    amber.sample.buy(" tea", 1)
    amber.tick()
    assert world.on_hand("TEA") == 9
    assert amber.differences() == []


def test_a_deleted_product_is_shown_and_the_books_stay_right(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.delete_product("TEA")
    amber.tick()
    assert amber.causes() == [("deleted product", 0)]
    amber.sample.delete_product("MUG")
    amber.tick()
    amber.sample.add_product("CUP", "Cup", 3)
    amber.tick()
    assert amber.cart.sums.count == 2
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"], "the listing set is not read again and again"
    assert world.on_hand("TEA") == 10


def test_a_deleted_product_that_comes_back_under_its_id_begins_anew(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    product = amber.sample.find("TEA").product
    amber.sample.delete_product("TEA")
    amber.tick()
    amber.sql(
        "INSERT INTO products (products_id, products_quantity, products_model, products_price, products_date_added,"
        " products_status, products_ordered) VALUES (?, 33, 'TEA', 1, datetime('now'), 1, 7)",
        product,
    )
    amber.tick()
    assert amber.causes() == [("deleted product", 0), ("new listing", 0)]
    amber.settle()
    assert (amber.shows("TEA"), world.on_hand("TEA")) == (33, 10)
    amber.send()
    assert amber.shows("TEA") == 10
    assert amber.differences(open_only=True) == []


def test_an_alignment_settles_what_was_shown_about_deleted_products(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.delete_product("TEA")
    amber.tick()
    amber.send()
    assert amber.differences(open_only=True) == []


def test_blank_and_duplicate_skus_are_not_followed(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.add_product(None, "Nameless", 5)
    amber.sample.add_product("  ", "Blank", 5)
    amber.sample.add_product("Cup", "Cup", 5)
    amber.sample.add_product("CUP ", "Cup again", 5)
    world.item("CUP", 1)
    amber.tick()
    amber.sample.buy("Cup", 1)
    amber.settle()
    listings = world.store.read(lambda books: books.listings.all(amber.id))
    assert [x.problem for x in listings[3:]] == ["blank", "blank", "duplicate", "duplicate"]
    assert world.on_hand("CUP") == 1
    amber.wire.asked.clear()
    assert amber.tick()
    assert amber.wire.asked == ["look"]


def test_a_copied_product_does_not_take_the_original_out_of_step(world: World) -> None:
    """Copying a product in the admin makes a second one with the same SKU."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.add_product("TEA", "Tea, copied", 10)
    amber.settle()
    amber.sample.buy(amber.listing("TEA").product, 3)
    amber.settle()
    assert (world.on_hand("TEA"), amber.listing("TEA").tracked) == (7, True)
    copied = world.store.read(lambda books: books.listings.all(amber.id))[-1]
    assert (copied.problem, copied.item) == ("duplicate", None)


def test_what_is_not_kept_in_step_is_followed_in_silence(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.add_product("ODD", "No item has it", 5)
    amber.tick()
    amber.edit("ODD", 77)
    amber.sample.buy("ODD", 7)
    amber.settle()
    assert amber.listing("ODD").agreed == 70
    assert amber.differences() == []


def test_a_product_sold_as_download_is_not_followed_and_later_never_overwritten(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    product = amber.sample.find("TEA").product
    amber.sample.set_switch("DOWNLOAD_ENABLED", "true")
    amber.sql("INSERT INTO products_attributes VALUES (1, ?)", product)
    amber.sql("INSERT INTO products_attributes_download VALUES (1, 'tea.pdf')")
    amber.sample.add_product("X", "makes the listings be read again", 0)
    amber.settle()
    assert amber.listing("TEA").problem == "download"
    amber.sample.buy("TEA", 2)
    amber.edit("TEA", 6)
    amber.settle()
    amber.sample.set_switch("DOWNLOAD_ENABLED", "false")
    amber.sample.add_product("Y", "makes the listings be read again", 0)
    amber.settle()
    receive(world.house, [("TEA", 1)], "", "", "")
    amber.settle()
    assert amber.shows("TEA") == 6, "counts drifted apart while it was not followed: only an alignment may post"


def test_switched_off_by_the_sale_that_emptied_it_and_on_with_new_stock(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    amber.sample.buy("POT", 5)
    amber.tick()
    assert amber.sample.find("POT").status == 0
    receive(world.house, [("POT", 2)], "", "", "")
    amber.tick()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (2, 1)


def test_switched_off_in_the_look_that_reads_the_catalogue_anew(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    amber.sample.buy("POT", 5)
    amber.tick(30)
    receive(world.house, [("POT", 2)], "", "", "")
    amber.tick()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (2, 1)


@pytest.mark.parametrize("read_catalogue_at", range(10))
def test_switched_off_with_looks_between_the_statements(world: World, read_catalogue_at: int) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    for step, _ in enumerate(amber.checkout("POT", 5)):
        if step == read_catalogue_at:
            amber.memory.catalogue_due = 0.0
        amber.tick(0.2)
    amber.tick(30)
    receive(world.house, [("POT", 2)], "", "", "")
    amber.tick()
    assert amber.sample.find("POT").status == 1


def test_stock_that_does_not_lift_it_above_nothing_does_not_switch_it_on(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    amber.sample.buy("POT", 5)
    amber.tick()
    amber.set(buffer=3)
    receive(world.house, [("POT", 2)], "", "", "")
    amber.tick()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (0, 0)
    receive(world.house, [("POT", 2)], "", "", "")
    amber.tick()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (1, 1)


def test_what_a_person_switched_off_stays_off(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.admin_set("POT", status=0)
    amber.tick(30)
    amber.sample.buy("POT", 5)
    amber.tick()
    receive(world.house, [("POT", 2)], "", "", "")
    amber.settle()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (2, 0)


def test_what_a_person_switched_off_after_the_shop_did_stays_off(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES, allow_checkout=False)
    amber.sample.buy("POT", 5)
    amber.tick()
    amber.sample.admin_set("POT", status=1)
    amber.tick(30)
    amber.sample.admin_set("POT", status=0)
    amber.sql("UPDATE products SET products_last_modified = datetime('now', '1 second') WHERE products_model = 'POT'")
    amber.tick(30)
    receive(world.house, [("POT", 2)], "", "", "")
    amber.settle()
    assert (amber.shows("POT"), amber.sample.find("POT").status) == (2, 0)


MANY = {f"S{n:02}": 50 for n in range(40)}


def test_the_brake_stops_many_changes_at_once(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=MANY)
    amber.sql("UPDATE products SET products_quantity = 0, products_last_modified = datetime('now')")
    amber.settle()
    assert amber.cart.halted == "40 of 40 listings would change at once."
    assert [x["cause"] for x in amber.differences()] == ["brake"]
    assert birch.differences() == []
    receive(world.house, [("S01", 1)], "", "", "")
    amber.settle()
    birch.tick()
    assert (amber.shows("S01"), birch.shows("S01")) == (0, 51), "nothing is posted to it, the others go on"
    amber.sample.buy("S02", 1)
    amber.tick()
    assert world.on_hand("S02") == 49, "its sales are still booked"
    amber.send()
    assert amber.cart.halted is None
    assert (amber.shows("S01"), amber.shows("S02"), amber.shows("S03")) == (51, 49, 50)
    assert amber.differences(open_only=True) == []


def test_as_many_changes_as_a_person_makes_do_not_brake(world: World) -> None:
    (amber,) = world.running("Amber", wares=MANY)
    for n in range(20):
        amber.edit(f"S{n:02}", 1)
    amber.settle()
    assert amber.cart.halted is None
    assert amber.shows("S00") == 50


def test_counters_that_fall_everywhere_brake(world: World) -> None:
    (amber,) = world.running("Amber", wares=MANY)
    amber.sample.buy_all([(sku, 1) for sku in MANY])
    amber.tick()
    amber.sql("UPDATE products SET products_ordered = 0")
    amber.settle()
    assert amber.cart.halted is not None
    assert world.on_hand("S00") == 49


def test_a_shop_that_suddenly_looks_empty_brakes_and_is_left_alone(world: World) -> None:
    (amber,) = world.running("Amber", wares=MANY)
    amber.sql("CREATE TABLE kept AS SELECT * FROM products")
    amber.sql("DELETE FROM products")
    amber.settle()
    assert amber.cart.halted == "40 of 40 products are gone from the shop."
    assert [x["cause"] for x in amber.differences()] == ["brake"], "forty products are not called deleted one by one"
    amber.sql("INSERT INTO products SELECT * FROM kept")
    amber.settle()
    amber.send()
    amber.tick()
    amber.sample.buy("S01", 1)
    amber.tick()
    assert world.on_hand("S01") == 49


def test_one_small_shop_that_loses_its_only_product_brakes(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 1})
    amber.sample.delete_product("TEA")
    amber.tick()
    assert amber.cart.halted is not None


def test_a_shop_is_asked_every_hour_how_it_sells(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    amber.sql("UPDATE configuration SET configuration_value = 'false' WHERE configuration_key = 'STOCK_LIMITED'")
    amber.tick()
    assert amber.cart.hello.switches["STOCK_LIMITED"] == "true"
    world.clock.advance(HELLO_SECONDS)
    amber.tick()
    assert amber.cart.hello.switches["STOCK_LIMITED"] == "false"


def test_a_shop_that_has_not_said_hello_yet_is_asked_at_once(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    world.sql("UPDATE carts SET hello = NULL")  # as a program left it that did not keep what a shop says
    amber.tick()
    assert amber.cart.hello.family == "oscommerce"
