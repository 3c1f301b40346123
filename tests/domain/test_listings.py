"""Holds ties, targets, plans and posts to the words of the design."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from onhand.domain.listings import Direction, Plan, Problem, Shown, Tie, absent, plan, target, ties
from onhand.domain.posts import Batch, Due, Post, batch_of, landed, mark
from onhand.domain.shop import DOWNLOAD, FRACTION, Change
from onhand.domain.sketch import Counters
from onhand.domain.stock import Item, check_sku, is_sku, sku_key
from tests.builders import listing, row

words = st.text(max_size=12)
counts = st.integers(-1000, 1000)
buffers = st.integers(0, 50)


def tied(*models: str | None, items: dict[str, int], flags: int = 0) -> list[Tie]:
    rows = [row(product, model=model, flags=flags) for product, model in enumerate(models, 1)]
    found = ties(rows, items)
    return [found[product] for product in range(1, len(models) + 1)]


@given(words)
def test_case_and_outer_blanks_do_not_make_another_sku(word: str) -> None:
    key = sku_key(word)
    assert sku_key(f" {word}\u00a0\t") == key
    assert sku_key(key) == key
    assert sku_key(unicodedata.normalize("NFD", word)) == key


@given(st.text("abcxyzÄÖÜäöüßéñ0189-_ ", max_size=12))
def test_upper_and_lower_case_of_what_skus_are_made_of_are_one(word: str) -> None:
    assert sku_key(word.upper()) == sku_key(word) == sku_key(word.lower())


@pytest.mark.parametrize("model", ["tea", " TEA", "Tea\t", "TEA\u00a0"])
def test_spellings_of_one_sku_are_tied_to_its_item(model: str) -> None:
    assert tied(model, items={"tea": 7}) == [Tie(7, None)]


def test_unicode_is_one_however_it_is_composed() -> None:
    assert tied("CAFE\u0301", items={sku_key("caf\u00e9"): 7}) == [Tie(7, None)]
    assert tied("STRASSE", items={sku_key("Straße"): 7}) == [Tie(7, None)]


def test_inner_blanks_and_look_alikes_are_other_skus() -> None:
    assert tied("T EA", "ΤEA", items={"tea": 7}) == [Tie(None, Problem.UNMATCHED)] * 2


@pytest.mark.parametrize("model", [None, "", "   ", "\t\n", "\u00a0"])
def test_a_blank_sku_is_tied_to_nothing(model: str | None) -> None:
    assert tied(model, model, items={"": 7}) == [Tie(None, Problem.BLANK)] * 2


def test_duplicates_are_never_guessed() -> None:
    both = [Tie(None, Problem.DUPLICATE)] * 2
    assert tied("TEA", " tea", "MUG", items={"tea": 7, "mug": 8}) == [*both, Tie(8, None)]


def test_fractions_and_downloads_are_known_but_not_kept_in_step() -> None:
    assert tied("TEA", items={"tea": 7}, flags=FRACTION) == [Tie(7, Problem.FRACTION)]
    assert tied("TEA", items={"tea": 7}, flags=DOWNLOAD) == [Tie(7, Problem.DOWNLOAD)]
    assert tied("TEA", items={}, flags=DOWNLOAD | FRACTION) == [Tie(None, Problem.FRACTION)]


def test_a_product_that_is_copied_keeps_its_item_and_the_copies_are_duplicates() -> None:
    rows = [row(product, model="TEA") for product in (1, 2, 3)]
    copy = Tie(None, Problem.DUPLICATE)
    assert ties(rows, {"tea": 7}, kept={2}) == {1: copy, 2: Tie(7, None), 3: copy}
    assert ties(rows, {"tea": 7}, kept={1, 2}) == {1: copy, 2: copy, 3: copy}, "which of two is the original?"
    assert ties(rows[:1], {"tea": 7}, kept={1, 2}) == {1: Tie(7, None)}
    assert ties(rows[:2], {"tea": 7}, kept={2}) == {1: copy, 2: Tie(7, None)}


@given(st.lists(st.sampled_from(["a", "A", " a", "b", "B ", "", None, "ß", "SS"]), max_size=8))
def test_no_item_is_ever_tied_to_two_products(models: list[str | None]) -> None:
    found = [tie.item for tie in tied(*models, items={"a": 1, "b": 2, "ss": 3}) if tie.item is not None]
    assert len(found) == len(set(found))


@given(counts, buffers)
def test_a_buffer_withholds_units_and_never_makes_things_worse(on_hand: int, buffer: int) -> None:
    shown = target(on_hand, buffer)
    assert shown <= on_hand or shown == 0
    if on_hand <= 0:
        assert shown == on_hand
    else:
        assert shown == max(0, on_hand - buffer)
    assert target(on_hand + 1, buffer) >= shown, "more on hand never shows less"


@pytest.mark.parametrize(("on_hand", "buffer", "shows"), [(6, 5, 1), (5, 5, 0), (1, 5, 0), (1, 1, 0), (-1, 5, -1)])
def test_the_last_units_are_the_ones_withheld(on_hand: int, buffer: int, shows: int) -> None:
    assert target(on_hand, buffer) == shows


def shown(quantity: int, item: int | None = 1, problem: Problem | None = None, model: str = "TEA") -> Shown:
    return Shown(9, model, "Tea", quantity, Tie(item, problem))


TEA = {1: Item(1, "Tea", "Tea", 7)}


def test_a_plan_names_every_product_and_what_becomes_of_it() -> None:
    for direction, change in ((Direction.GET, 3), (Direction.SEND, -3)):
        (line,) = plan(direction, [shown(10)], TEA, 0, create=True)
        assert (line.change, line.result, line.here, line.there, line.sku) == (change, "changed", 7, 10, "Tea")
        (line,) = plan(direction, [shown(7)], TEA, 0, create=True)
        assert (line.change, line.result) == (0, "equal")
        (line,) = plan(direction, [shown(10, None, Problem.DUPLICATE)], TEA, 0, create=True)
        assert (line.change, line.result) == (0, "duplicate")
        (line,) = plan(direction, [shown(10, 1, Problem.DOWNLOAD)], TEA, 0, create=True)
        assert (line.change, line.result) == (0, "download")


def test_only_a_get_creates_and_only_what_can_be_a_sku() -> None:
    stranger = shown(10, None, Problem.UNMATCHED, " New ")
    (line,) = plan(Direction.GET, [stranger], TEA, 0, create=True)
    assert (line.create, line.change, line.sku, line.result) == (True, 10, "New", "created")
    for direction, create in ((Direction.GET, False), (Direction.SEND, True)):
        (line,) = plan(direction, [stranger], TEA, 0, create)
        assert (line.create, line.change, line.result) == (False, 0, "unmatched")
    for model in ("x" * 300, "a\tb", "\udcff"):
        assert not is_sku(model)
        (line,) = plan(Direction.GET, [replace(stranger, model=model)], TEA, 0, create=True)
        assert line.result == "unmatched"


def test_a_plan_says_whose_product_it_is() -> None:
    (line,) = plan(Direction.SEND, [shown(10)], TEA, 0, create=False)
    assert (line.product, line.sku, line.name, line.item) == (9, "Tea", "Tea", 1)
    blank = Shown(8, None, "Gift", 4, Tie(None, Problem.BLANK))
    (line,) = plan(Direction.GET, [blank], TEA, 0, create=True)
    assert (line.product, line.sku, line.name, line.item, line.result) == (8, "", "Gift", None, "blank")


def test_a_get_takes_over_what_a_shop_shows_and_adds_the_buffer_only_where_the_shop_was_in_step() -> None:
    for in_step, quantity, change in ((False, 7, 0), (False, 5, -2), (True, 5, 0), (True, 6, 1), (True, 4, -1)):
        (line,) = plan(Direction.GET, [replace(shown(quantity), in_step=in_step)], TEA, 2, create=False)
        assert (line.here, line.there, line.change) == (7, quantity, change)


def test_an_item_that_no_product_has_is_named_in_a_send() -> None:
    items = TEA | {2: Item(2, "Mug", "A mug", 3), 3: Item(3, "Teapot", "A pot", 4)}
    shelf = [shown(10, model=" TEA "), Shown(8, None, "", 1, Tie(None, Problem.BLANK))]
    mug = Plan(0, "Mug", "A mug", 2, here=3, there=0, change=0, problem=Problem.NOT_FOUND)
    pot = Plan(0, "Teapot", "A pot", 3, here=4, there=0, change=0, problem=Problem.NOT_FOUND)
    assert absent(shelf, items.values(), sku_length=6) == [mug, pot]
    assert absent(shelf, items.values(), sku_length=5) == [mug, replace(pot, problem=Problem.TOO_LONG)]
    assert absent(shelf, items.values(), sku_length=0) == [mug, pot], "a shop that does not tell its width has none"
    twice = [Shown(product, "mug", "", 1, Tie(None, Problem.DUPLICATE)) for product in (11, 12)]
    assert absent([*shelf, *twice], items.values(), sku_length=0) == [pot], "it is there, if only twice"


def test_a_set_aside_post_is_a_failure_in_the_list() -> None:
    (line,) = plan(Direction.SEND, [shown(10)], TEA, 0, create=False)
    assert replace(line, failure="gone").result == "failed"


@given(st.lists(st.tuples(counts, counts), max_size=20), buffers)
def test_a_sent_plan_brings_every_product_to_its_target(pairs: list[tuple[int, int]], buffer: int) -> None:
    items = {n: Item(n, f"S{n}", "", on_hand) for n, (on_hand, _) in enumerate(pairs)}
    shelf = [shown(there, n) for n, (_, there) in enumerate(pairs)]
    for line in plan(Direction.SEND, shelf, items, buffer, create=False):
        assert line.there + line.change == target(line.here, buffer)
    for line in plan(Direction.GET, shelf, items, 0, create=False):
        assert line.here + line.change == line.there


dues = st.lists(
    st.builds(Due, st.integers(1, 99), st.integers(1, 99), counts, counts, st.integers(-9, 9), st.booleans())
)


@given(dues, buffers, st.integers(1, 2**40))
@example(due=[Due(1, 1, on_hand=0, agreed=1, held=1, off_by_sale=True)], buffer=0, first=1)
def test_a_batch_is_numbered_without_gaps_and_holds_only_changes(due: list[Due], buffer: int, first: int) -> None:
    batch = batch_of(due, buffer, "e", first)
    shows = {id(d): target(d.on_hand, buffer) + d.held for d in due}
    needed = [d for d in due if d.agreed != shows[id(d)] or (d.off_by_sale and shows[id(d)] > 0)]
    if batch is None:
        assert not needed
        return
    assert [post.seq for post in batch.posts] == list(range(first, first + len(needed)))
    assert (batch.first, batch.last, batch.epoch) == (first, first + len(needed) - 1, "e")
    for post, d in zip(batch.posts, needed, strict=True):
        assert post.delta or post.reactivate
        assert d.agreed + post.delta == target(d.on_hand, buffer) + d.held
        assert post.reactivate == (d.off_by_sale and d.agreed + post.delta > 0)
        assert (post.listing, post.change) == (d.listing, Change(d.product, post.delta, post.reactivate))


@pytest.mark.parametrize(("on_hand", "switched_on"), [(2, True), (1, True), (0, False), (-1, False)])
def test_a_product_is_switched_on_again_with_the_first_unit_that_comes_back(on_hand: int, switched_on: bool) -> None:
    off = Due(1, 9, on_hand, agreed=-2, held=0, off_by_sale=True)
    batch = batch_of([off, off._replace(off_by_sale=False)], 0, "e", 1)
    assert batch is not None
    assert [post.reactivate for post in batch.posts] == [switched_on, False]


def test_a_mark_takes_a_number_and_changes_nothing() -> None:
    batch = mark(Due(5, 9, on_hand=7, agreed=3, held=1, off_by_sale=True), "e", 12)
    assert batch == Batch("e", (Post(seq=12, listing=5, product=9, delta=0, reactivate=False),))


deltas = st.integers(-50, 50).filter(bool)


@given(deltas, counts, st.integers(0, 9), st.integers(0, 9))
def test_a_post_landed_if_the_sum_moved_by_it(delta: int, before: int, sold: int, paid: int) -> None:
    expected = Counters(before, 100)
    assert landed(delta, expected, Counters(before + delta - sold, 100 + sold), paid)
    assert not landed(delta, expected, Counters(before - sold, 100 + sold), paid)


@given(deltas, st.integers(0, 9))
def test_beside_a_counter_that_was_reset_the_quantity_tells_whether_a_post_landed(delta: int, sold: int) -> None:
    expected = Counters(40, 2_000)
    assert landed(delta, expected, Counters(40 + delta - sold, sold), paid=sold)
    assert not landed(delta, expected, Counters(40 - sold, sold), paid=sold)


@given(deltas, st.data())
def test_of_two_explanations_the_nearer_one_is_taken(delta: int, data: st.DataObject) -> None:
    noise = data.draw(st.integers(-((abs(delta) - 1) // 2), (abs(delta) - 1) // 2))
    assert landed(delta, Counters(60, 40), Counters(60 + delta, 40 + noise), paid=100)
    assert not landed(delta, Counters(60, 40), Counters(60, 40 + noise), paid=100)


@given(words)
def test_what_is_checked_can_be_checked_again(word: str) -> None:
    if is_sku(word):
        assert check_sku(check_sku(word)) == check_sku(word)


@pytest.mark.parametrize(("direction", "create"), [(Direction.GET, False), (Direction.SEND, True)])
def test_a_sku_that_looks_like_another_is_named_only_where_an_item_would_be_made(
    direction: Direction, create: bool
) -> None:
    (line,) = plan(direction, [shown(10, None, Problem.UNMATCHED, "T\u0435a")], TEA, 0, create)
    assert (line.problem, line.create, line.change) == (Problem.UNMATCHED, False, 0)


def test_no_item_is_made_of_a_sku_that_looks_like_another() -> None:
    (line,) = plan(Direction.GET, [shown(10, None, Problem.UNMATCHED, "T\u0435a")], TEA, 0, create=True)
    assert line == Plan(line.product, line.sku, line.name, None, None, 10, 0, False, Problem.LOOKS_ALIKE)
    assert line.create is False


def test_a_listing_was_always_followed_unless_the_books_say_so() -> None:
    assert listing().left is None
