"""Holds what a look is taken to say, and where to go on from there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onhand.domain.law import trade
from onhand.domain.looks import Asked, Noted, Search, Told, judge, search, sold_again
from onhand.domain.sketch import Sums
from tests.builders import line, listing

TEA, MUG = line(1, 2, product=1), line(2, 1, product=2)
UNPAID = line(3, 4, product=3, paid=False)
LISTINGS = {product: listing(product) for product in (1, 2, 3)}
ELSEWHERE = Sums.of(9, -1, 0)


def of(*products: int) -> frozenset[int]:
    return frozenset(products)


def known(*products: int) -> dict:
    return {product: LISTINGS[product] for product in products}


class TestJudging:
    """What lines and sums say together."""

    def test_lines_are_sold_if_the_sums_moved_by_exactly_them(self) -> None:
        told = judge(trade([TEA, MUG]), Noted((TEA, MUG)), known(1, 2))
        assert told == Told(True, of(), (TEA, MUG))

    def test_nothing_new_and_sums_as_expected_is_explained(self) -> None:
        assert judge(Sums(), Noted(), {}) == Told(True, of())

    def test_nothing_new_and_other_sums_is_a_difference_anywhere(self) -> None:
        assert judge(ELSEWHERE, Noted(), {}) == Told(False, None)

    def test_without_sums_only_the_products_of_new_lines_are_in_doubt(self) -> None:
        assert judge(None, Noted(), {}) == Told(False, of())
        told = judge(None, Noted((TEA, UNPAID), gone=of(5)), known(1, 3))
        assert told == Told(False, of(1, 3), new=of(1, 5)), "a line that is not paid brings no doubt of its own"

    def test_lines_that_do_not_explain_the_sums_are_not_sold(self) -> None:
        assert judge(trade([TEA]), Noted((TEA, MUG)), known(1, 2)) == Told(False, None, new=of(1, 2))

    def test_who_paid_has_bought_even_if_the_sums_agree(self) -> None:
        nothing, returned = line(4, 0, product=1), line(5, -1, product=2)
        told = judge(Sums(), Noted((TEA, UNPAID, nothing, returned)), known(1, 2, 3))
        assert told == Told(False, of(1), new=of(1, 2))
        assert judge(Sums(), Noted((MUG,)), known(2)).suspects == of(2), "of one unit, too"

    def test_an_unpaid_line_waits_while_the_sums_agree(self) -> None:
        assert judge(Sums(), Noted((UNPAID,)), known(3)) == Told(True, of())

    def test_lines_of_a_product_that_is_new_or_gone_tell_nothing(self) -> None:
        assert judge(trade([TEA, MUG]), Noted((TEA, MUG)), known(1)) == Told(False, None, new=of(1, 2))

    def test_lines_of_products_of_which_units_lack_a_name_may_be_that_name(self) -> None:
        lacking = {1: replace(LISTINGS[1], unnamed=2), 2: LISTINGS[2]}
        for residual, noted, listings in (
            (ELSEWHERE, Noted((TEA, MUG)), lacking),
            (Sums(), Noted((TEA,)), {1: lacking[1]}),
            (Sums(), Noted((TEA, MUG)), {1: lacking[1]}),
        ):
            assert judge(residual, noted, listings).late == of(1)
        assert judge(trade([TEA, MUG]), Noted((TEA, MUG)), lacking).late == of(), "a new sale is no late name"
        both = Noted((TEA, line(6, 0, product=2)))
        told = judge(trade([TEA]), both, {1: LISTINGS[1], 2: replace(LISTINGS[2], unnamed=1)})
        assert (told.late, told.new) == (of(2), of(2)), "only of products that were sold"

    def test_an_edited_order_may_be_what_moved_the_sums(self) -> None:
        noted = Noted((TEA,), gone=of(4), edited=of(5))
        assert judge(trade([TEA]), noted, known(1)) == Told(False, None, edited=of(5), new=of(1, 4))
        for residual in (Sums(), None):
            assert judge(residual, noted, known(1)) == Told(False, of(1, 5), edited=of(5), new=of(1, 4))


def test_known_lines_are_sold_again_if_the_counters_moved_by_them_too() -> None:
    assert sold_again(trade([TEA, MUG]), [MUG], [TEA])
    assert not sold_again(trade([MUG]), [MUG], [TEA])
    assert not sold_again(trade([MUG]), [MUG], [])
    assert not sold_again(Sums(), [], [line(1, 0)])
    assert not sold_again(None, [], [TEA])


CALM, UNKNOWN, NAMED = Told(True, of()), Told(False, None), Told(False, of(4))


@pytest.mark.parametrize(
    ("told", "halted", "deep", "where"),
    [
        (CALM, False, False, Search(of(1))),
        (CALM, True, False, Search(of())),
        (CALM, False, True, Search(of(), cells=True, whole=True)),
        (CALM, True, True, Search(of())),
        (UNKNOWN, False, False, Search(of(), cells=True, whole=True)),
        (UNKNOWN, True, False, Search(of(2), whole=True)),
        (NAMED, False, False, Search(of(4))),
        (NAMED, True, False, Search(of(4))),
        (NAMED, False, True, Search(of(4))),
    ],
)
def test_where_to_look(told: Told, halted: bool, deep: bool, where: Search) -> None:
    assert search(told, suspected=of(1), sold=of(2), halted=halted, deep=deep) == where
    assert not Search(of()).cells
    assert not Search(of()).whole


class TestAsking:
    """Which products are asked about one by one."""

    def test_the_products_of_a_search_and_of_the_look_itself(self) -> None:
        told = Told(False, None, late=of(2), edited=of(3), new=of(1, 4))
        asked = Asked.after(of(1), True, told, True)
        assert asked == Asked(of(1, 2, 3, 4), whole=True, edited=of(3), new=of(4), partial=True)

    def test_nothing_is_asked_if_nothing_is_in_doubt(self) -> None:
        assert not Asked(of()).needed
        assert Asked(of()).partial is False
        assert Asked(of(1)).needed
        assert Asked(of(), whole=True).needed, "then every suspicion ends"

    def test_cells_mislead_if_they_name_a_product_that_does_not_differ(self) -> None:
        asked = Asked(of(1, 2), whole=True)
        assert asked.misled(known(1, 2), {1}) == 1
        assert asked.misled({1: LISTINGS[1]}, {1}) == 1, "of a product that is not known nothing differs"
        assert asked.misled(known(1, 2), {1, 2}) == asked.misled(known(1, 2), {1, 2, 3}) == 0
        assert Asked(of(1, 2)).misled(known(1, 2), {1}) == 0, "others may differ in any case"

    def test_what_was_asked_about_for_another_reason_does_not_mislead(self) -> None:
        assert Asked(of(1, 2), whole=True, new=of(2)).misled(known(1, 2), {1}) == 0
        assert Asked(of(1, 2), whole=True).misled({**known(1), 2: replace(LISTINGS[2], unnamed=1)}, {1}) == 0
