"""Holds orders to what came of them: found, cancelled, taken back."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Refused
from onhand.domain.orders import LineState, Order
from onhand.services.selling import cancel_order, take_back, take_order
from tests.builders import World

WARES = {"TEA": 10, "MUG": 5}


def phone(world: World, *lines: tuple[str, int], number: str = "") -> str:
    return take_order(world.house, lines, number, "Ida", "", oversell=True)[0]


def cancel(world: World, number: str, lines: list[int] | None = None) -> dict:
    return cancel_order(world.house, number, lines, "Ida", "changed his mind")


def back(world: World, number: str, *lines: tuple[int, int], cart: int | None = None, epoch: str = "") -> dict:
    return take_back(world.house, number, cart, epoch, lines, "Ida", "too small")


def find(world: World, number: str, cart: int | None = None) -> Order:
    return world.store.read(lambda books: books.orders.find(number, cart))


def page(world: World, limit: int = 50, **wanted: object) -> list[Order]:
    return world.store.read(lambda books: books.orders.page(limit, **wanted))


def test_a_cancelled_phone_order_gives_back_what_it_took_and_shops_follow(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    number = phone(world, ("TEA", 3), ("MUG", 1))
    amber.tick()
    assert cancel(world, number) == {"order": number, "lines": 2, "units": 4, "on_hand": {"TEA": 10, "MUG": 5}}
    amber.tick()
    assert (amber.shows("TEA"), amber.shows("MUG")) == (10, 5)
    assert find(world, number).word == "cancelled"
    assert world.movements("TEA")[1:] == [("sale", -3), ("cancellation", 3)]


def test_a_line_is_cancelled_once_and_the_others_stay(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 5)
    number = phone(world, ("TEA", 3), ("MUG", 1))
    cancel(world, number, [2])
    assert [line.word for line in find(world, number).lines] == ["sold", "cancelled"]
    assert find(world, number).word == "partly cancelled"
    with pytest.raises(Refused, match="cancelled already"):
        cancel(world, number, [2])
    with pytest.raises(Refused, match="no line 3"):
        cancel(world, number, [1, 3])
    with pytest.raises(Refused, match="twice"):
        cancel(world, number, [1, 1])
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (7, 5)
    cancel(world, number)
    with pytest.raises(Refused, match="Nothing is left"):
        cancel(world, number)
    assert world.on_hand("TEA") == 10


def test_no_more_comes_back_of_a_line_than_it_took(world: World) -> None:
    world.item("TEA", 10)
    number = phone(world, ("TEA", 3))
    back(world, number, (1, 1))
    back(world, number, (1, 1))
    assert find(world, number).word == "partly returned"
    for units in (2, 0, -1):
        with pytest.raises(Refused, match="at most 1 of 3"):
            back(world, number, (1, units))
    with pytest.raises(Refused, match="twice"):
        back(world, number, (1, 1), (1, 1))
    back(world, number, (1, 1))
    with pytest.raises(Refused, match="nothing is left"):
        back(world, number, (1, 1))
    assert world.movements("TEA")[1:] == [("sale", -3), ("return", 1), ("return", 1), ("return", 1)]
    assert find(world, number).word == "returned"


def test_a_return_is_booked_whole_or_not_at_all(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 5)
    number = phone(world, ("TEA", 3), ("MUG", 1))
    with pytest.raises(Refused):
        back(world, number, (1, 3), (2, 2))
    assert world.on_hand("TEA") == 7


def test_what_was_returned_is_not_cancelled_too(world: World) -> None:
    world.item("TEA", 10)
    number = phone(world, ("TEA", 3))
    back(world, number, (1, 1))
    assert cancel(world, number)["units"] == 2
    assert world.on_hand("TEA") == 10


def test_goods_of_a_shops_order_come_back_and_every_shop_follows(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    number = str(amber.sample.buy("TEA", 3))
    amber.tick()
    order = find(world, number, amber.id)
    (line,) = order.lines
    assert (line.sku, line.left, order.word) == ("TEA", 3, "sold")
    back(world, number, (line.line, 2), cart=amber.id)
    amber.tick()
    birch.tick()
    assert (amber.shows("TEA"), birch.shows("TEA"), world.on_hand("TEA")) == (9, 9, 9)
    with pytest.raises(Refused, match="at most 1"):
        back(world, number, (line.line, 2), cart=amber.id)
    assert amber.differences() == []


def test_nothing_comes_back_of_a_line_that_is_not_sold_or_was_given_back(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    waiting = str(amber.sample.prepare("TEA", 1))
    gone = amber.sample.buy("MUG", 2)
    amber.settle()
    amber.sample.delete_order(gone, restock=True)
    amber.settle()
    for number, word in ((waiting, "waiting"), (str(gone), "cancelled")):
        order = find(world, number, amber.id)
        assert order.word == word
        with pytest.raises(Refused, match=r"not sold yet|nothing is left"):
            back(world, number, (order.lines[0].line, 1), cart=amber.id)
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (10, 5)


def test_an_order_that_is_not_there_is_refused(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    number = str(amber.sample.buy("TEA", 1))
    amber.tick()
    for call in (lambda: cancel(world, number), lambda: back(world, "7" * 40, (1, 1), cart=amber.id)):
        with pytest.raises(Refused, match="There is no order"):
            call()


def test_orders_are_listed_newest_first_whoever_took_them_and_paged_without_a_gap(world: World) -> None:
    amber, birch = world.running("Amber", "Birch", wares=WARES)
    numbers = []
    for n in range(3):
        numbers += [("Amber", str(amber.sample.buy("TEA", 1)))]
        amber.tick()
        numbers += [("Birch", str(birch.sample.buy("MUG", 1)))]
        birch.tick()
        numbers += [("", phone(world, ("TEA", 1), ("MUG", 1), number=f"N-{n}"))]
    names = {amber.id: "Amber", birch.id: "Birch", None: ""}
    expected = numbers[::-1]
    assert [(names[o.cart], o.number) for o in page(world)] == expected
    paged: list[Order] = []
    while more := page(world, 2, before=paged[-1].place if paged else ""):
        paged += more
    assert [(names[o.cart], o.number) for o in paged] == expected


def test_orders_are_found_by_cart_number_sku_and_state(world: World) -> None:
    (amber,) = world.running("Amber", wares=WARES)
    bought = str(amber.sample.buy("TEA", 1))
    waiting = str(amber.sample.prepare("MUG", 1))
    amber.settle()
    ours = phone(world, ("MUG", 1))

    def numbers(**wanted: object) -> list[str]:
        return [order.number for order in page(world, **wanted)]

    assert numbers(cart=amber.id) == [waiting, bought]
    assert numbers(by_phone=True) == [ours]
    assert numbers(search=" mug ") == [ours, waiting]
    assert numbers(search=bought) == [bought]
    assert numbers(search=ours) == [ours]
    assert numbers(search="no such thing") == []
    assert numbers(state=LineState.WAITING) == [waiting]
    assert numbers(state=LineState.SOLD) == [ours, bought]
    assert numbers(state=LineState.RESTOCKED) == []
    cancel(world, ours)
    assert numbers(state=LineState.RESTOCKED) == [ours]
    assert numbers(state=LineState.UNTRACKED, search="TEA") == []


def test_a_place_that_is_none_is_refused(world: World) -> None:
    for before in ("x", "1/2", "1//a/", "9" * 30 + "/1/a/1"):
        with pytest.raises(Refused, match="not a place"):
            page(world, before=before)
