"""Decides the result of a look: which new lines were sold, and which products to ask about next.

Path: ``collecting`` notes the lines of a look in the books and asks ``judge``; ``ticking`` asks ``search`` and ``Asked`` where to go on.
Promise: a line is called sold only if the sums moved by exactly what all new lines hold.
Never: reads a shop, the books or a clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from . import law
from .listings import Listing
from .shop import Line
from .sketch import Sums

NONE: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Noted:
    """The changes that a look made to the known order lines. The sets hold products."""

    fresh: tuple[Line, ...] = ()  # lines that were not known
    gone: frozenset[int] = NONE  # with a sold line that the shop does not have any more
    edited: frozenset[int] = NONE  # with a sold line that has other units now

    @property
    def products(self) -> frozenset[int]:
        """Return the products of the fresh lines."""
        return frozenset(line.product for line in self.fresh)


@dataclass(frozen=True, slots=True)
class Told:
    """The combined result of the lines and sums of a look. All sets hold products."""

    explained: bool  # the lines explain the sums completely
    suspects: frozenset[int] | None  # to be weighed one by one; None: the sums differ, and the lines do not show where
    sold: tuple[Line, ...] = ()  # lines that the sums confirm
    late: frozenset[int] = NONE  # units were booked before a line named them, and no counter moved for the new line
    edited: frozenset[int] = NONE  # a sold line has other units now
    new: frozenset[int] = NONE  # a new line is paid, but may not be sold yet; or a sold line is gone


def judge(residual: Sums | None, noted: Noted, listings: Mapping[int, Listing]) -> Told:
    """Decide which fresh lines were sold, and which products are in doubt.

    ``residual``: the shop's sums less those that the books expect; None if they cannot be compared. ``listings``: those of the
    products with fresh lines, as far as there are any.
    """
    products = noted.products
    new = noted.gone.union(line.product for line in noted.fresh if line.paid)
    if noted.edited:  # an edited order can move the sums, too: weigh its products one by one
        suspects = None if residual else products | noted.edited
        return Told(False, suspects, edited=noted.edited, new=new)
    if residual is None:
        return Told(False, products, new=new)
    late = frozenset(product for product, listing in listings.items() if listing.unnamed)
    if listings.keys() != products:  # products that are new or gone move the sums, too
        return Told(False, None, late=late, new=new)
    sold = law.predict(residual, [line for line in noted.fresh if line.quantity > 0])
    if sold is None:
        return Told(False, None, late=late, new=new)
    if unsold := _paid_but_not_sold(noted.fresh, sold):
        # The sums can match by accident: three drifts can cancel each other.
        return Told(False, unsold, late=late, new=new)
    booked = {line.product for line in sold}
    return Told(True, NONE, sold, late - booked, new=new - booked)


def _paid_but_not_sold(fresh: Sequence[Line], sold: Sequence[Line]) -> frozenset[int]:
    """Return the products of paid lines that no counter moved for."""
    confirmed = frozenset(sold)  # there may be thousands
    return frozenset(line.product for line in fresh if line.paid and line.quantity > 0 and line not in confirmed)


def sold_again(residual: Sums | None, fresh: Sequence[Line], known: Sequence[Line]) -> bool:
    """Return whether lines that read like known ones are other sales, with numbers that were used before.

    They are if the counters moved by exactly the units on them and on the fresh lines.
    """
    return bool(known and residual) and residual == law.trade([*fresh, *known])


@dataclass(frozen=True, slots=True)
class Search:
    """The places to look for a difference."""

    products: frozenset[int]  # to be asked about one by one
    cells: bool = False  # ask for cells, which name the products
    whole: bool = False  # no other product can differ


def search(told: Told, suspected: frozenset[int], sold: frozenset[int], halted: bool, deep: bool) -> Search:
    """Decide where to look after a look was booked.

    ``suspected`` are products with a doubt, ``sold`` those with new lines. ``deep``: ask for cells even if the sums match, because drifts
    that cancel each other are invisible in the sums.
    """
    if told.suspects is None or (deep and told.explained and not halted):
        # On a stopped cart only the new lines are searched: everything else waits for the alignment.
        return Search(sold, whole=True) if halted else Search(NONE, cells=True, whole=True)
    if told.explained:
        # Another drift can cancel the one that was seen: only the product's own row ends a suspicion.
        return Search(NONE if halted else suspected)
    return Search(told.suspects)


@dataclass(frozen=True, slots=True)
class Asked:
    """The products that the shop is asked about one by one, and what their rows prove."""

    products: frozenset[int]
    whole: bool = False  # no other product can differ
    edited: frozenset[int] = NONE  # a known line has other units now
    new: frozenset[int] = NONE  # asked about only because of a new line
    partial: bool = False  # only some of the new lines were read: book what they name, and conclude nothing else

    @classmethod
    def after(cls, found: frozenset[int], whole: bool, told: Told, partial: bool) -> Asked:
        """Return the products that a search ``found``, with those that the look itself leaves in doubt."""
        products = found | told.late | told.edited | told.new
        return cls(products, whole, told.edited, told.new - found, partial)

    @property
    def needed(self) -> bool:
        """Return whether there is anything to ask or to conclude."""
        return self.whole or bool(self.products)

    def misled(self, known: Mapping[int, Listing], differing: AbstractSet[int]) -> int:
        """Return 1 if a product was named that does not differ, else 0.

        Then another set of products has the same cells, and stays hidden until a finer question tells them apart. A product of which
        units lack a name may have been asked about for its late line alone.
        """
        named = {product for product in self.products if product not in known or not known[product].unnamed}
        return 1 if self.whole and not named - self.new <= differing else 0
