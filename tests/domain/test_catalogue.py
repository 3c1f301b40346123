"""Holds what is said about a changed set of products to what changed."""

from __future__ import annotations

from dataclasses import replace

from onhand.domain.catalogue import Changed, Notice, notices
from onhand.domain.differences import Cause
from onhand.domain.listings import Listing, Problem, Tie
from tests.builders import listing, row

MINE = Tie(7, None)


def seen(before: Listing, after: Listing | None) -> list[Notice]:
    """Return what is said about one listing."""
    rows = [row(before.product)] if after else []
    changed = Changed.of([before], rows)
    return notices(changed, {before.product: MINE}, {before.product: after} if after else {})


def test_products_are_kept_fresh_or_lost() -> None:
    kept, lost, back = listing(1), listing(2), listing(3, problem=Problem.DELETED)
    changed = Changed.of([kept, lost, back], [row(1), row(3), row(4)])
    assert changed == Changed({1: kept, 2: lost}, (row(1),), (row(3), row(4)), (lost,))


def test_a_new_product_is_shown_if_it_is_tied_to_an_item() -> None:
    fresh = [row(1), row(2), row(3)]
    ties = {1: MINE, 2: Tie(None, Problem.UNMATCHED), 3: Tie(7, Problem.DOWNLOAD)}
    after = {product: listing(product) for product in ties}
    (notice,) = notices(Changed.of([], fresh), ties, after)
    assert (notice.listing, notice.cause) == (after[1], Cause.NEW_LISTING)
    assert notice.note == "Send or Get its quantity to bring it in sync."


def test_a_listing_that_leaves_step_is_shown_with_its_cause() -> None:
    before = listing(1, model="TEA")
    (gone,) = seen(before, None)
    assert (gone.listing, gone.cause) == (before, Cause.DELETED)
    assert gone.note == "The shop does not sell it any more."
    renamed = replace(before, model="COFFEE", item=8, problem=Problem.DUPLICATE)
    (other,) = seen(before, renamed)
    assert (other.listing, other.cause) == (renamed, Cause.RENAMED)
    assert "TEA" in other.note
    assert "COFFEE" in other.note
    (shared,) = seen(before, replace(before, item=None, problem=Problem.DUPLICATE))
    assert (shared.cause, shared.note.count("TEA")) == (Cause.RENAMED, 1), "it has its name still"
    aside = replace(before, problem=Problem.FRACTION)
    (kept,) = seen(before, aside)
    assert (kept.listing, kept.cause) == (aside, Cause.SET_ASIDE)
    assert Problem.FRACTION.value in kept.note


def test_nothing_is_said_of_a_listing_that_is_in_step_or_was_not() -> None:
    assert seen(listing(1), listing(1, name="Another name")) == []
    for after in (None, listing(1, item=8)):
        assert seen(listing(1, aligned=False), after) == []


def test_new_products_come_before_those_that_left() -> None:
    changed = Changed.of([listing(1)], [row(2)])
    causes = [notice.cause for notice in notices(changed, {2: MINE}, {2: listing(2)})]
    assert causes == [Cause.NEW_LISTING, Cause.DELETED]
