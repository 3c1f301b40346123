"""Holds buying to what it promises: orders from reorder points, deliveries in part, short, over, and once."""

from __future__ import annotations

import pytest

from onhand.domain.errors import Conflict, Refused
from onhand.domain.stock import QUANTITY_MAX
from onhand.services import purchasing
from tests.builders import World


@pytest.fixture
def leaf(world: World) -> str:
    world.item("TEA", 3)
    world.item("MUG", 9)
    return purchasing.add_supplier(world.house, " Leaf & Co ", "leaf@example.com", "", "")


def low(world: World, sku: str, supplier: str | None, point: int = 5, to: int = 20, **flags: bool) -> None:
    """Give an item its reorder point, as a person would."""
    columns = {"reorder_point": point, "reorder_to": to, **flags}
    sets = ", ".join(f"{name} = {value}" for name, value in columns.items())
    key = f"(SELECT id FROM suppliers WHERE name = '{supplier}')" if supplier else "NULL"
    statement = f"UPDATE items SET {sets}, supplier_id = {key} WHERE sku = '{sku}'"
    world.house.store.write(lambda books: books._connection.exec_driver_sql(statement) and None)


def sent(world: World, leaf: str, *lines: tuple[str, int]) -> str:
    number = purchasing.add(world.house, leaf, lines, "", "Ida")
    purchasing.send(world.house, number, None, "Ida")
    return number


def suggested(world: World) -> dict[str, int]:
    return {one.stocked.sku: one.units for _, one in purchasing.suggest(world.house)}


def receive(world: World, number: str, *lines: tuple[str, int], over=False, reference="", revision: int | None = None):
    return purchasing.receive(world.house, number, lines, over, reference, "Ida", revision)


def state(world: World, number: str) -> tuple[str, int]:
    found = world.house.store.read(lambda books: books.purchases.get(number))
    return found.state.value, found.outstanding


def test_drafts_are_raised_from_reorder_points_one_per_supplier_and_once(world: World, leaf: str) -> None:
    purchasing.add_supplier(world.house, "Clay", "", "", "")
    low(world, "TEA", leaf)
    low(world, "MUG", "Clay", point=10, to=12)
    numbers = purchasing.raise_orders(world.house, "", "Ida")
    found = [world.house.store.read(lambda books, n=n: books.purchases.get(n)) for n in numbers]
    assert [(o.supplier.name, [(x.sku, x.ordered) for x in o.lines]) for o in found] == [
        ("Clay", [("MUG", 3)]),
        (leaf, [("TEA", 17)]),
    ]
    assert suggested(world) == {}  # drafts count as on their way
    with pytest.raises(Refused, match="nothing to order"):
        purchasing.raise_orders(world.house, "", "Ida")


def test_one_supplier_alone_can_be_ordered_from(world: World, leaf: str) -> None:
    purchasing.add_supplier(world.house, "Clay", "", "", "")
    low(world, "TEA", leaf)
    low(world, "MUG", "Clay", point=10, to=12)
    assert purchasing.raise_orders(world.house, "clay ", "Ida") == ["PO-1"]
    assert suggested(world) == {"TEA": 17}
    with pytest.raises(Refused, match="nothing to order"):
        purchasing.raise_orders(world.house, "Clay", "Ida")
    with pytest.raises(Refused, match="no supplier"):
        purchasing.raise_orders(world.house, "Nobody", "Ida")


def test_what_a_closed_order_never_brought_is_suggested_again(world: World, leaf: str) -> None:
    low(world, "TEA", leaf)
    (number,) = purchasing.raise_orders(world.house, "", "Ida")
    purchasing.send(world.house, number, None, "Ida")
    receive(world, number, ("TEA", 1))
    assert suggested(world) == {}
    purchasing.close(world.house, number, None, "Ida")
    assert suggested(world) == {"TEA": 16}


def test_what_we_do_not_keep_ourselves_is_not_ordered(world: World, leaf: str) -> None:
    low(world, "TEA", leaf, drop_ship=True)
    low(world, "MUG", leaf, point=10, ignore_qoh=True)
    assert suggested(world) == {}


def test_what_has_no_supplier_is_suggested_and_stays(world: World, leaf: str) -> None:
    low(world, "TEA", None)
    low(world, "MUG", leaf, point=9)
    purchasing.edit_supplier(world.house, leaf, {"active": False}, None)
    assert suggested(world) == {"TEA": 17, "MUG": 11}
    with pytest.raises(Refused):
        purchasing.raise_orders(world.house, "", "Ida")
    with pytest.raises(Refused):
        purchasing.raise_orders(world.house, leaf, "Ida")


def test_a_delivery_in_part_then_the_rest_closes_the_order(world: World, leaf: str) -> None:
    number = sent(world, leaf, ("TEA", 10), ("mug", 4), ("TEA", 2))
    assert state(world, number) == ("sent", 16)
    assert receive(world, number, ("tea ", 5)) == ({"TEA": 8}, 11)
    assert state(world, number) == ("sent", 11)
    assert receive(world, number, ("TEA", 7), ("MUG", 4)) == ({"TEA": 15, "MUG": 13}, 0)
    assert state(world, number) == ("closed", 0)
    assert world.movements("TEA") == [("opening", 3), ("receipt", 5), ("receipt", 7)]


def test_shops_follow_what_came_of_an_order(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10})
    purchasing.add_supplier(world.house, "Leaf", "", "", "")
    number = sent(world, "leaf", ("TEA", 6))
    receive(world, number, ("TEA", 6))
    amber.tick()
    assert amber.shows("TEA") == 16


def test_without_lines_all_that_is_outstanding_came(world: World, leaf: str) -> None:
    number = sent(world, leaf, ("TEA", 10), ("MUG", 4))
    receive(world, number, ("MUG", 5), over=True)
    assert purchasing.receive(world.house, number, None, False, "", "Ida", None) == ({"TEA": 13}, 0)
    assert world.movements("MUG")[1:] == [("receipt", 5)]
    assert state(world, number) == ("closed", 0)


def test_a_delivery_note_is_booked_once_for_an_order(world: World, leaf: str) -> None:
    number, other = sent(world, leaf, ("TEA", 10), ("MUG", 4)), sent(world, leaf, ("TEA", 10))
    receive(world, number, ("TEA", 4), reference="DN 7")
    with pytest.raises(Refused, match="'DN 7' of PO-1 is booked already"):
        receive(world, number, ("MUG", 1), reference=" DN 7 ")
    receive(world, number, ("TEA", 4), reference="DN 8")
    receive(world, other, ("TEA", 1), reference="DN 7")
    assert (world.on_hand("TEA"), world.on_hand("MUG")) == (12, 9)


def test_more_than_was_ordered_is_booked_only_if_it_is_meant(world: World, leaf: str) -> None:
    number = sent(world, leaf, ("TEA", 10))
    with pytest.raises(Refused, match="More came of TEA"):
        receive(world, number, ("TEA", 11))
    assert world.on_hand("TEA") == 3
    receive(world, number, ("TEA", 11), over=True)
    assert world.on_hand("TEA") == 14
    assert state(world, number) == ("closed", 0)


def test_a_delivery_is_booked_whole_or_not_at_all(world: World, leaf: str) -> None:
    number = sent(world, leaf, ("TEA", 10), ("MUG", 1))
    for lines in ([("TEA", 5), ("CUP", 1)], [("TEA", 5), ("MUG", 2)], [("TEA", 5), ("MUG", -1)]):
        with pytest.raises(Refused):
            receive(world, number, *lines)
    world.house.store.write(
        lambda books: (
            books._connection.exec_driver_sql(f"UPDATE items SET on_hand = {QUANTITY_MAX} WHERE sku = 'MUG'") and None
        )
    )
    with pytest.raises(Refused):
        receive(world, number, ("TEA", 5), ("MUG", 1))
    assert world.on_hand("TEA") == 3
    assert state(world, number) == ("sent", 11)
    world.house.store.write(
        lambda books: books._connection.exec_driver_sql("UPDATE items SET on_hand = 9 WHERE sku = 'MUG'") and None
    )


def test_two_who_receive_the_same_delivery_book_it_once(world: World, leaf: str) -> None:
    number = sent(world, leaf, ("TEA", 10))
    seen = world.house.store.read(lambda books: books.purchases.get(number)).revision
    receive(world, number, ("TEA", 4), revision=seen)
    with pytest.raises(Conflict):
        receive(world, number, ("TEA", 4), revision=seen)
    assert world.on_hand("TEA") == 7


def test_nothing_is_received_on_an_order_that_was_not_sent_or_has_ended(world: World, leaf: str) -> None:
    draft = purchasing.add(world.house, leaf, [("TEA", 10)], "", "Ida")
    with pytest.raises(Refused, match="is draft"):
        receive(world, draft, ("TEA", 1))
    purchasing.send(world.house, draft, None, "Ida")
    receive(world, draft, ("TEA", 4))
    with pytest.raises(Refused, match="close it instead"):
        purchasing.cancel(world.house, draft, None, "Ida")
    purchasing.close(world.house, draft, None, "Ida")
    with pytest.raises(Refused, match="is closed"):
        receive(world, draft, ("TEA", 1))
    assert state(world, draft) == ("closed", 0)


def test_a_draft_can_be_changed_and_a_sent_order_cannot(world: World, leaf: str) -> None:
    number = purchasing.add(world.house, leaf, [("TEA", 10)], "", "Ida")
    after = purchasing.edit(world.house, number, [("MUG", 2), ("mug", 1)], "for spring", 0)
    assert [(x.sku, x.ordered) for x in after.lines] == [("TEA", 10), ("MUG", 3)]
    assert (after.note, after.revision) == ("for spring", 1)
    after = purchasing.edit(world.house, number, [("tea", 0)], None, 1)
    assert ([(x.sku, x.ordered) for x in after.lines], after.note) == ([("MUG", 3)], "for spring")
    for lines in ([("MUG", 0)], [("TEA", -1)], [("CUP", 1)], [("TEA", 1)] * 5001):
        with pytest.raises(Refused):
            purchasing.edit(world.house, number, lines, None, None)
    with pytest.raises(Conflict):
        purchasing.edit(world.house, number, [("TEA", 1)], "", 0)
    purchasing.send(world.house, number, 2, "Ida")
    with pytest.raises(Refused, match="is sent"):
        purchasing.edit(world.house, number, [("TEA", 1)], "", None)


@pytest.mark.parametrize(
    "lines", [[], [("TEA", 0)], [("TEA", -1)], [("CUP", 1)], [("TEA", QUANTITY_MAX + 1)], [("TEA", 1)] * 5001]
)
def test_an_order_that_cannot_be_is_refused(world: World, leaf: str, lines: list[tuple[str, int]]) -> None:
    with pytest.raises(Refused):
        purchasing.add(world.house, leaf, lines, "", "Ida")
    assert world.house.store.read(lambda books: books.purchases.orders(None, "", None, 10)) == []


def test_suppliers_are_known_in_any_case_and_a_name_is_one_of_them(world: World, leaf: str) -> None:
    with pytest.raises(Refused, match="already"):
        purchasing.add_supplier(world.house, "LEAF & CO", "", "", "")
    for name, email in (("  ", ""), ("x" * 201, ""), ("Clay", "clay"), ("Clay", "a@b c@d"), ("Clay", "@clay")):
        with pytest.raises(Refused):
            purchasing.add_supplier(world.house, name, email, "", "")
    renamed = purchasing.edit_supplier(world.house, "leaf & co", {"name": "Leaf", "active": False}, 0)
    assert (renamed.name, renamed.email, renamed.active) == ("Leaf", "leaf@example.com", False)
    with pytest.raises(Conflict):
        purchasing.edit_supplier(world.house, "Leaf", {"note": "x"}, 0)
    with pytest.raises(Refused, match="not active"):
        purchasing.add(world.house, "Leaf", [("TEA", 1)], "", "Ida")
