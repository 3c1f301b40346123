"""Decides what is new in a shop's set of products, and which changes a person has to know about.

Path: ``refreshing`` reads all products of a shop, asks ``Changed.of``, takes it over into the books, and records the ``notices``;
``baselining`` records what left sync before an alignment.
Promise: a listing that can no longer be kept in sync gets exactly one notice.
Never: ties a product to an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .differences import Cause
from .listings import Listing, Tie
from .shop import Row


@dataclass(frozen=True, slots=True)
class Changed:
    """The products of a shop compared with its known listings."""

    known: Mapping[int, Listing]  # by product; without those that were deleted before
    kept: tuple[Row, ...]  # products that are known
    fresh: tuple[Row, ...]  # products that are not
    lost: tuple[Listing, ...]  # listings whose products are gone

    @classmethod
    def of(cls, listings: Iterable[Listing], rows: Sequence[Row]) -> Changed:
        """Compare all listings of a shop with all its products."""
        known = {listing.product: listing for listing in listings if not listing.deleted}
        there = {row.product for row in rows}
        return cls(
            known,
            tuple(row for row in rows if row.product in known),
            tuple(row for row in rows if row.product not in known),
            tuple(listing for product, listing in known.items() if product not in there),
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """The reason why a listing needs a person's attention."""

    listing: Listing
    cause: Cause
    note: str


def notices(changed: Changed, ties: Mapping[int, Tie], after: Mapping[int, Listing]) -> list[Notice]:
    """Return what to show: new products of items, and listings that were in sync and are not any more.

    ``after``: the listings of all products, once the change is taken over.
    """
    new = [after[row.product] for row in changed.fresh if _is_tied(ties[row.product])]
    note = "Send or Get its quantity to bring it in sync."
    found = [Notice(listing, Cause.NEW_LISTING, note) for listing in new]
    return found + left_sync(changed.known.values(), after)


def left_sync(before: Iterable[Listing], after: Mapping[int, Listing]) -> list[Notice]:
    """Return why listings that were in sync ``before`` are not any more. ``after``: the listings of all products now."""
    tracked = [listing for listing in before if listing.tracked]
    return [notice for listing in tracked if (notice := _left_step(listing, after.get(listing.product)))]


def _is_tied(tie: Tie) -> bool:
    return tie.item is not None and tie.problem is None


def _left_step(before: Listing, after: Listing | None) -> Notice | None:
    """Return why a listing is not in sync any more; None if it still is. ``after`` None: its product is gone."""
    if after is None:
        return Notice(before, Cause.DELETED, "The shop does not sell it any more.")
    if after.item != before.item:
        what = f"{before.model} became {after.model}"
        if after.model == before.model:  # another product has the same SKU now, or the item has another one
            what = f"The SKU {after.model} no longer leads to its item"
        note = f"{what}: settle the SKU, then Send or Get."
        return Notice(after, Cause.RENAMED, note)
    if after.problem is not None:
        return Notice(after, Cause.SET_ASIDE, f"It cannot be kept in sync: {after.problem}.")
    return None
