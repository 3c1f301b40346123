"""The law: honest trade does not change a shop's quantity + counter.

Path: ``collecting`` predicts the sums from new order lines; where that fails, ``reconciling`` weighs single products.
Promise: what is called sold is exactly what the counter moved by; what is called drift is exactly what the sum moved by.
Never: trusts an order line whose counter has not moved, or takes a first look for a fact.

A sale takes n from the quantity and adds n to the counter, so their sum stays the same. The counter is raised by one atomic
statement and has never been seen to lose a unit; the quantity is written as a literal and loses sales. Hence: the counter is
the truth, the line is the name, and a change of the sum that we did not post is drift. See ``docs/house.md``.

``name`` chooses the lines that moved a counter by so many units. ``weigh`` judges one product in three steps: which lines explain
how its counter moved (``_explain``); was the counter set back instead (``_was_reset``); and how much of the explanation is booked after one
look (``_at_first_glance``). Each rule is one small function, and its docstring is its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from .lines import LineChange, subset, whole_orders
from .shop import Line, Row
from .sketch import Sums


def trade(lines: Iterable[Line]) -> Sums:
    """Return how the five sums move when all these lines are sold."""
    return Sums.total(Sums.of(line.product, -line.quantity, line.quantity) for line in lines)


def units(lines: Iterable[Line]) -> int:
    """Return how many units these lines hold together."""
    return sum(line.quantity for line in lines)


def predict(residual: Sums, fresh: Sequence[Line]) -> tuple[Line, ...] | None:
    """Return the new lines that explain the difference between seen and expected sums: none of them, or all.

    None: they do not explain it; ask for cells.
    """
    if not residual:
        return ()
    return tuple(fresh) if residual == trade(fresh) else None


@dataclass(frozen=True, slots=True)
class Explanation:
    """A set of new lines, and of changes of known lines, that may have moved a counter together."""

    sold: tuple[Line, ...]
    changed: tuple[LineChange, ...]
    # It holds every line that is paid or edited: the shop's statement, not a choice among its lines.
    stated: bool = False

    @property
    def units(self) -> int:
        """Return the signed units by which the counter moves if this is what happened."""
        return units(self.sold) + sum(change.units for change in self.changed)


def _first_exact(moved: int, tried: Iterable[Explanation | None]) -> Explanation:
    """Return the first explanation for all that the counter moved by; if there is none, the last one tried."""
    found = Explanation((), ())
    for explanation in tried:
        if explanation is not None:
            found = explanation
            if found.units == moved:
                break
    return found


# Which lines moved a counter by so many units


def name(
    moved: int,
    waiting: Sequence[Line],
    changed: Sequence[LineChange] = (),
    mixed: bool = False,
    last: Container[Line] = (),
) -> tuple[tuple[Line, ...], tuple[LineChange, ...]]:
    """Return new lines, the oldest first, and changes of known lines, in their order, that moved the counter by ``moved`` signed units.

    What the counter moved between two looks is sales less returns. The rules in ``_NAMING`` are tried in order. If no lines explain
    all units, as many units as possible are explained by sales alone or by returns alone; ``mixed`` allows any combination that
    explains all. ``last``: lines that an editor may have added without the counter, used only after all others.

    Of several equal lines the wrong one may be chosen. Then the name of a sale is wrong, but never a quantity.
    """
    new = sorted((line for line in waiting if line.quantity > 0), key=lambda line: (line in last, line.line))
    rules = (*_NAMING, _sales_and_returns) if mixed else _NAMING
    found = _first_exact(moved, (rule(moved, new, changed) for rule in rules))
    return found.sold, found.changed


def _paid_lines_and_whole_orders(moved: int, new: Sequence[Line], changed: Sequence[LineChange]) -> Explanation | None:
    """Try all paid lines, and orders that came back as a whole: a paid line was bought, and orders usually come back whole."""
    bought, rest, alike = _beside_what_was_paid(moved, new, changed)
    chosen = whole_orders(rest, alike)
    return None if chosen is None else Explanation(bought, tuple(alike[index] for index in sorted(chosen)))


def _paid_lines_and_changes(moved: int, new: Sequence[Line], changed: Sequence[LineChange]) -> Explanation | None:
    """Try all paid lines, and changes of one kind, more units or fewer, that make up for the rest exactly."""
    bought, rest, alike = _beside_what_was_paid(moved, new, changed)
    chosen = _choose(rest, (), alike, exact=True)
    return None if chosen is None else Explanation(bought, chosen.changed)


def _one_kind(moved: int, new: Sequence[Line], changed: Sequence[LineChange]) -> Explanation | None:
    """Try lines of one kind, sales or returns, that come as near as they can: without more lines to go by, nothing
    is offset against them."""
    alike = [change for change in changed if change.units * moved > 0]
    return _choose(moved, new if moved > 0 else (), alike, exact=False)


def _sales_and_returns(moved: int, new: Sequence[Line], changed: Sequence[LineChange]) -> Explanation | None:
    """Try any mix of sales, paid or not, and returns that explains all units."""
    return _choose(moved, new, changed, exact=True)


_NAMING: tuple[Callable[[int, Sequence[Line], Sequence[LineChange]], Explanation | None], ...] = (
    _paid_lines_and_whole_orders,
    _paid_lines_and_changes,
    _one_kind,
)


def _beside_what_was_paid(
    moved: int, new: Sequence[Line], changed: Sequence[LineChange]
) -> tuple[tuple[Line, ...], int, list[LineChange]]:
    """Return all paid lines, the signed units that they leave to be explained, and the changes that go in that direction."""
    bought = tuple(line for line in new if line.paid)
    rest = moved - units(bought)
    return bought, rest, [change for change in changed if change.units * rest > 0]


def _choose(moved: int, new: Sequence[Line], changed: Sequence[LineChange], exact: bool) -> Explanation | None:
    """Return those of the lines and changes that add up to ``moved``: see ``subset``."""
    amounts = [*(line.quantity for line in new), *(change.units for change in changed)]
    chosen = subset(moved, amounts, exact)
    if chosen is None:
        return None
    sold = tuple(new[index] for index in chosen if index < len(new))
    return Explanation(sold, tuple(changed[index - len(new)] for index in chosen if index >= len(new)))


def explains(moved: int, paid: Sequence[Line], gone: Sequence[LineChange]) -> bool:
    """Return whether all paid lines were sold, and some of these lines came back, if the counter moved by ``moved``."""
    return bool(gone) and subset(moved - units(paid), [change.units for change in gone], exact=True) is not None


# Which edited and deleted lines belong together


def by_quantity(
    moved: int, drift: int, bought: Sequence[Line], changed: Sequence[LineChange]
) -> tuple[LineChange, ...] | None:
    """Return all edited lines, and some deleted ones, if together with the lines ``bought`` they are what the quantity moved by.

    Then they are what happened, and the counter followed only some of it. Returns None if no line was edited or is gone.
    """
    told = _edited_and_gone(moved - drift - units(bought), changed, _gone(changed))
    return told or None


def _uncounted(drift: int, changed: Sequence[LineChange]) -> tuple[LineChange, ...]:
    """Return all edited lines, and some that were deleted just now, if they are worth exactly the drift: an editor
    moved only the quantity."""
    if not drift or not _edited(changed):
        return ()
    return _edited_and_gone(-drift, changed, _just_gone(changed)) or ()


def _edited_and_gone(
    total: int, changed: Sequence[LineChange], gone: Sequence[LineChange]
) -> tuple[LineChange, ...] | None:
    """Return all edited lines, and those of ``gone`` that make up for the rest, if they are worth ``total`` signed units."""
    edited = _edited(changed)
    chosen = _choose(total - sum(change.units for change in edited), (), gone, exact=True)
    return None if chosen is None else (*edited, *chosen.changed)


def _edited(changed: Iterable[LineChange]) -> list[LineChange]:
    return [change for change in changed if not change.gone]


def _gone(changed: Iterable[LineChange]) -> list[LineChange]:
    return [change for change in changed if change.gone]


def _just_gone(changed: Iterable[LineChange]) -> list[LineChange]:
    """Return lines that earlier looks have not found to be gone."""
    return [change for change in changed if change.gone and change.sold.gone_at is None]


# What one product's counters say


@dataclass(frozen=True, slots=True)
class Weighed:
    """The result of comparing one product's counters with the books."""

    sold: tuple[Line, ...]  # new lines whose units the counter confirms
    changed: tuple[LineChange, ...]  # known lines whose change the counter confirms
    unnamed: int  # units by which the counter rose beyond those
    fallen: int  # units by which the counter fell beyond those, or that the quantity does not confirm
    drift: int  # signed units by which the sum moved without us
    reset: int = 0  # units by which only the counter was set back; all else is weighed once the books have followed


@dataclass(frozen=True, slots=True)
class Observation:
    """The movement of one product's counters against the books, and the lines that may explain it."""

    booked: int  # the counter as far as it is booked
    counter: int  # the counter in the shop
    drift: int  # signed units by which the sum moved without us
    paid: Sequence[Line]  # lines that are paid and not booked yet
    recent: Sequence[Line]  # those of them that are new since the product was last seen right
    changed: Sequence[LineChange]  # lines booked as sold that have other units in the shop now, or are gone
    recent_changes: Sequence[LineChange]  # those of them that are new since the product was last seen right
    added: Sequence[Line]  # new lines of orders of which other lines are sold already
    form: bool  # the product's form was saved since it was last seen right

    @property
    def moved(self) -> int:
        """Return the signed units by which the counter moved."""
        return self.counter - self.booked

    @property
    def rise(self) -> int:
        """Return the signed units by which the quantity rose."""
        return self.drift - self.moved

    @property
    def bought(self) -> int:
        """Return the units that were surely bought since the product was last seen right. An editor may have taken those of ``added`` lines
        without the counter."""
        return units(line for line in self.recent if line not in self.added)


def weigh(
    ordered: int,
    expected_sum: int,
    row: Row,
    waiting: Sequence[Line],
    changed: Sequence[LineChange] = (),
    added: Sequence[Line] = (),
    old: Container[Line | LineChange] = (),
    form: bool = False,
) -> Weighed:
    """Split the movement of one product's counters into trade and drift.

    ``ordered`` and ``expected_sum`` are the books'. ``waiting``: lines of this product that are not booked yet. ``changed``: lines booked
    as sold that have other units in the shop now, or are gone. ``added``: those of the waiting lines that were added to an order with sold
    lines; they are no sign that the counter was reset. ``old``: what existed when the product was last seen right, without a move of the
    counter for it. So old lines explain only what recent ones do not, and old changes explain nothing. ``form``: the product's form was
    saved since.
    """
    paid = [line for line in waiting if line.paid]
    seen = Observation(
        booked=ordered,
        counter=row.ordered,
        drift=row.sum - expected_sum,
        paid=paid,
        recent=[line for line in paid if line not in old],
        changed=changed,
        recent_changes=[change for change in changed if change not in old],
        added=added,
        form=form,
    )
    explanation = _explain(seen)
    if _was_reset(seen, explanation):
        # What was paid for was counted before, if the counter does not hold it now.
        return Weighed((), (), 0, 0, 0, reset=max(-seen.moved, -seen.drift, seen.booked + seen.bought - seen.counter))
    confirmed = _at_first_glance(seen, explanation)
    rest = seen.moved - confirmed.units
    return Weighed(confirmed.sold, confirmed.changed, max(rest, 0), max(-rest, 0), seen.drift)


# First: which lines explain how the counter moved


def _explain(seen: Observation) -> Explanation:
    """Return the best explanation of how the counter moved; it need not be exact."""
    best = _first_exact(seen.moved, _explanations(seen))
    if not best.changed and units(best.sold) < units(seen.recent) and _gone(seen.recent_changes):
        # Paid lines were bought. The counter rose by less, and a line is gone: something came back that no lines explain exactly.
        return Explanation(tuple(line for line in seen.recent if line.quantity), ())
    return best


def _explanations(seen: Observation) -> Iterator[Explanation | None]:
    """Yield what may have moved the counter, the best first: recent lines before old ones, the shop's statement before a choice."""
    for paid in (seen.recent, seen.paid):
        yield _as_stated(seen, paid)
        yield _as_named(seen, paid)


def _as_stated(seen: Observation, paid: Sequence[Line]) -> Explanation | None:
    """Return all paid and all edited lines, with deleted lines for the rest: what is on a line in the shop is a fact.

    So this is better than an explanation with fewer lines. Returns None if no line was edited, if the drift shows that the editor left the
    counter alone, or if the paid lines alone explain the counter and the edits only make up for lines that are gone.
    """
    changed, edited = seen.recent_changes, _edited(seen.recent_changes)
    if not edited:
        return None
    # Where the counter holds less than was paid for, by just what was taken off the lines, the editor moved it.
    counted = seen.moved < units(paid) and seen.moved == units(paid) + sum(change.units for change in edited)
    if _uncounted(seen.drift, changed) and not counted:
        return None
    gone = _just_gone(changed) if seen.drift else _gone(changed)
    told = _edited_and_gone(seen.moved - units(paid), changed, gone)
    if told is None or (len(told) > len(edited) and seen.moved == units(paid)):
        return None
    return Explanation(tuple(line for line in paid if line.quantity), told, stated=True)


def _as_named(seen: Observation, paid: Sequence[Line]) -> Explanation:
    """Return lines and changes that ``name`` chooses, but not changes that explain the drift, which would otherwise have no cause."""
    uncounted = _uncounted(seen.drift, seen.recent_changes)
    counted = [change for change in seen.recent_changes if change not in uncounted]
    return Explanation(*name(seen.moved, paid, counted, last=seen.added))


# Second: was the counter set back instead


def _was_reset(seen: Observation, best: Explanation) -> bool:
    """Return whether only the counter was set back. If goods had come back, the quantity would have risen by as much.

    It was not if a line was edited and the units on all lines are exactly what the quantity moved by.
    """
    if _edited(seen.changed) and by_quantity(seen.moved, seen.drift, seen.paid, seen.changed) is not None:
        return False
    return any(rule(seen, best) for rule in _RESETS)


def _fell_in_part(seen: Observation, best: Explanation) -> bool:
    """Return whether a counter that fell, but not to nothing, was reset: only if no lines explain the fall exactly, and the quantity moved
    by just what was bought since."""
    if seen.counter <= seen.bought or seen.moved >= 0 or best.units == seen.moved:
        return False
    return seen.rise == -seen.bought


def _lacks_all(seen: Observation, best: Explanation) -> bool:
    """Return whether a counter that fell, and holds more than lines name, was set to nothing before that was sold.

    Lines may seem to explain its fall: orders that went while it was set back. But then the sum would lack less, or nothing; unless a form
    was saved, which may have written over what came back.
    """
    if seen.form and best.units == seen.moved:
        return False
    return seen.counter > seen.bought and seen.moved < 0 and set_to_nothing(seen.booked, seen.drift, seen.recent)


def _fell_to_nothing(seen: Observation, best: Explanation) -> bool:
    """Return whether a counter that holds no more than was bought since was reset: it was if the quantity is nearer to that than to a
    return of goods.

    It was not if lines account for all of it and the quantity rose at all: goods came back, and a form may have undone the rest.
    """
    if seen.counter > seen.bought or seen.moved >= 0:
        return False
    borne_out = best.units == seen.moved and seen.rise > 0 and units(best.sold) == units(seen.paid)
    return not borne_out and 2 * seen.rise <= -seen.moved


def _rose_again(seen: Observation, _: Explanation) -> bool:
    """Return whether the counter was set to nothing, and rose to its old value or beyond: lines and quantity show it together."""
    if seen.counter > seen.bought or seen.moved < 0:
        return False
    return seen.drift < 0 and seen.booked <= -seen.drift and seen.rise == -seen.bought


_RESETS: tuple[Callable[[Observation, Explanation], bool], ...] = (
    _fell_in_part,
    _lacks_all,
    _fell_to_nothing,
    _rose_again,
)


def set_to_nothing(booked: int, drift: int, paid: Iterable[Line]) -> bool:
    """Return whether a sum lacks just what the counter held: what is booked, and perhaps the first of the sales that were paid for since.

    A counter that was set to nothing at any moment looks like that, whatever was sold after it.
    """
    ever = accumulate((line.quantity for line in sorted(paid, key=lambda line: line.line)), initial=booked)
    return booked > 0 and -drift in ever


# Third: how much of the explanation is booked after one look


def _at_first_glance(seen: Observation, best: Explanation) -> Explanation:
    """Return what the counter confirms at once. The rest has to be seen twice.

    Goods that come back raise the quantity by what the counter falls. If it did not rise by exactly that, a race destroyed a part of it, or
    only the counter was lowered. Then nothing is taken for a return yet, and an edit only if the shop states it all. An editor may also
    leave the counter alone: an edit is taken for counted only if lines explain all that the counter moved by.
    """
    if seen.drift or _in_part(best.changed, seen.recent_changes):
        certain = best.stated and all(change.gone or change.units > 0 for change in best.changed)
        kept = tuple(change for change in best.changed if certain and change.units > 0)
    elif best.units != seen.moved:
        kept = tuple(_gone(best.changed))
    else:
        kept = best.changed
    return Explanation(best.sold, kept)


def _in_part(explained: Sequence[LineChange], changed: Sequence[LineChange]) -> bool:
    """Return whether the explanation takes back an order without some line of it that is gone as well.

    A sale at the same moment reduces the return by as much, and its own line may still be missing, so this has to be seen twice.
    """
    back = {change.sold.order for change in explained if change.gone}
    return any(change.gone and change.sold.order in back and change not in explained for change in changed)


# What has to be seen twice


@dataclass(frozen=True, slots=True)
class Suspicion:
    """An amount that counts only if it is still there when the settling time has passed."""

    since: float  # seconds, monotonic clock of the controller
    amount: int  # the smallest seen since; never 0
    more: Suspicion | None = None  # a larger amount that was seen at every look since later

    def again(self, amount: int, now: float) -> Suspicion | None:
        """Return the suspicion after another look: the smaller amount counts, a change of sign starts over, and 0 ends it."""
        if amount == 0:
            return None
        if (amount > 0) != (self.amount > 0):
            return Suspicion(now, amount)
        if abs(amount) <= abs(self.amount):
            return Suspicion(self.since, amount)
        return Suspicion(self.since, self.amount, suspect(self.more, amount, now))

    def moved(self, units: int) -> Suspicion | None:
        """Return the suspicion once the books have followed, or the shop has lost, part of the amount: the rest is as old as it was."""
        more = self.more.moved(units) if self.more else None
        left = self.amount + units
        return Suspicion(self.since, left, more) if left * self.amount > 0 else more

    def settled(self, now: float, settle_seconds: float) -> bool:
        """Return whether it has been seen at least twice, one settling time apart."""
        return now - self.since >= settle_seconds


def suspect(known: Suspicion | None, amount: int, now: float) -> Suspicion | None:
    """Follow one amount from look to look."""
    if known is not None:
        return known.again(amount, now)
    return Suspicion(now, amount) if amount else None
