"""The controller's memory of a cart between two looks: when all was last right, and what is suspected since.

Path: ``app`` keeps one ``Memory`` per cart; a tick hands it to ``looking``, ``weighing`` and ``remedying``, which change it in place: if
the shop fails in the middle of a tick, what was learned until then is kept.
Promise: losing it costs one settling time and nothing else.
Never: decides anything.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from onhand.domain import law
from onhand.domain.doubts import DOUBTS
from onhand.domain.lines import LineChange, edited_before
from onhand.domain.sketch import Counters

from .ports import Clock

PAST = timedelta(hours=24)  # the longest time that anything is remembered, or asked of the books, as evidence
SUMS_TIMED = 5  # how many of the latest sums show their cost

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment by both clocks. The time of day can be set back or forward; monotonic time tells how long ago it was."""

    at: datetime
    monotonic: float

    @classmethod
    def now(cls, clock: Clock) -> Moment:
        return cls(clock.now(), clock.monotonic())

    def since(self, now: Moment) -> timedelta:
        """Return how long ago it was."""
        return timedelta(seconds=now.monotonic - self.monotonic)


@dataclass(frozen=True, slots=True)
class Edit:
    """Units on an order line that was edited, when they were first seen there (monotonic), and the product's drift that was seen before
    the edit was made; 0 if there was none."""

    units: int
    since: float
    drift: int = 0


@dataclass
class Memory:
    """The controller's memory of a cart between two looks. Losing it costs one settling time and nothing else."""

    suspicions: dict[tuple[int, str], law.Suspicion] = field(default_factory=dict)
    incomplete: dict[int, float] = field(default_factory=dict)  # lines without a product: monotonic, when first seen
    misled: int = 0  # how often cells named a product that did not differ, since the sums last matched
    witnessed: dict[int, Moment] = field(default_factory=dict)  # the last good look before a product was suspected
    lacking: dict[int, int] = field(
        default_factory=dict
    )  # a product's counter when some of its units first had no line
    edited: dict[int, dict[int, Edit]] = field(
        default_factory=dict
    )  # by product and line: edits that are not booked yet
    asked: dict[int, float] = field(default_factory=dict)  # when the lines of a product were asked about, monotonic
    paid: dict[int, float] = field(default_factory=dict)  # when a waiting line was seen to be paid, monotonic
    looked_at: Moment | None = None
    left: dict[int, Moment] = field(
        default_factory=dict
    )  # the last good look before a product stopped being followed, because its name changed
    resumed: dict[int, float] = field(default_factory=dict)  # when it was followed again, monotonic
    lines_read: tuple[float, float] = (
        -math.inf,
        -math.inf,
    )  # when lines were last compared, and the time before that, monotonic
    sums_due: float = 0.0  # monotonic
    sums_rested: float = 0.0  # monotonic: before this, sums would cost the shop more than their share
    sums_ms: deque[float] = field(default_factory=lambda: deque(maxlen=SUMS_TIMED))  # how long the latest sums took
    catalogue_due: float = 0.0  # monotonic
    cells_due: float = 0.0  # monotonic
    hello_due: float = 0.0  # monotonic; 0: not looked yet
    behind: bool = False  # the last look did not read all new lines
    lowered: dict[int, int] = field(
        default_factory=dict
    )  # units by which a counter fell while a race's drift shrank by as many
    nameless: dict[int, float] = field(
        default_factory=dict
    )  # when a product's units were last booked without a line, monotonic

    def clear(self, products: Collection[int] | None, doubtful: Container[int]) -> None:
        """End all suspicions against these products (None: against all), except the doubtful ones."""
        for product, what in list(self.suspicions):
            if (products is None or product in products) and product not in doubtful:
                del self.suspicions[product, what]
        self.trust(products, doubtful)

    def trust(self, products: Collection[int] | None = None, doubtful: Container[int] = ()) -> None:
        """Note that these products (None: all) are right, except the suspected and the doubtful ones: what comes now is later.

        Nothing is known yet of a product that is followed again since the look began.
        """
        for product in {*self.witnessed, *self.edited}:
            known = self.resumed.get(product, -math.inf) < self.lines_read[0]
            concerned = products is None or product in products
            if known and concerned and product not in doubtful and not self.suspects(product):
                self.witnessed.pop(product, None)
                self.edited.pop(product, None)
                self.resumed.pop(product, None)

    def suspect(self, product: int, what: str, suspicion: law.Suspicion | None, good: Moment) -> None:
        """Remember a doubt about a product; None ends it. ``good``: when the product was last seen right, if nothing was suspected yet."""
        if suspicion is None:
            self.suspicions.pop((product, what), None)
        else:
            self.suspicions[product, what] = suspicion
            self.witnessed.setdefault(product, good)

    def leave(self, products: Collection[int], now: Moment) -> None:
        """Note that these products are not followed any more."""
        for product in products:
            self.left.setdefault(product, self.looked_at or now)

    def resume(self, products: Collection[int], now: Moment) -> None:
        """Note that these products are followed again: they were last right before they left. After a restart, that may be long ago."""
        for product in products:
            long_ago = Moment(now.at - PAST, now.monotonic - PAST.total_seconds())
            self.witnessed[product] = self.left.pop(product, long_ago)
            self.resumed[product] = now.monotonic

    def suspects(self, product: int) -> bool:
        """Return whether anything is suspected of a product."""
        return any((product, what) in self.suspicions for what in DOUBTS)

    def doubted(self) -> dict[int, Counters]:
        """Return by how much the quantity and the counter of each product that is in doubt have moved without us, as far as was seen."""
        found: dict[int, Counters] = {}
        for (product, what), suspicion in self.suspicions.items():
            if what == "drift":
                found[product] = Counters(suspicion.amount, 0)
            elif what == "reset":
                found[product] = Counters(0, -suspicion.amount)
        return found

    @property
    def doubts_edits(self) -> bool:
        """Return whether an edit was seen that has not settled yet."""
        return any(edits and self.suspects(product) for product, edits in self.edited.items())

    def settled(self, product: int, now: Moment, settle_seconds: float) -> dict[str, int]:
        """Return the doubts about a product that have lasted the settling time, each by the smallest amount seen."""
        known = {what: self.suspicions.get((product, what)) for what in DOUBTS}
        return {
            what: suspicion.amount
            for what, suspicion in known.items()
            if suspicion is not None and suspicion.settled(now.monotonic, settle_seconds)
        }

    def note_edited(self, product: int, found: Sequence[LineChange], now: float, asked: bool) -> list[LineChange]:
        """Remember the units on a product's edited lines; return the changes, with an edit and a deletion as two steps.

        ``asked``: the shop was asked about the product's lines, after its row was read.
        """
        known = self.edited.setdefault(product, {})
        changes = edited_before(found, {line: edit.units for line, edit in known.items()})
        doubt = self.suspicions.get((product, "drift"))
        older = doubt is not None and self._seen_before_edits(product, doubt)
        if asked:
            self.asked[product] = now
        for change in changes:
            line = change.sold.line
            if not change.gone and (line not in known or known[line].units != change.now):
                known[line] = Edit(change.now, now, doubt.amount if doubt is not None and older else 0)
        return changes

    def _seen_before_edits(self, product: int, doubt: law.Suspicion) -> bool:
        """Return whether a doubt is older than edits that show only now. Those were made after the lines were read before this look; or,
        if the last look asked about the product's lines as well, after it had read the product's row."""
        this, last = self.lines_read
        return doubt.since < last or (doubt.since < this and self.asked.get(product, -math.inf) >= last)

    def first_seen(self, product: int, what: str, now: Moment) -> datetime:
        """Return when a doubt about a product was first seen; now if there is none."""
        known = self.suspicions.get((product, what))
        return now.at - timedelta(seconds=now.monotonic - known.since) if known else now.at

    def came_later(self, product: int, one: str, other: str) -> bool:
        """Return whether one doubt about a product was first seen at a later look than the other."""
        first, second = self.suspicions.get((product, one)), self.suspicions.get((product, other))
        return first is not None and second is not None and first.since > second.since

    def seconds_since_look(self, now: Moment) -> float:
        """Return how long ago the whole shop was last seen to be right; infinity if that is not known."""
        return self.looked_at.since(now).total_seconds() if self.looked_at is not None else math.inf

    def read_lines(self, now: float) -> None:
        """Note that a look begins to compare lines."""
        self.lines_read = now, self.lines_read[0]

    def hurry(self) -> None:
        """Ask for sums at the next look, if affordable by then: the shop reports a sale, and sums confirm it."""
        self.sums_due = min(self.sums_due, self.sums_rested)
