"""Holds doubts about a product to what was seen twice, and acts on them to what all that settled tells."""

from __future__ import annotations

from dataclasses import replace

import pytest

from onhand.domain import doubts
from onhand.domain.doubts import DOUBTS, Doubts, Wait, Weighing, late, lowered_alone, newly_unnamed, ready, ripe
from onhand.domain.doubts import weigh as weigh_product
from onhand.domain.law import Suspicion, Weighed
from onhand.domain.shop import Line
from tests.builders import edited, line, listing, row, went

KEPT = listing(quantity=10, ordered=5)
NOTHING = Weighed((), (), 0, 0, 0)


def seen(quantity: int = 10, ordered: int = 5, **others: object) -> Weighing:
    """A weighing of a product of which the books hold 10 and 5."""
    return replace(Weighing(KEPT, row(quantity=quantity, ordered=ordered), NOTHING, (), ()), **others)  # type: ignore[arg-type]


def weigh(quantity: int, ordered: int, *lines: Line, changes=(), added=(), old=(), unnamed: int = 0) -> Weighing:
    known = replace(KEPT, unnamed=unnamed)
    return doubts.weigh(known, row(quantity=quantity, ordered=ordered), lines, changes, added, old)


class TestWeighings:
    """What a weighing says of its product."""

    def test_the_doubts_of_a_product_that_is_kept_in_step(self) -> None:
        weighed = Weighed((), (), 1, 2, -3, reset=4)
        changed = (edited(line(1, 5), 3), went(line(2)))
        assert seen(weighed=weighed, changed=changed).doubts == Doubts(1, 2, -3, 4, edited=1)
        assert seen(weighed=weighed, listing=replace(KEPT, aligned=False)).doubts == Doubts()
        assert seen(weighed=weighed).product == KEPT.product
        assert seen().old == ()

    def test_doubts_are_counted_out_by_name(self) -> None:
        assert DOUBTS == ("unnamed", "fallen", "drift", "reset", "edited")
        assert Doubts(1, 2, 3, 4, 5).each() == tuple(zip(DOUBTS, (1, 2, 3, 4, 5), strict=True))
        assert [amount for _, amount in Doubts().each()] == [0] * 5

    @pytest.mark.parametrize(
        ("quantity", "ordered", "changed", "differs"),
        [
            (10, 5, (), False),
            (9, 5, (), True),
            (10, 6, (), True),
            (10, 5, (edited(line(1, 5), 3),), True),
            (10, 5, (went(line(1)),), False),
        ],
    )
    def test_a_product_differs_in_its_counters_or_its_lines(self, quantity, ordered, changed, differs) -> None:
        assert seen(quantity, ordered, changed=changed).differs is differs

    def test_some_of_it_can_be_left_out(self) -> None:
        one, two = went(line(1)), went(line(2))
        assert seen(changed=(one, two)).without([one]).changed == (two,)
        assert seen(waiting=(line(1), line(2, paid=False))).paid == [line(1)]


class TestLateNames:
    """Lines of which the units were booked before."""

    def test_the_oldest_lines_are_named_first_as_far_as_units_go(self) -> None:
        lines = [line(3, 2), line(1, 2), line(2, 2)]
        assert late(replace(KEPT, unnamed=4), lines) == [line(1, 2), line(2, 2)]
        assert late(replace(KEPT, unnamed=3), lines) == [line(1, 2)]
        assert late(KEPT, lines) == []

    def test_a_line_names_units_if_it_is_paid_and_whole(self) -> None:
        lines = [line(1, 1, paid=False), line(2, 0), line(3, -1), line(4, 9), line(5, 1)]
        assert late(replace(KEPT, unnamed=2), lines) == [line(5, 1)]

    def test_units_that_were_booked_are_not_sold_again(self) -> None:
        weighing = weigh(10, 5, line(1, 2), unnamed=2)
        assert (weighing.weighed, weighing.waiting, weighing.late) == (NOTHING, (), (line(1, 2),))

    def test_a_line_is_sold_if_the_counter_moved_for_it_too(self) -> None:
        weighing = weigh(8, 7, line(1, 2), unnamed=2)
        assert (weighing.weighed.sold, weighing.waiting) == ((line(1, 2),), ())

    def test_a_line_that_went_may_explain_why_the_counter_did_not_move(self) -> None:
        gone = went(line(2, 2))
        weighing = weigh(10, 5, line(1, 2), changes=[gone], unnamed=2)
        assert (weighing.weighed.sold, weighing.weighed.changed) == ((line(1, 2),), (gone,))
        assert weigh(10, 5, line(1, 2), changes=[gone], old={gone}, unnamed=2).weighed.sold == ()
        assert weigh(10, 5, line(1, 2, paid=False), line(3, 2), changes=[gone], unnamed=2).weighed.sold == (line(3, 2),)
        changed = edited(line(2, 4), 2)
        assert weigh(10, 5, line(1, 2), changes=[changed], unnamed=2).weighed.sold == (), "an edit is no line that went"


class TestWeighing:
    """One product against its lines."""

    def test_what_is_explained_neither_waits_nor_is_in_doubt(self) -> None:
        sale, other, gone, kept = line(1, 2), line(2, 7, paid=False), went(line(3, 3)), went(line(4, 9))
        weighing = weigh(11, 4, sale, other, changes=[gone, kept], old={kept})
        assert weighing.weighed == Weighed((sale,), (gone,), 0, 0, 0)
        assert (weighing.waiting, weighing.changed, weighing.old) == ((other,), (kept,), {kept})
        assert (weighing.listing, weighing.row) == (KEPT, row(quantity=11, ordered=4))

    def test_lines_that_an_editor_may_have_added_do_not_tell_a_reset(self) -> None:
        assert weigh(8, 3, line(1, 2)).weighed.reset == 4
        assert weigh(8, 3, line(1, 2), added={1}).weighed.reset == 0


class TestAResetThatWasSeen:
    """A counter that was set back stays so while the quantity lacks as much."""

    LINES, CHANGES = (line(1),), (went(line(2, 3)),)

    def after(self, weighed: Weighed, reset: int | None) -> Weighing:
        suspicion = Suspicion(0.0, reset) if reset else None
        return doubts.still_set_back(seen(weighed=weighed), self.LINES, self.CHANGES, suspicion)

    def test_it_is_kept(self) -> None:
        kept = self.after(Weighed((), (), 1, 2, -3), 3)
        assert kept.weighed == Weighed((), (), 0, 0, 0, reset=3)
        assert (kept.waiting, kept.changed) == (self.LINES, self.CHANGES)

    def test_it_ends_with_another_drift_or_is_weighed_anew(self) -> None:
        for weighed, reset in (
            (Weighed((), (), 0, 2, -3), None),
            (Weighed((), (), 0, 2, -2), 3),
            (Weighed((), (), 0, 2, 3), 3),
            (Weighed((), (), 0, 0, -3, reset=4), 3),
        ):
            assert self.after(weighed, reset) == seen(weighed=weighed)


class TestACounterThatAloneWasLowered:
    """It shows by a drift that shrinks by as much."""

    BACK = went(line(1, 2))

    def lowered(self, drift: int, known: int | None, fallen: int | None = None, before: int = 0, more: int = 0) -> int:
        weighing = seen(weighed=Weighed((), (self.BACK,), 0, more, drift))
        first, second = (None if amount is None else Suspicion(0.0, amount) for amount in (known, fallen))
        return lowered_alone(weighing, first, second, before)

    def test_the_drift_shrank_by_the_fall(self) -> None:
        assert self.lowered(drift=1, known=3) == 2
        assert self.lowered(drift=0, known=3, more=1) == 3, "with units that the quantity does not bear out"
        assert self.lowered(drift=1, known=4) == self.lowered(drift=1, known=None) == 0

    def test_it_fell_again(self) -> None:
        assert self.lowered(drift=0, known=1, before=1) == 2
        assert self.lowered(drift=0, known=2, before=1) == 0

    def test_it_is_as_it_was(self) -> None:
        assert self.lowered(drift=7, known=None, before=2) == 2
        assert self.lowered(drift=7, known=7, before=2) == 2
        assert self.lowered(drift=7, known=7, before=3) == 0
        assert lowered_alone(seen(), None, None, 0) == 0

    def test_a_fall_was_not_borne_out_and_a_race_raised_the_quantity_since(self) -> None:
        assert self.lowered(drift=0, known=-2, fallen=2) == 2
        assert self.lowered(drift=1, known=-2, fallen=2) == 2
        assert self.lowered(drift=-1, known=-2, fallen=2) == 0
        assert self.lowered(drift=1, known=-2, fallen=3) == 0
        assert self.lowered(drift=1, known=-3, fallen=2) == 0
        assert self.lowered(drift=1, known=-2) == 0

    def test_then_nothing_came_back(self) -> None:
        more, empty, rest = edited(line(3, 1), 4), went(line(5, 0)), went(line(4, 9))
        weighed = Weighed((), (self.BACK, more, empty), 0, 1, -2)
        kept = doubts.without_returns(seen(weighed=weighed, changed=(rest,)))
        assert kept.weighed == replace(weighed, changed=(more, empty), fallen=3)
        assert kept.changed == (self.BACK, rest)


def test_units_lack_a_name_anew_once_those_before_have_theirs() -> None:
    known = Suspicion(0.0, 2)
    assert newly_unnamed(None, 5, None)
    assert newly_unnamed(None, 5, 9)
    assert not newly_unnamed(known, 5, None)
    assert not newly_unnamed(known, 6, 7)
    assert newly_unnamed(known, 7, 7)
    assert newly_unnamed(known, 8, 7)


class TestRipening:
    """What counts of a doubt is the smaller amount."""

    def test_the_smaller_amount_of_one_sign(self) -> None:
        found = ripe(Doubts(unnamed=3, fallen=1, drift=-5, edited=2), {"unnamed": 2, "fallen": 4, "drift": -3})
        assert found == Doubts(unnamed=2, fallen=1, drift=-3)
        assert ripe(Doubts(drift=5), {"drift": -3}) == Doubts(), "another drift by now"
        assert ripe(Doubts(fallen=1), {"fallen": 1}) == Doubts(fallen=1)
        assert ripe(Doubts(drift=-1), {"drift": -3}) == Doubts(drift=-1)
        assert ripe(Doubts(), {"drift": -3, "unnamed": 2}) == Doubts()

    def test_a_reset_may_be_a_fall_by_now(self) -> None:
        settled = {"reset": 4}
        assert ripe(Doubts(fallen=5, drift=-5), settled) == Doubts(fallen=4, drift=-4)
        assert ripe(Doubts(reset=4), settled) == Doubts(reset=4)
        assert ripe(Doubts(fallen=5, drift=-5), {**settled, "fallen": 1, "drift": -2}) == Doubts(fallen=1, drift=-2)

    def test_a_fall_that_the_quantity_does_not_bear_out_may_be_a_reset_by_now(self) -> None:
        assert ripe(Doubts(reset=4), {"fallen": 3, "drift": -2}) == Doubts(reset=2)
        assert ripe(Doubts(reset=4), {"fallen": 2, "drift": -3}) == Doubts(reset=2)
        assert ripe(Doubts(reset=4), {"fallen": 3, "drift": 2}) == Doubts()
        assert ripe(Doubts(reset=4), {"fallen": 3}) == Doubts()
        assert ripe(Doubts(reset=4), {"drift": -3}) == Doubts()


def judged(weighed: Doubts, settled: Doubts, told=False, lowered=False, drift_later=False) -> Doubts | Wait:
    """Return what is done about a product with these doubts, of which so much has settled."""
    numbers = Weighed((), (), weighed.unnamed, weighed.fallen, weighed.drift, weighed.reset)
    return ready(seen(weighed=numbers), settled, told, lowered, drift_later)


REST = Wait.FOR_THE_REST


class TestReadiness:
    """Nothing is done before all that tells the cause has settled."""

    @pytest.mark.parametrize(
        "settled", [Doubts(), Doubts(unnamed=1), Doubts(drift=2), Doubts(drift=-2), Doubts(edited=1), Doubts(fallen=1)]
    )
    def test_what_is_all_there_is_is_acted_on(self, settled: Doubts) -> None:
        assert judged(settled, settled) == settled

    def test_what_fell_and_what_was_edited_wait_for_the_drift(self) -> None:
        for settled in (Doubts(fallen=2), Doubts(edited=1)):
            assert judged(Doubts(fallen=2, drift=-2), settled) is REST
        assert judged(Doubts(drift=-2), Doubts(unnamed=1)) == Doubts(unnamed=1)
        whole = Doubts(fallen=2, drift=-2)
        assert judged(whole, whole) == whole

    def test_the_drift_waits_for_what_fell(self) -> None:
        weighed, drift, rise = Doubts(fallen=2, drift=-2), Doubts(drift=-2), Doubts(drift=2)
        assert judged(weighed, drift) is REST
        assert judged(weighed, drift, told=True) == drift, "an order's editor may tell what fell instead"
        assert judged(replace(weighed, drift=2), rise, told=True) is REST
        assert judged(replace(weighed, drift=2), Doubts(), told=True) is REST
        assert judged(drift, drift) == drift, "nothing fell"
        assert judged(Doubts(fallen=1, drift=2), rise) is REST

    def test_a_drift_beside_a_counter_that_alone_was_lowered_waits_for_it(self) -> None:
        assert judged(Doubts(drift=2), Doubts(drift=2), lowered=True) is REST
        both = Doubts(fallen=1, drift=2)
        assert judged(both, both, lowered=True) == both

    def test_an_editor_explains_a_whole_drift_or_nothing(self) -> None:
        part = Doubts(drift=-1)
        assert judged(Doubts(drift=-2), part, told=True) is Wait.FOR_THE_WHOLE_DRIFT
        assert judged(Doubts(drift=-2), part) == part
        assert judged(Doubts(drift=-2), Doubts(unnamed=1), told=True) == Doubts(unnamed=1)
        assert judged(part, part, told=True) == part

    def test_what_fell_first_does_not_wait_for_the_drift_of_a_later_fall(self) -> None:
        weighed, settled = Doubts(fallen=3, drift=-2), Doubts(fallen=1, drift=-2)
        assert judged(weighed, settled, drift_later=True) == Doubts(fallen=1)
        assert judged(weighed, settled) == settled
        whole = Doubts(fallen=3, drift=-2)
        assert judged(weighed, whole, drift_later=True) == whole
        risen = Doubts(fallen=1, drift=2)
        assert judged(Doubts(fallen=3, drift=2), risen, drift_later=True) == risen
        gone = Doubts(drift=-2)
        assert judged(weighed, gone, told=True, drift_later=True) == gone


def test_a_form_that_was_saved_may_have_written_over_what_came_back() -> None:
    gone, kept = went(line(1, 6)), listing(quantity=10, ordered=10)
    for modified, reset in ((None, 10), ("2026-01-05 12:00:00", 0)):
        seen = row(quantity=6, ordered=4, modified=modified)
        assert weigh_product(kept, seen, [], [gone], (), ()).weighed.reset == reset
