"""Reads listings: the columns of one, and the listing in a row of them.

Path: ``listings`` selects ``LISTING`` and makes each row of it a ``Listing``.
Promise: the same values from every engine.
Never: writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Boolean

from onhand.domain.listings import Left, Listing, Problem

from .tables import listings

LISTING = (
    listings.c.id,
    listings.c.cart_id.label("cart"),
    listings.c.product,
    listings.c.model,
    listings.c.name,
    listings.c.status,
    listings.c.modified,
    listings.c.flags,
    listings.c.item_id.label("item"),
    listings.c.chosen_id.label("chosen"),
    listings.c.ignored,
    listings.c.problem,
    listings.c.aligned,
    listings.c.ordered,
    listings.c.sum,
    listings.c.held,
    listings.c.unnamed,
    listings.c.off_by_sale,
    listings.c.off_when_empty,
    listings.c.switch_on,
    listings.c.parked,
    listings.c.parked_by,
    listings.c.left_item_id,
    listings.c.left_ordered,
    listings.c.left_sum,
    listings.c.left_line,
)
_TRUTHS = [n for n, column in enumerate(LISTING) if isinstance(column.type, Boolean)]
_PROBLEM = next(n for n, column in enumerate(LISTING) if column.name == "problem")
_PROBLEMS: dict[str | None, Problem | None] = {None: None, **{problem.value: problem for problem in Problem}}


def listing_of(row: Sequence[Any]) -> Listing:
    """Return the listing in a row of ``LISTING``. SQLite's driver has no truth values, so they are made here."""
    values, left = [*row[:-4]], row[-4:]
    for place in _TRUTHS:
        values[place] = bool(values[place])
    values[_PROBLEM] = _PROBLEMS[values[_PROBLEM]]
    values.append(Left(*left) if left[0] is not None else None)
    return Listing(*values)
