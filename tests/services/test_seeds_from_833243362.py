"""Holds what the worlds 833243362 to 833243511 brought to light, and older ones with the same cause: docs/decisions/0014-any-seed.md."""

from __future__ import annotations

from datetime import timedelta

import pytest

from onhand.domain import numbering
from onhand.services import aligning, reconciling
from tests.builders import Stall, World
from tests.services.test_edited_orders import edit_line, move, settle, shown

pytestmark = pytest.mark.slow  # a dozen looks at real shops in each test: `make fast` leaves it out

WARES = {"TEA": 20, "POT": 20}


def set_counter_to_nothing(amber: Stall) -> None:
    amber.sql("UPDATE products SET products_ordered = 0 WHERE products_model = 'TEA'")


def abandon(amber: Stall, units: int) -> None:
    """A checkout ends after its order is paid for; the quantity and the counter stay."""
    for step in amber.checkout("TEA", units, line_first=True):
        if step == "line":
            break
    amber.sql(
        "INSERT INTO orders_status_history (orders_id, orders_status_id, date_added)"
        " SELECT MAX(orders_id), 1, datetime('now') FROM orders_products"
    )


def test_orders_that_went_while_a_counter_was_set_to_nothing_explain_no_part_of_its_fall(world: World) -> None:
    """World 772000048: two lines that were gone were worth just what the counter fell by; what was sold since was never booked."""
    (amber,) = world.running("Amber", wares=WARES)
    gone = [amber.sample.buy("TEA", 1) for _ in range(2)]
    amber.sample.buy("TEA", 5)
    amber.tick()
    for order in gone:
        amber.sample.delete_order(order, restock=False)
    set_counter_to_nothing(amber)
    amber.sample.delete_order(amber.sample.buy("TEA", 5), restock=False)  # no look sees its line
    settle(amber)
    assert amber.causes() == [("counter reset", -7)]
    assert shown(world, amber) == {8}


def test_a_counter_may_be_set_to_nothing_after_a_sale_that_no_look_has_seen(world: World) -> None:
    """World 772000072: of six units sold since, three had no line, and one had been sold before."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 6)
    amber.tick()
    amber.sample.buy("TEA", 1)
    set_counter_to_nothing(amber)
    amber.sample.buy("TEA", 3)
    amber.sample.delete_order(amber.sample.buy("TEA", 2), restock=False)
    settle(amber)
    assert amber.causes() == [("counter reset", -7)]
    assert shown(world, amber) == {8}


def test_a_checkout_that_died_before_all_was_right_says_nothing_of_a_reset(world: World) -> None:
    """World 833243489: its units were booked as sold before the reset, and the shop was healed for a sale that was not lost."""
    (amber,) = world.running("Amber", wares=WARES)
    amber.sample.buy("TEA", 5)
    amber.tick()
    abandon(amber, 1)
    settle(amber)
    settle(amber)
    set_counter_to_nothing(amber)
    sold = amber.sample.buy("TEA", 2)
    settle(amber)
    assert amber.causes() == [("counter reset", -5)]
    assert shown(world, amber) == {13}
    (line,) = world.store.read(lambda books: books.orders.find(str(sold), amber.id)).lines
    assert line.state == "sold", "the sale has its own line"


def test_an_editor_removed_a_line_before_our_clock_was_set_back(world: World) -> None:
    """World 832000031: the line seemed to have gone after its drift was seen, so the drift was taken for a lost sale."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.sql(
        "INSERT INTO orders_products (orders_id, products_id, products_model, products_name, products_price, final_price,"
        " products_quantity) SELECT ?, products_id, 'POT', '', 1, 1, 1 FROM products WHERE products_model = 'POT'",
        order,
    )
    move(amber, "POT", -1, 1)
    settle(amber)
    amber.sample.buy("TEA", 4)
    edit_line(amber, order, 0, counter=False)
    amber.tick()
    amber.tick()
    world.clock._now -= timedelta(hours=1)
    settle(amber)
    assert amber.causes() == [("order edited", 3)]
    assert shown(world, amber) == {16}


def test_a_line_that_no_look_watches_does_not_come_back_beside_a_sale_at_first_sight(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """World 811000134: an order that went long ago came back for a sale of which the counter was still to come."""
    monkeypatch.setattr(numbering, "WINDOW_LINES", 2)
    (amber,) = world.running("Amber", wares=WARES)
    gone = amber.sample.buy("TEA", 1)
    amber.tick()
    for _ in range(3):
        amber.sample.buy("POT", 1)
    amber.tick()
    amber.sample.delete_order(gone, restock=False)
    settle(amber)
    buyer = amber.checkout("TEA", 1, line_first=True)
    abandon(amber, 1)
    amber.tick()
    move(amber, "TEA", -1, 1)
    settle(amber)
    buyer.close()
    assert [n for _, n in world.movements("TEA")[1:]] == [-1, -1]
    assert amber.causes() == []
    assert shown(world, amber) == {18}


def test_an_alignment_does_not_believe_a_counter_that_fell_beside_lost_sales(world: World) -> None:
    """World 833243432: the quantity was too high for another reason, and the order was booked as returned."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 2)
    amber.sample.buy("TEA", 5)
    amber.tick()
    amber.sample.buy_together("TEA", 4)
    move(amber, "TEA", 0, -2)
    amber.sample.delete_order(order, restock=False)
    aligning.disable(world.house, amber.cart, "Ida")
    amber.send()
    assert shown(world, amber) == {9}
    (question,) = amber.differences(open_only=True)
    assert (question["cause"], question["amount"]) == ("return in doubt", -2)


def test_orders_from_before_an_alignment_are_still_watched_if_the_books_go_on(world: World) -> None:
    """Worlds 833243592 and 833243498: a sale hid that such an order came back."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 2)
    amber.sample.buy("POT", 1)
    amber.tick()
    aligning.disable(world.house, amber.cart, "Ida")
    amber.sample.buy("POT", 1)
    amber.send()
    amber.enable()
    buyer = amber.checkout("TEA", 2, line_first=True)
    while next(buyer) != "line":
        pass
    amber.tick()
    for _ in buyer:  # paid for now
        pass
    amber.sample.delete_order(order, restock=True)
    settle(amber)
    assert sorted(n for _, n in world.movements("TEA")[1:]) == [-2, -2, 2]
    assert shown(world, amber) == {18}


def test_what_was_suspected_of_a_product_that_is_right_again_dates_no_later_doubt(world: World) -> None:
    """World 774000061: evidence of a lost sale reached back to a doubt of long ago, and a form of that time was taken for its cause."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 4)
    amber.sample.buy("TEA", 9)
    amber.tick()
    move(amber, "TEA", 0, -4)
    amber.sample.delete_order(order, restock=False)
    amber.tick()
    assert list(amber.memory.witnessed) == [amber.listing("TEA").product]
    settle(amber)
    assert [cause for cause, _ in amber.causes()] == ["return in doubt"]
    assert amber.memory.witnessed == {}


def test_a_line_that_was_edited_and_then_went_stays_away(world: World) -> None:
    """World 3434659186: when its edit was booked, the line was noted to be in the shop again."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.sample.buy("POT", 1)
    amber.tick()
    edit_line(amber, order, 2, counter=False)
    amber.tick()
    amber.tick()
    amber.sample.delete_order(order, restock=False)
    amber.tick()
    amber.tick()
    assert amber.causes() == [("order edited", 1)]
    known = world.store.read(lambda books: books.lines.present(amber.cart.source, 0, 2**62))
    assert {line.order for line in known.values()} == {order + 1}


def test_what_an_alignment_leaves_in_doubt_is_asked_about_after_it(world: World) -> None:
    """World 427100089: an order gave back more than it took. The question was raised by the alignment that ended all questions."""
    (amber,) = world.running("Amber", wares=WARES)
    order = amber.sample.buy("TEA", 3)
    amber.sample.buy("POT", 1)
    amber.tick()
    world.clock.advance(3600)
    amber.tick()
    edit_line(amber, order, 5, counter=False, stock=False)
    settle(amber)
    aligning.disable(world.house, amber.cart, "Ida")
    world.clock.while_asleep.append(lambda: amber.sample.delete_order(order, restock=True))
    amber.send()
    assert shown(world, amber) == {20}
    (question,) = amber.differences(open_only=True)
    assert (question["cause"], question["amount"]) == ("return in doubt", -2)
    amber.enable()
    reconciling.decide(world.house, question["id"], ours=False, person="Ida")
    settle(amber)
    assert shown(world, amber) == {22}


def test_an_alignment_tells_of_a_product_that_has_another_name(world: World) -> None:
    """Worlds 915000043 and 3434659184: it was not kept in sync any more, and nobody was told."""
    (amber,) = world.running("Amber", wares=WARES)
    aligning.disable(world.house, amber.cart, "Ida")
    amber.sample.rename("TEA", "CHAI")
    amber.send()
    assert [(found["cause"], found["remedy"]) for found in amber.differences(open_only=True)] == [("renamed", "show")]
    amber.sample.rename("CHAI", "TEA")
    amber.send()
    assert amber.differences(open_only=True) == []
    assert amber.listing("TEA").tracked
