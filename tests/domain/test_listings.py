"""Holds ties, targets, plans and posts to the words of the design."""

from __future__ import annotations

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onhand.domain.listings import Direction, Problem, Shown, Tie, plan, target, ties
from onhand.domain.posts import Due, batch_of, landed
from onhand.domain.shop import DOWNLOAD, FRACTION
from onhand.domain.stock import Item, check_sku, is_sku, sku_key
from tests.builders import row

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
def test_a_batch_is_numbered_without_gaps_and_holds_only_changes(due: list[Due], buffer: int, first: int) -> None:
    batch = batch_of(due, buffer, "e", first)
    needed = [d for d in due if d.agreed != target(d.on_hand, buffer) + d.held]
    if batch is None:
        assert not needed
        return
    assert [post.seq for post in batch.posts] == list(range(first, first + len(needed)))
    assert (batch.first, batch.last, batch.epoch) == (first, first + len(needed) - 1, "e")
    for post, d in zip(batch.posts, needed, strict=True):
        assert post.delta
        assert d.agreed + post.delta == target(d.on_hand, buffer) + d.held
        assert post.reactivate == (d.off_by_sale and d.agreed + post.delta > 0)
        assert (post.change.product, post.change.delta) == (d.product, post.delta)


@given(st.integers(-50, 50).filter(bool), counts)
def test_a_post_landed_if_the_sum_moved_by_it(delta: int, before: int) -> None:
    assert landed(delta, before, before + delta)
    assert not landed(delta, before, before)


@given(st.integers(-50, 50).filter(bool), st.data())
def test_of_two_explanations_the_nearer_one_is_taken(delta: int, data: st.DataObject) -> None:
    noise = data.draw(st.integers(-((abs(delta) - 1) // 2), (abs(delta) - 1) // 2))
    assert landed(delta, 100, 100 + delta + noise)
    assert not landed(delta, 100, 100 + noise)


@given(words)
def test_what_is_checked_can_be_checked_again(word: str) -> None:
    if is_sku(word):
        assert check_sku(check_sku(word)) == check_sku(word)
