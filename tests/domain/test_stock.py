"""Holds movements to their signs and limits, and any fold of them to its balances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from onhand.domain import errors
from onhand.domain.errors import OnHandError, Refused
from onhand.domain.listings import target
from onhand.domain.parameters import PARAMETERS
from onhand.domain.posts import Due, batch_of
from onhand.domain.stock import (
    Kind,
    Movement,
    Source,
    check_quantity,
    check_sku,
    check_text,
    numbered,
)

SOURCE = Source(3, "abc")


@pytest.mark.parametrize("kind", [Kind.CANCELLATION, Kind.RETURN, Kind.RECEIPT])
def test_what_rises_is_positive(kind: Kind) -> None:
    assert Movement(1, kind, 1, "o").quantity == 1
    for quantity in (0, -1):
        with pytest.raises(ValueError, match=rf"^a {kind} raises the quantity on hand$"):
            Movement(1, kind, quantity, "o")


def test_a_sale_is_negative() -> None:
    for quantity in (0, 1):
        with pytest.raises(ValueError, match=r"^a sale lowers the quantity on hand$"):
            Movement(1, Kind.SALE, quantity, "o")


@pytest.mark.parametrize("kind", [Kind.OPENING, Kind.ADJUSTMENT, Kind.COUNT])
def test_a_correction_has_any_sign(kind: Kind) -> None:
    assert [Movement(1, kind, quantity, "o").quantity for quantity in (-1, 1)] == [-1, 1]


@pytest.mark.parametrize("sign", [1, -1])
def test_a_movement_is_within_what_a_shop_can_show(sign: int) -> None:
    """A shop keeps its quantities in signed columns of 32 bits."""
    most = sign * (2**31 - 1)
    assert Movement(1, Kind.COUNT, most, "o").quantity == check_quantity(most) == most
    with pytest.raises(Refused):
        Movement(1, Kind.COUNT, most + sign, "o")


def test_a_movement_has_an_origin() -> None:
    with pytest.raises(ValueError, match=r"^a movement needs an origin$"):
        Movement(1, Kind.COUNT, 1, "")


def test_facts_have_origins_of_their_own() -> None:
    other_epoch = Source(3, "def")
    made = [
        Movement.sale_line(1, 2, SOURCE, 7, 70),
        Movement.sale_line(1, 2, SOURCE, 7, 71),
        Movement.sale_line(1, 2, other_epoch, 7, 70),
        Movement.sale_line(1, 2, SOURCE, 7, 70, taken=4),
        Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=2),
        Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=4, deleted=False),
        Movement.sale_counter(1, 2, SOURCE, 70, "m"),
        Movement.cancellation_counter(1, 2, SOURCE, 70, "m"),
        Movement.edit(1, 2, 3, 70),
    ]
    assert len({movement.origin for movement in made}) == len(made)
    assert [movement.quantity for movement in made] == [-2, -2, -2, -2, 2, 2, -2, 2, 2]
    assert {movement.cart for movement in made} == {3}


def test_a_movement_carries_the_fact_it_stands_for() -> None:
    """Origins are in every ledger written so far: one spelled otherwise would let the same fact be booked again."""
    made = [
        (
            Movement.sale_line(1, 2, SOURCE, 7, 70),
            Movement(1, Kind.SALE, -2, "cart/3/abc/line/70", cart=3, order="7", line=70),
        ),
        (
            Movement.sale_counter(1, 2, SOURCE, 9, "m"),
            Movement(1, Kind.SALE, -2, "cart/3/abc/product/9/rose/m", cart=3, reason="counter rose, no order line"),
        ),
        (
            Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=2),
            Movement(
                1,
                Kind.CANCELLATION,
                2,
                "cart/3/abc/line/70/restock",
                cart=3,
                order="7",
                line=70,
                reason="order deleted with restock",
            ),
        ),
        (
            Movement.cancellation_counter(1, 2, SOURCE, 9, "m"),
            Movement(
                1,
                Kind.CANCELLATION,
                2,
                "cart/3/abc/product/9/fell/m",
                cart=3,
                reason="counter fell, no deleted line",
            ),
        ),
        (
            Movement.sale_line(1, 2, SOURCE, 7, 70, taken=2),
            Movement(1, Kind.SALE, -2, "cart/3/abc/line/70", cart=3, order="7", line=70),
        ),
        (
            Movement.sale_line(1, 2, SOURCE, 7, 70, taken=3, run=1),
            Movement(
                1,
                Kind.SALE,
                -2,
                "cart/3/abc/line/70~1/taken/3",
                cart=3,
                order="7",
                line=70,
                reason="order edited in the shop",
            ),
        ),
        (
            Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=3, run=2),
            Movement(
                1,
                Kind.CANCELLATION,
                2,
                "cart/3/abc/line/70~2/back/3",
                cart=3,
                order="7",
                line=70,
                reason="order deleted with restock",
            ),
        ),
        (
            Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=2, deleted=False),
            Movement(
                1,
                Kind.CANCELLATION,
                2,
                "cart/3/abc/line/70/back/2",
                cart=3,
                order="7",
                line=70,
                reason="order edited in the shop",
            ),
        ),
        (
            Movement.cancellation_line(1, 2, SOURCE, 7, 70, back=2, cancelled=True),
            Movement(
                1,
                Kind.CANCELLATION,
                2,
                "cart/3/abc/line/70/restock",
                cart=3,
                order="7",
                line=70,
                reason="order cancelled in the shop",
            ),
        ),
        (
            Movement.edit(1, -2, 3, 70),
            Movement(1, Kind.ADJUSTMENT, -2, "difference/70", cart=3, reason="edited in the shop"),
        ),
    ]
    for movement, fact in made:
        assert movement == fact


@pytest.mark.parametrize("sku", ["", " ", "\t", "a\nb", "a\x00b", "\udc80", "x" * 256])
def test_what_cannot_be_a_sku(sku: str) -> None:
    with pytest.raises(Refused):
        check_sku(sku)


def test_a_sku_is_kept_as_it_is_spelled_but_for_outer_blanks() -> None:
    assert check_sku("  Tea 1/2 É ") == "Tea 1/2 É"
    assert check_sku("x" * 255) == "x" * 255


def test_texts_are_bounded() -> None:
    assert check_text(" why ", "reason") == "why"
    assert check_text("x" * 500, "reason") == "x" * 500
    with pytest.raises(Refused, match=r"^The reason has 501 characters; at most 500 are possible.$"):
        check_text("x" * 501, "reason")


@pytest.mark.parametrize(
    ("refused", "sentence", "facts"),
    [
        (lambda: check_sku(" "), "A SKU cannot be blank: give each item a SKU of its own.", {"sku": " "}),
        (
            lambda: check_sku(f" {'x' * 256}"),
            "This SKU has 256 characters; at most 255 are possible.",
            {"sku": "x" * 256},
        ),
        (
            lambda: check_sku("a\tb"),
            "This SKU contains something that is no character of a text, such as a tab: remove it.",
            {"sku": r"'a\tb'"},
        ),
        (
            lambda: check_quantity(2**31),
            "The quantity 2147483648 is out of range (at most 2,147,483,647).",
            {"value": 2**31},
        ),
        (
            lambda: check_quantity(-(2**31), "count"),
            "The count -2147483648 is out of range (at most 2,147,483,647).",
            {"value": -(2**31)},
        ),
        (
            lambda: PARAMETERS["SynchQOH"].parse("maybe"),
            "SynchQOH cannot be 'maybe': it is True or False.",
            {"parameter": "SynchQOH"},
        ),
        (
            lambda: PARAMETERS["EditPolicy"].parse("mine"),
            "EditPolicy cannot be 'mine': it is one of ours, theirs, ask.",
            {"parameter": "EditPolicy"},
        ),
        (
            lambda: PARAMETERS["BatchSize"].parse("0"),
            "BatchSize cannot be '0': it is a whole number from 1 to 2,000.",
            {"parameter": "BatchSize"},
        ),
        (
            lambda: PARAMETERS["TickSeconds"].parse("soon"),
            "TickSeconds cannot be 'soon': it is a number from 0.05 to 3,600.",
            {"parameter": "TickSeconds"},
        ),
    ],
)
def test_a_refusal_says_in_a_sentence_what_to_do_and_carries_its_facts(
    refused: Callable[[], object], sentence: str, facts: dict[str, object]
) -> None:
    with pytest.raises(Refused) as caught:
        refused()
    assert (caught.value.message, caught.value.facts) == (sentence, facts)


def test_errors_are_told_apart_by_what_the_caller_does_next() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, OnHandError)]
    assert len({kind.code for kind in kinds}) == len(kinds) == 8
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


def test_a_number_that_was_used_before_is_told_apart_by_its_run_and_its_epoch_stays() -> None:
    assert [numbered(70, run) for run in (0, 1, 2)] == ["70", "70~1", "70~2"]
    assert str(Source(3, "abc~2")) == str(Source(3, "abc")) == "cart/3/abc"
