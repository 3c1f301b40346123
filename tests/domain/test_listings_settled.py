"""Holds ties to what people settled by hand: stronger than any SKU, and never two products for one item."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.listings import Direction, Problem, Settled, Shown, Tie, absent, plan, ties
from onhand.domain.shop import DOWNLOAD, FRACTION
from onhand.domain.stock import Item
from tests.builders import row

ITEMS = {"tea": 7, "mug": 8, "pot": 9}
DUPLICATE = Tie(None, Problem.DUPLICATE)


def tied(models: list[str | None], settled: Settled, kept: set[int] = frozenset()) -> list[Tie]:  # type: ignore[assignment]
    rows = [row(product, model=model) for product, model in enumerate(models, 1)]
    found = ties(rows, ITEMS, kept, settled)
    return [found[product] for product in range(1, len(models) + 1)]


def test_a_choice_ties_a_product_whatever_its_sku_says() -> None:
    for model in (None, "", "unknown", "mug"):
        assert tied([model], Settled(chosen={1: 7})) == [Tie(7, None)]


def test_a_choice_among_duplicates_leaves_the_others_duplicates() -> None:
    assert tied(["TEA", "tea", " TEA"], Settled(chosen={2: 7})) == [DUPLICATE, Tie(7, None), DUPLICATE]
    assert tied(["TEA", "tea", "TEA"], Settled(chosen={2: 7}, ignored={3})) == [
        DUPLICATE,
        Tie(7, None),
        Tie(None, Problem.IGNORED),
    ], "the item is taken, though only one bearer of its SKU is left"


def test_one_of_two_alike_is_unique_once_the_other_is_ignored_or_is_another_item() -> None:
    assert tied(["TEA", "tea"], Settled(ignored={1})) == [Tie(None, Problem.IGNORED), Tie(7, None)]
    assert tied(["TEA", "tea"], Settled(chosen={1: 9})) == [Tie(9, None), Tie(7, None)]


def test_an_item_that_was_chosen_elsewhere_is_not_tied_to_the_bearer_of_its_sku() -> None:
    assert tied(["MUG", "TEA"], Settled(chosen={1: 7})) == [Tie(7, None), DUPLICATE]
    assert tied(["MUG", "TEA"], Settled(chosen={1: 7}), kept={2}) == [Tie(7, None), DUPLICATE]


def test_a_choice_for_a_product_that_is_gone_holds_nothing() -> None:
    assert tied(["TEA"], Settled(chosen={5: 7})) == [Tie(7, None)]


def test_ignored_products_are_nobodys_whatever_their_sku() -> None:
    for model in (None, "TEA", "unknown"):
        assert tied([model], Settled(ignored={1})) == [Tie(None, Problem.IGNORED)]


def test_items_that_shops_are_not_to_follow_are_known_and_not_kept_in_step() -> None:
    aside = Settled(set_aside={7})
    assert tied(["TEA", "MUG"], aside) == [Tie(7, Problem.SET_ASIDE), Tie(8, None)]
    assert tied(["x"], Settled({1: 7}, (), {7})) == [Tie(7, Problem.SET_ASIDE)]


def test_a_choice_makes_no_whole_number_of_a_fraction() -> None:
    for flags, problem in ((FRACTION, Problem.FRACTION), (DOWNLOAD, Problem.DOWNLOAD)):
        assert ties([row(1, model="x", flags=flags)], ITEMS, (), Settled({1: 7})) == {1: Tie(7, problem)}


@given(
    st.lists(st.sampled_from(["tea", "TEA ", "mug", "", None, "x"]), max_size=6),
    st.dictionaries(st.integers(1, 6), st.sampled_from([7, 8, 9]), max_size=3),
    st.sets(st.integers(1, 6), max_size=3),
    st.sets(st.integers(1, 6), max_size=3),
)
def test_no_item_is_ever_tied_to_two_products_by_what_people_settled(
    models: list[str | None], wanted: dict[int, int], ignored: set[int], kept: set[int]
) -> None:
    chosen = {p: i for p, i in wanted.items() if p not in ignored and list(wanted.values()).count(i) == 1}
    found = [tie.item for tie in tied(models, Settled(chosen, ignored), kept) if tie.item is not None]
    assert len(found) == len(set(found))


def test_send_and_get_pass_over_what_is_ignored() -> None:
    shown = Shown(1, "TEA", "Tea", 3, Tie(None, Problem.IGNORED))
    for direction in Direction:
        assert plan(direction, [shown], {}, 0, create=True) == []


def test_an_item_that_a_product_was_chosen_for_is_not_missing_in_the_shop() -> None:
    items = {7: Item(7, "TEA", "Tea", 1), 8: Item(8, "MUG", "Mug", 1)}
    shelf = [Shown(1, "odd", "Tea", 3, Tie(7, None))]
    assert [line.sku for line in absent(iter(shelf), items.values(), 0)] == ["MUG"]
