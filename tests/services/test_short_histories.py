"""Holds what OnHand makes of every short history of one product: nothing is on hand unasked that is not on the shelf.

Path: ``short_histories`` performs each history in a real shop, with sales, editors, forms and races of all kinds.
Promise: one event gets its own name, and is booked exactly; several never end too high unless a person was asked.
Never: looks at how OnHand decided.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, islice
from pathlib import Path

import pytest

from tests.builders import World
from tests.services.short_histories import EVENTS, History, Outcome, perform, possible

KNOWN = Path(__file__).with_name("three_events_that_oversell.txt")
AT_ONCE = 36  # histories in one shop: looks watch the newest 200 order lines for edits

# Nothing in the shop tells these from trade, so nothing is asked. The first looks like a sale and a return, the second like a sale.
UNTOLD: set[History] = {
    ("counter lowered", "old form"),
    ("line added", "old form"),
}


def histories(length: int) -> list[History]:
    """Every history of so many events, but for those that cannot happen to one product."""
    return [history for history in combinations_with_replacement(EVENTS, length) if possible(history)]


def outcomes(folder: Path, wanted: list[History]) -> list[Outcome]:
    left, found = iter(wanted), []
    while batch := list(islice(left, AT_ONCE)):
        own = folder / str(len(found))
        own.mkdir()
        world = World(own)
        try:
            found += perform(world, batch)
        finally:
            world.close()
    return found


def oversold(found: list[Outcome]) -> list[str]:
    """Histories that end with more on hand than on the shelf, and no person was asked."""
    return [str(one) for one in found if one.error > 0 and not one.asked and one.history not in UNTOLD]


def test_one_event_gets_its_name_and_is_booked_exactly(tmp_path: Path) -> None:
    found = outcomes(tmp_path, histories(1))
    for one in found:
        assert {cause for cause, _ in one.named} == EVENTS[one.history[0]][1], str(one)
        assert one.error == 0 or (one.asked and one.error < 0), str(one)
        assert not one.differs, str(one)
    assert len(found) == len(EVENTS)


@pytest.mark.long
def test_two_events_never_oversell_unasked(tmp_path: Path) -> None:
    found = outcomes(tmp_path, histories(2))
    assert oversold(found) == []
    assert not [str(one) for one in found if one.differs]


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_three_events_oversell_unasked_in_no_other_way_than_is_known(tmp_path: Path) -> None:
    """Those of a counter that was set back aside: docs/promises.md says that it can hide what else happened.

    ``three_events_that_oversell.txt`` lists what is still wrong. A history that is mended has to be taken out of it.
    """
    wanted = [history for history in histories(3) if "counter reset" not in history]
    found = [one for one in outcomes(tmp_path, wanted) if not any(set(pair) <= set(one.history) for pair in UNTOLD)]
    wrong = {" + ".join(one.history) for one in found if one.error > 0 and not one.asked}
    assert wrong == set(KNOWN.read_text().splitlines())
