"""Finds the few products whose counters differ, out of very many, from a handful of sums.

Path: ``law`` compares the shop's five sums with the books'; when they differ, ``reconciling`` asks both sides for
cells and ``decode`` names the products and the amounts.
Promise: a decode is exact or says that it failed. All sums are linear, so differences of sums are sums of differences.
Never: reads a clock, a shop or a database.

Quantities are the only thing that differs between the two sides, and ids are known to both, so plain weighted
sums do: a product alone in its cell with difference d contributes d and d·h(id), and h can be turned round
because it multiplies by an odd number modulo 2³². Products found are peeled off the other cells (the way of an
invertible Bloom lookup table, with sums in place of XOR).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

WORD = 2**32
MULTIPLIER = 2654435761  # odd, close to 2³² / golden ratio: spreads consecutive ids
PARTITION_MULTIPLIERS = (2246822519, 3266489917, 668265263)  # odd; one per third of the cells
INVERSE = pow(MULTIPLIER, -1, WORD)
# Cells per third, of the first question and of those that follow while decodes fail: each some four times the one before, and
# primes, so that products that share their cells at one size are apart at the next. The first stays near 2 KB and decodes ten
# drifts, spread over the catalogue, in 96 of 100 cases; beyond the last the full list is cheaper. Figures: docs/measurements.md.
SIZES = (11, 43, 173, 691, 2767, 11069)
FIRST_SIZE = SIZES[0]


def weight(product: int) -> int:
    """Return the weight h(id) of a product in the checking sums, 0 ≤ h < 2³²."""
    return product * MULTIPLIER % WORD


def unweight(h: int) -> int:
    """Return the product id whose weight is ``h``."""
    return h * INVERSE % WORD


def cell_of(product: int, third: int, size: int) -> int:
    """Return the index, in a list of 3·size cells, of the cell of ``product`` in the given third."""
    x = product * PARTITION_MULTIPLIERS[third] % WORD
    # The square matters: without it the product halfway between two that share a cell often shares it too, and hides them.
    return third * size + ((x >> 16) ** 2 + x) % size


@dataclass(frozen=True, slots=True)
class Counters:
    """The two counters of one product, or a difference of them."""

    quantity: int
    ordered: int

    def __bool__(self) -> bool:
        return bool(self.quantity or self.ordered)


@dataclass(frozen=True, slots=True)
class Sums:
    """The five sums over a set of products: n, Σq, Σo, Σq·h, Σo·h. Linear, so they can be added and subtracted."""

    count: int = 0
    quantity: int = 0
    ordered: int = 0
    quantity_h: int = 0
    ordered_h: int = 0

    @classmethod
    def of(cls, product: int, quantity: int, ordered: int, count: int = 0) -> Sums:
        """Return the contribution of one product or, with count 0, of a change of its counters."""
        h = weight(product)
        return cls(count, quantity, ordered, quantity * h, ordered * h)

    @classmethod
    def total(cls, parts: Iterable[Sums]) -> Sums:
        """Return the sum of many contributions."""
        n = q = o = qh = oh = 0
        for part in parts:
            n += part.count
            q += part.quantity
            o += part.ordered
            qh += part.quantity_h
            oh += part.ordered_h
        return cls(n, q, o, qh, oh)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.count + other.count,
            self.quantity + other.quantity,
            self.ordered + other.ordered,
            self.quantity_h + other.quantity_h,
            self.ordered_h + other.ordered_h,
        )

    def __sub__(self, other: Sums) -> Sums:
        return Sums(
            self.count - other.count,
            self.quantity - other.quantity,
            self.ordered - other.ordered,
            self.quantity_h - other.quantity_h,
            self.ordered_h - other.ordered_h,
        )

    def __bool__(self) -> bool:
        return any((self.count, self.quantity, self.ordered, self.quantity_h, self.ordered_h))


Cell = tuple[int, int, int, int]  # Σq, Σo, Σq·h, Σo·h
EMPTY: Cell = (0, 0, 0, 0)


def cells_of(products: Mapping[int, Counters], size: int) -> list[Cell]:
    """Return the 3·size cells of a set of products: the reference for what connectors compute in SQL."""
    cells = [list(EMPTY) for _ in range(3 * size)]
    for product, counters in products.items():
        h = weight(product)
        for third in range(3):
            cell = cells[cell_of(product, third, size)]
            cell[0] += counters.quantity
            cell[1] += counters.ordered
            cell[2] += counters.quantity * h
            cell[3] += counters.ordered * h
    return [(c[0], c[1], c[2], c[3]) for c in cells]


def difference(seen: Sequence[Cell], expected: Sequence[Cell]) -> list[Cell]:
    """Return seen less expected, cell by cell. Both have the same length."""
    return [(s[0] - e[0], s[1] - e[1], s[2] - e[2], s[3] - e[3]) for s, e in zip(seen, expected, strict=True)]


def decode(cells: Sequence[Cell]) -> dict[int, Counters] | None:
    """Return the products whose counters differ and by how much, from 3·size cells of differences; None if it cannot be told.

    A failure means that too many products share cells: ask again with more cells. What is returned accounts for every cell exactly. Very
    rarely another set of products does so too, and then nothing in the cells can tell them apart: believe a name when that product's own
    row differs.
    """
    size = len(cells) // 3
    rest = list(cells)
    found: dict[int, Counters] = {}
    # Several products in one cell can look like a single one between them. So guesses that the product's other cells confirm go first, and
    # then small amounts, because several products together usually make a larger one. What a wrong guess took away comes back as a product
    # of its own and is peeled again.
    guesses = [guess for index in range(len(rest)) if (guess := _guess(rest, index, size))]
    heapify(guesses)
    peels = 0
    while guesses:
        guess = heappop(guesses)
        product, index = guess[-2:]
        now = _guess(rest, index, size)
        if now != guess:  # the cells have changed since
            if now:
                heappush(guesses, now)
            continue
        q, o, qh, oh = rest[index]
        places = [cell_of(product, third, size) for third in range(3)]
        for at in places:
            c = rest[at]
            rest[at] = (c[0] - q, c[1] - o, c[2] - qh, c[3] - oh)
        for at in places:
            if guess := _guess(rest, at, size):
                heappush(guesses, guess)
        before = found.pop(product, Counters(0, 0))
        after = Counters(before.quantity + q, before.ordered + o)
        if after:
            found[product] = after
        # An honest decode peels no more products than there are cells. Crossed cells could go on for ever.
        peels += 1
        if peels > len(cells):
            return None
    return found if all(cell == EMPTY for cell in rest) else None


def _guess(rest: Sequence[Cell], index: int, size: int) -> tuple[int, int, int, int] | None:
    """Return the product that alone explains a cell, if there is one: (how many of its cells say otherwise, how much, product, index)."""
    cell = rest[index]
    q, o, qh, oh = cell
    if q:
        h, remainder = divmod(qh, q)
    elif o:
        h, remainder = divmod(oh, o)
    else:
        return None
    if remainder or not 0 <= h < WORD or oh != o * h or qh != q * h:
        return None
    product = unweight(h)
    if cell_of(product, index // size, size) != index:
        return None
    shown = [rest[cell_of(product, third, size)] for third in range(3)]
    if EMPTY in shown:
        return None  # a real product shows in all of its cells
    return 3 - shown.count(cell), abs(q) + abs(o), product, index
