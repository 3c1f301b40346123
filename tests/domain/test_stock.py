"""Holds movements to their signs and limits, and any fold of them to its balances."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from onhand.domain import errors
from onhand.domain.errors import OnHandError, Refused
from onhand.domain.listings import target
from onhand.domain.parameters import PARAMETERS
from onhand.domain.posts import Due, batch_of
from onhand.domain.stock import (
    QUANTITY_MAX,
    RISES,
    TEXT_LENGTH_MAX,
    Kind,
    Movement,
    Source,
    check_quantity,
    check_sku,
    check_text,
)

SOURCE = Source(3, "abc")


@pytest.mark.parametrize("kind", sorted(RISES))
def test_what_rises_is_positive(kind: Kind) -> None:
    assert Movement(1, kind, 1, "o").quantity == 1
    for quantity in (0, -1):
        with pytest.raises(ValueError):
            Movement(1, kind, quantity, "o")


def test_a_sale_is_negative() -> None:
    for quantity in (0, 1):
        with pytest.raises(ValueError):
            Movement(1, Kind.SALE, quantity, "o")


@pytest.mark.parametrize("kind", [Kind.OPENING, Kind.ADJUSTMENT, Kind.COUNT])
def test_a_correction_has_any_sign(kind: Kind) -> None:
    assert [Movement(1, kind, quantity, "o").quantity for quantity in (-1, 1)] == [-1, 1]


@pytest.mark.parametrize("quantity", [QUANTITY_MAX + 1, -QUANTITY_MAX - 1])
def test_a_movement_is_within_what_a_shop_can_show(quantity: int) -> None:
    with pytest.raises(Refused):
        Movement(1, Kind.COUNT, quantity, "o")
    assert check_quantity(QUANTITY_MAX) == QUANTITY_MAX


def test_a_movement_has_an_origin() -> None:
    with pytest.raises(ValueError):
        Movement(1, Kind.COUNT, 1, "")


def test_facts_have_origins_of_their_own() -> None:
    other_epoch = Source(3, "def")
    made = [
        Movement.sale_line(1, 2, SOURCE, 7, 70),
        Movement.sale_line(1, 2, SOURCE, 7, 71),
        Movement.sale_line(1, 2, other_epoch, 7, 70),
        Movement.cancellation_line(1, 2, SOURCE, 7, 70),
        Movement.sale_counter(1, 2, SOURCE, 70, "m"),
        Movement.cancellation_counter(1, 2, SOURCE, 70, "m"),
        Movement.edit(1, 2, 3, 70),
    ]
    assert len({movement.origin for movement in made}) == len(made)
    assert [movement.quantity for movement in made] == [-2, -2, -2, 2, -2, 2, 2]
    assert {movement.cart for movement in made} == {3}


@pytest.mark.parametrize("sku", ["", " ", "\t", "a\nb", "a\x00b", "\udc80", "x" * 256])
def test_what_cannot_be_a_sku(sku: str) -> None:
    with pytest.raises(Refused):
        check_sku(sku)


def test_a_sku_is_kept_as_it_is_spelled_but_for_outer_blanks() -> None:
    assert check_sku("  Tea 1/2 É ") == "Tea 1/2 É"
    assert check_sku("x" * 255) == "x" * 255


def test_texts_are_bounded() -> None:
    assert check_text(" why ", "reason") == "why"
    with pytest.raises(Refused, match="reason"):
        check_text("x" * (TEXT_LENGTH_MAX + 1), "reason")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("SynchQOH", " Yes ", True),
        ("SynchQOH", "0", False),
        ("TickSeconds", "0.05", 0.05),
        ("TickSeconds", "3600", 3600.0),
        ("BatchSize", " 2000 ", 2000),
        ("EditPolicy", "ASK", "ask"),
        ("BrakePercent", "100", 100.0),
    ],
)
def test_a_parameter_is_read_as_typed(name: str, text: str, value: object) -> None:
    parsed = PARAMETERS[name].parse(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("SynchQOH", "maybe"),
        ("TickSeconds", "0.049"),
        ("TickSeconds", "nan"),
        ("TickSeconds", "inf"),
        ("TickSeconds", ""),
        ("BatchSize", "0"),
        ("BatchSize", "2001"),
        ("BatchSize", "1.5"),
        ("EditPolicy", "mine"),
        ("BrakeListings", "1" * 5000),
    ],
)
def test_a_parameter_out_of_bounds_is_refused_with_what_is_possible(name: str, text: str) -> None:
    with pytest.raises(Refused, match="it is"):
        PARAMETERS[name].parse(text)


@pytest.mark.parametrize("known", PARAMETERS.values(), ids=lambda known: known.name)
def test_a_default_can_be_typed_and_is_within_its_bounds(known) -> None:
    assert known.parse(str(known.default)) == known.default
    assert known.meaning.endswith(".")


@given(st.sampled_from(sorted(PARAMETERS)), st.text(max_size=20))
def test_whatever_is_typed_is_a_value_or_refused(name: str, text: str) -> None:
    try:
        value = PARAMETERS[name].parse(text)
    except Refused:
        return
    assert PARAMETERS[name].parse(str(value)) == value


def test_errors_are_told_apart_by_what_the_caller_does_next() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OnHandError)]
    assert len({kind.code for kind in kinds}) == len(kinds) == 6
    error = Refused("Do this.", sku="TEA")
    assert (str(error), error.message, error.facts) == ("Do this.", "Do this.", {"sku": "TEA"})


class Trade(RuleBasedStateMachine):
    """An honest shop and our books: sales in the shop, bookings here, posts in between, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.movements: list[Movement] = []
        self.balance: Counter[int] = Counter()
        self.quantity = self.ordered = 0  # the shop's
        self.booked = self.sum = 0  # ours of the shop
        self.buffer = 0

    def _book(self, movement: Movement) -> None:
        self.movements.append(movement)
        self.balance[movement.item] += movement.quantity

    @rule(units=st.integers(1, 100))
    def receive(self, units: int) -> None:
        self._book(Movement(1, Kind.RECEIPT, units, f"receipt/{len(self.movements)}"))

    @rule(change=st.integers(-50, 50))
    def count(self, change: int) -> None:
        self._book(Movement(1, Kind.COUNT, change, f"count/{len(self.movements)}"))

    @rule(units=st.integers(1, 20))
    def sell_in_the_shop(self, units: int) -> None:
        self.quantity -= units
        self.ordered += units

    @rule(buffer=st.integers(0, 10))
    def withhold(self, buffer: int) -> None:
        self.buffer = buffer

    @precondition(lambda self: self.ordered > self.booked)
    @rule()
    def look(self) -> None:
        moved = self.ordered - self.booked
        self._book(Movement.sale_counter(1, moved, SOURCE, 1, str(len(self.movements))))
        self.booked = self.ordered

    @rule()
    def deliver(self) -> None:
        due = Due(1, 1, self.balance[1], self.sum - self.booked, 0, off_by_sale=False)
        batch = batch_of([due], self.buffer, "e", 1)
        if batch:
            self.quantity += batch.posts[0].delta
            self.sum += batch.posts[0].delta

    @invariant()
    def a_fold_of_the_movements_is_the_balance(self) -> None:
        assert sum(movement.quantity for movement in self.movements) == self.balance[1]

    @invariant()
    def honest_trade_conserves_the_sum(self) -> None:
        assert self.quantity + self.ordered == self.sum

    def teardown(self) -> None:
        if self.ordered > self.booked:
            self.look()
        self.deliver()
        assert self.quantity == target(self.balance[1], self.buffer), "once trade stops the shop shows the target"


TestTrade = Trade.TestCase
TestTrade.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
