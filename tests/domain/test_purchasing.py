"""Holds ordering to its sums: what ought to be ordered, what is outstanding, what a delivery does."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.errors import Conflict, Refused
from onhand.domain.purchasing import (
    LINES_MAX,
    OrderLine,
    OrderState,
    PurchaseOrder,
    Stocked,
    Suggestion,
    Supplier,
    suggestions,
)
from onhand.domain.stock import QUANTITY_MAX, Kind

from .refusing import facts_of

AT = datetime(2026, 1, 1, tzinfo=UTC)
SUPPLIER = Supplier(1, "Leaf & Co", "", "", "", True, 0)
units = st.integers(-1000, 1000)


def order(*lines: tuple[str, int, int], state: OrderState = OrderState.SENT) -> PurchaseOrder:
    made = tuple(OrderLine(n, n, sku, sku, ordered, came) for n, (sku, ordered, came) in enumerate(lines, 1))
    return PurchaseOrder(1, "PO-1", SUPPLIER, state, "", "", AT, None, None, 3, made)


def stocked(on_hand: int, outstanding: int, point: int, to: int | None) -> Stocked:
    return Stocked(1, "TEA", "Tea", on_hand, outstanding, point, to, 1)


@pytest.mark.parametrize(
    ("on_hand", "outstanding", "point", "to", "ordered"),
    [
        (6, 0, 5, 20, 0),  # above the point
        (5, 0, 5, 20, 15),  # at it
        (-3, 0, 5, 20, 23),  # oversold units are owed
        (3, 2, 5, 20, 15),  # what is on its way counts
        (3, 3, 5, 20, 0),
        (5, 0, 5, None, 1),  # without a level just above the point
        (5, 0, 5, 2, 1),  # a level below the point is none
        (0, 0, 0, 10, 10),
    ],
)
def test_what_is_low_is_filled_up_counting_what_is_on_its_way(on_hand, outstanding, point, to, ordered):
    found = suggestions([stocked(on_hand, outstanding, point, to)])
    assert [one.units for one in found] == ([ordered] if ordered else [])


@given(units, st.integers(0, 1000), st.integers(0, 1000), st.none() | st.integers(0, 1000))
def test_what_was_ordered_is_not_suggested_again(on_hand, outstanding, point, to):
    for one in suggestions([stocked(on_hand, outstanding, point, to)]):
        assert one.units > 0
        assert suggestions([stocked(on_hand, outstanding + one.units, point, to)]) == []
        assert suggestions([stocked(on_hand + one.units, outstanding, point, to)]) == []


def test_outstanding_is_what_a_sent_order_lacks_and_never_negative():
    lines = (("TEA", 10, 4), ("MUG", 5, 7))
    assert order(*lines).outstanding == 6
    assert order(*lines, state=OrderState.CLOSED).outstanding == 0
    assert order(*lines, state=OrderState.DRAFT).outstanding == 0


def test_a_delivery_may_be_short_and_is_over_only_if_that_is_meant():
    sent = order(("TEA", 10, 4), ("MUG", 5, 0))
    assert [(line.sku, n) for line, n in sent.arrived({"tea": 2, "mug": 0}, over=False)] == [("TEA", 2)]
    assert [n for _, n in sent.arrived({"tea": 6}, over=False)] == [6]
    with pytest.raises(Refused, match="More came of TEA"):
        sent.arrived({"tea": 7}, over=False)
    assert [n for _, n in sent.arrived({"tea": 7}, over=True)] == [7]


@pytest.mark.parametrize("came", [{}, {"tea": 0}, {"tea": -1}, {"pot": 1}, {"tea": 2, "pot": 1}, {"tea": 2**40}])
def test_a_delivery_that_cannot_be_is_refused(came):
    with pytest.raises(Refused):
        order(("TEA", 10, 0)).arrived(came, over=True)


def test_a_stale_order_is_told_with_what_is_there_now():
    order(("TEA", 10, 0)).check_revision(3)
    order(("TEA", 10, 0)).check_revision(None)
    facts = facts_of(order(("TEA", 10, 4)).check_revision, 2, kind=Conflict)
    assert facts == {"reason": "stale", "current": {"state": "sent", "lines": 1, "received": 4}}


def test_it_is_said_when_an_order_is_past_what_is_asked():
    with pytest.raises(Refused, match="PO-1 is closed: this is possible while it is draft or sent"):
        order(state=OrderState.CLOSED).check_state(OrderState.DRAFT, OrderState.SENT)


def test_without_lines_a_delivery_is_all_that_is_outstanding():
    sent = order(("TEA", 10, 4), ("MUG", 5, 7), ("POT", 2, 0))
    assert [(line.sku, n) for line, n in sent.all_outstanding()] == [("TEA", 6), ("POT", 2)]
    with pytest.raises(Refused, match="Nothing is outstanding of PO-1"):
        order(("MUG", 5, 7)).all_outstanding()


def test_a_delivery_is_booked_under_its_reference_or_else_under_what_the_order_was_then():
    sent = order(("TEA", 10, 4), ("POT", 2, 0))
    came = sent.receipts(sent.all_outstanding(), "DN 7", "Ida")
    assert [(m.item, m.quantity, m.order, m.reason, m.person) for m in came] == [
        (1, 6, "PO-1", "DN 7", "Ida"),
        (2, 2, "PO-1", "DN 7", "Ida"),
    ]
    assert [m.origin for m in came] == ["purchase/1/reference/DN 7/1", "purchase/1/reference/DN 7/2"]
    unnamed = sent.receipts(sent.all_outstanding(), "", "Ida")
    assert [m.origin for m in unnamed] == ["purchase/1/revision/3/1", "purchase/1/revision/3/2"]


def test_no_more_is_suggested_than_a_shop_could_show():
    (found,) = suggestions([stocked(-QUANTITY_MAX, 0, 0, QUANTITY_MAX)])
    assert found.units == QUANTITY_MAX


def test_an_order_in_another_state_is_named_with_its_state():
    order(state=OrderState.SENT).check_state(OrderState.DRAFT, OrderState.SENT)
    facts = facts_of(order(state=OrderState.CLOSED).check_state, OrderState.DRAFT, OrderState.SENT)
    assert facts == {"order": "PO-1", "state": "closed"}
    assert facts_of(order(("MUG", 5, 7)).all_outstanding) == {"order": "PO-1"}


@pytest.mark.parametrize("wrong", [1, 99, 100, 101, 300])
def test_what_is_not_on_the_order_or_too_much_of_it_is_named_up_to_a_hundred(wrong):
    skus = [f"T{n:03}" for n in range(wrong)]
    came = {sku.lower(): 1 for sku in skus}
    assert facts_of(order(("MUG", 5, 0)).arrived, came, True) == {"unknown": [sku.lower() for sku in skus][:100]}
    assert facts_of(order(*((sku, 0, 0) for sku in skus)).arrived, came, False) == {"over": skus[:100]}


@pytest.mark.parametrize("came", [{}, {"tea": 0}, {"tea": -1}, {"tea": 2, "mug": -1}])
def test_a_delivery_of_nothing_or_less_is_refused(came):
    assert facts_of(order(("TEA", 10, 0), ("MUG", 5, 0)).arrived, came, True) == {}


def test_a_delivery_is_a_receipt_and_a_suggestion_names_its_item():
    sent = order(("TEA", 10, 4))
    assert [movement.kind for movement in sent.receipts(sent.all_outstanding(), "", "")] == [Kind.RECEIPT]
    low = stocked(5, 0, 5, 20)
    assert suggestions([low]) == [Suggestion(low, 15)]


def test_stores_and_programs_have_learned_these_words_of_purchase_orders():
    assert [state.value for state in OrderState] == ["draft", "sent", "closed", "cancelled"]
    assert LINES_MAX == 5000


def test_an_order_is_the_sum_of_its_lines():
    sent = order(("TEA", 10, 4), ("MUG", 5, 7))
    assert (sent.ordered, sent.received) == (15, 11)
    assert [line.outstanding for line in sent.lines] == [6, 0]
