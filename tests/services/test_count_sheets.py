"""Holds count sheets to their promises on a real store: nothing that trade books meanwhile is lost, and two clerks see each other."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from onhand.domain.counting import CountEntry, How
from onhand.domain.errors import Conflict, Refused
from onhand.services import counting
from onhand.services.counting import adjust
from onhand.services.receiving import receive
from onhand.services.selling import take_order
from onhand.storage.tables import items
from tests.builders import World

numbers = count(1)


def sheet(world: World, *skus: str, **chosen: str) -> int:
    given_ = {"search": "", "supplier": "", **chosen}
    return counting.make_sheet(world.house, "Shelf A", skus=skus, person="Ann", **given_)["sheet"]


def enter(world: World, number: int, *entries: tuple, person: str = "Ann", ago: float = 0, add: bool = False, **how):
    lines = [CountEntry(*entry, **how) if len(entry) < 3 else CountEntry(*entry) for entry in entries]
    at = world.clock.now() - timedelta(minutes=ago) if ago else None
    return counting.enter_counts(world.house, number, lines, at, add, person)


def post(world: World, number: int, revision: int | None = None) -> dict:
    return counting.post_sheet(world.house, number, revision, "Bob")


def sell(world: World, sku: str, units: int) -> None:
    take_order(world.house, [(sku, units)], f"S-{next(numbers)}", "Eve", "", oversell=True)


def get(world: World, number: int):
    return world.store.read(lambda books: books.counts.get(number))


def lines(world: World, number: int):
    return world.store.read(lambda books: books.counts.page(number, "", "", "", False, 100))


def mark(world: World, sku: str, **values) -> None:
    world.store.write(lambda books: books._connection.execute(update(items).where(items.c.sku == sku).values(values)))


def test_a_sale_during_the_count_is_not_lost(world: World) -> None:
    (amber,) = world.running("Amber", wares={"TEA": 10, "MUG": 5})
    number = sheet(world)
    amber.sample.buy("TEA", 1)
    amber.settle()
    enter(world, number, ("TEA", 7), ("MUG", 5))  # two units of tea are gone; nobody knows where
    amber.sample.buy("TEA", 3)
    amber.settle()
    assert post(world, number) == {
        "sheet": number,
        "name": "Shelf A",
        "booked": 1,
        "same": 1,
        "uncounted": 0,
        "units": -2,
    }
    amber.settle()
    assert world.on_hand("TEA") == 4 == amber.shows("TEA")
    assert world.movements("TEA")[-1] == ("count", -2)
    assert world.on_hand("MUG") == 5


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shelf=st.integers(0, 30),
    before=st.lists(st.integers(1, 5), max_size=3),
    between=st.lists(st.integers(1, 5), max_size=3),
    came=st.integers(0, 5),
)
def test_whatever_is_sold_between_counting_and_posting_stays_sold(world: World, shelf, before, between, came) -> None:
    sku = f"SKU-{next(numbers)}"
    world.item(sku, 20)
    number = sheet(world, sku)
    for units in before:
        sell(world, sku, units)
    enter(world, number, (sku, shelf))
    for units in between:
        sell(world, sku, units)
    if came:
        receive(world.house, [(sku, came)], "", "Eve", "")
    assert post(world, number)["units"] == shelf - (20 - sum(before))
    assert world.on_hand(sku) == shelf - sum(between) + came


def test_a_shelf_that_was_counted_earlier_than_it_was_typed(world: World) -> None:
    world.item("TEA", 10)
    number = sheet(world)
    sell(world, "TEA", 1)
    world.clock.advance(3600)
    sell(world, "TEA", 2)  # after the shelf was counted, before that was typed
    enter(world, number, ("TEA", 9), ago=30)
    sell(world, "TEA", 1)
    assert lines(world, number)[0].expected == 9
    assert post(world, number)["units"] == 0
    assert world.on_hand("TEA") == 6
    late = sheet(world)
    for ago in (-1, 8 * 24 * 60):
        with pytest.raises(Refused, match="time of counting"):
            enter(world, late, ("TEA", 9), ago=ago)


def test_two_clerks_on_one_line_have_to_say_what_they_mean(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 10)
    number = sheet(world)
    enter(world, number, ("TEA", 4, 0))
    with pytest.raises(Conflict, match="Ann counted 4 of TEA meanwhile: replace that count, or add yours") as refusal:
        enter(world, number, ("TEA", 6, 0), ("MUG", 9, 0), person="Bob")
    (stale,) = refusal.value.facts["stale"]
    assert (stale["sku"], stale["counted"], stale["person"], stale["revision"]) == ("TEA", 4, "Ann", 1)
    assert {line.sku: line.counted for line in lines(world, number)} == {"TEA": 4, "MUG": None}  # nothing is half taken
    with pytest.raises(Conflict):
        enter(world, number, ("TEA", 6), person="Bob")  # a scanner shows no line at all
    enter(world, number, ("tea ", 6, 1, How.ADD), ("MUG", 9, 0), person="Bob")
    assert {line.sku: (line.counted, line.person) for line in lines(world, number)} == {
        "TEA": (10, "Bob"),
        "MUG": (9, "Bob"),
    }
    enter(world, number, ("TEA", 3, 2, How.REPLACE))
    assert post(world, number)["units"] == -8


def test_lines_that_nobody_counted_are_left_alone(world: World) -> None:
    for sku in ("TEA", "MUG", "POT"):
        world.item(sku, 10)
    number = sheet(world)
    enter(world, number, ("TEA", 0), ("MUG", 1))
    enter(world, number, ("MUG", None, 1))  # taken back
    assert post(world, number)["uncounted"] == 2
    assert [world.on_hand(sku) for sku in ("TEA", "MUG", "POT")] == [0, 10, 10]


def test_a_sheet_is_posted_once(world: World) -> None:
    world.item("TEA", 10)
    number = sheet(world)
    with pytest.raises(Refused, match="Nothing on Shelf A is counted yet"):
        post(world, number)
    enter(world, number, ("TEA", 8))
    seen = get(world, number).revision
    enter(world, number, ("TEA", 7, 1))
    with pytest.raises(Conflict, match="changed since you opened it"):
        post(world, number, seen)
    post(world, number, seen + 1)
    for act in (
        lambda: post(world, number),
        lambda: counting.discard_sheet(world.house, number, None, "Bob"),
        lambda: enter(world, number, ("TEA", 9, 2)),
    ):
        with pytest.raises(Refused, match="is posted already; nothing was changed"):
            act()
    assert world.movements("TEA") == [("opening", 10), ("count", -3)]


def test_a_sheet_that_cannot_be_booked_whole_is_not_booked(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 2**31 - 1)
    number = sheet(world)
    sell(world, "MUG", 5)
    enter(world, number, ("TEA", 9), ("MUG", 2**31 - 1))
    receive(world.house, [("MUG", 5)], "", "Eve", "")
    with pytest.raises(Refused, match="outside the range"):
        post(world, number)
    assert (world.on_hand("TEA"), get(world, number).state) == (10, "open")
    sell(world, "MUG", 5)
    assert post(world, number)["booked"] == 2


def test_a_variance_is_not_booked_twice_by_two_sheets(world: World) -> None:
    world.item("TEA", 10)
    first, second = sheet(world), sheet(world)
    enter(world, first, ("TEA", 7))
    enter(world, second, ("TEA", 7))
    post(world, first)
    with pytest.raises(Conflict, match="Another count corrected TEA since"):
        post(world, second)
    enter(world, second, ("TEA", 7, 1))  # counted again, and now it fits
    assert post(world, second)["units"] == 0
    third = sheet(world)
    enter(world, third, ("TEA", 6))
    adjust(world.house, "TEA", None, 6, "counted at the counter", "Eve", below_zero=False)
    with pytest.raises(Conflict):
        post(world, third)
    enter(world, third, ("TEA", None, 1))
    with pytest.raises(Refused, match="Nothing"):
        post(world, third)
    assert world.on_hand("TEA") == 6


def test_a_discarded_sheet_books_nothing(world: World) -> None:
    world.item("TEA", 10)
    number = sheet(world)
    enter(world, number, ("TEA", 3))
    counting.discard_sheet(world.house, number, None, "Ann")
    with pytest.raises(Refused, match="is discarded already"):
        post(world, number)
    assert world.on_hand("TEA") == 10


def test_a_sheet_is_made_of_all_of_a_search_or_of_skus(world: World) -> None:
    for sku in ("TEA-1", "TEA-2", "MUG", "FAR"):
        world.item(sku, 1)
    mark(world, "FAR", drop_ship=True)
    made = counting.make_sheet(world.house, " All ", "", "", [], "Ann")
    assert (made["name"], made["lines"], made["left_out"]) == ("All", 3, 1)
    assert [line.sku for line in lines(world, sheet(world, search="tea"))] == ["TEA-1", "TEA-2"]
    assert [line.sku for line in lines(world, sheet(world, "mug", "MUG ", "far"))] == ["MUG"]
    for wrong in ({"search": "nothing"}, {"supplier": "Nobody"}, {"search": "far"}):
        with pytest.raises(Refused):
            sheet(world, **wrong)
    for skus, chosen in (([], {"search": "x" * 3, "supplier": ""}), (["TEA-1"], {"search": "tea", "supplier": ""})):
        with pytest.raises(Refused):
            counting.make_sheet(world.house, "Name", skus=skus, person="Ann", **chosen)
    with pytest.raises(Refused, match="name"):
        counting.make_sheet(world.house, " ", "", "", [], "Ann")
    with pytest.raises(Refused, match="no count sheet 99"):
        post(world, 99)


def test_a_sheet_has_a_limit(world: World, monkeypatch) -> None:
    monkeypatch.setattr(counting, "LINES_MAX", 2)
    for sku in ("A", "B", "C"):
        world.item(sku, 1)
    with pytest.raises(Refused, match="at most 2 lines"):
        sheet(world)
    number = sheet(world, "A", "B")
    with pytest.raises(Refused, match="at most 2 lines"):
        enter(world, number, ("C", 1), add=True)
    with pytest.raises(Refused, match="1 to 2 counts"):
        enter(world, number)
    assert world.store.read(lambda books: len(books.counts.sheets(None, 10))) == 1  # what was refused left nothing


def test_a_sku_that_is_not_on_the_sheet_is_added_when_asked_for(world: World) -> None:
    world.item("TEA", 10)
    world.item("MUG", 10)
    number = sheet(world, "TEA")
    with pytest.raises(Refused, match="MUG is not on Shelf A") as refusal:
        enter(world, number, ("TEA", 1), ("MUG", 4))
    assert refusal.value.facts["missing"] == ["MUG"]
    with pytest.raises(Refused, match="No item has the SKU 'CUP'"):
        enter(world, number, ("CUP", 4), add=True)
    with pytest.raises(Refused, match="twice at once"):
        enter(world, number, ("TEA", 4), ("tea", 4))
    enter(world, number, ("TEA", 1), ("MUG", 4), add=True)
    assert post(world, number)["units"] == -15


def test_a_page_is_found_from_both_ends(world: World) -> None:
    for n in range(10):
        world.item(f"S{n}", n)
    number = sheet(world)
    enter(world, number, ("S3", 1), ("S5", 50), ("S0", 0), ("S9", 2))

    def page(**how) -> list[str]:
        asked = {"after": "", "before": "", "search": "", "left": False, "limit": 3, **how}
        return [line.sku for line in world.store.read(lambda books: books.counts.page(number, **asked))]

    assert page() == ["S0", "S1", "S2"]
    assert page(after="s2") == ["S3", "S4", "S5"]
    assert page(before="S5") == ["S2", "S3", "S4"]
    assert page(left=True) == ["S1", "S2", "S4"]
    assert page(search="s7") == ["S7"]
    biggest = world.store.read(lambda books: books.counts.biggest(number, None, 2))
    assert [(line.sku, line.variance) for line in biggest] == [("S5", 45), ("S9", -7)]
    rest = world.store.read(lambda books: books.counts.biggest(number, (7, biggest[1].item), 5))
    assert [line.sku for line in rest] == ["S3", "S0"]
    assert world.store.read(lambda books: books.counts.totals(number, 7)) == {
        "lines": 10,
        "counted": 4,
        "differing": 3,
        "big": 1,
        "more": 45,
        "fewer": -9,
    }
