"""The floor plan: what the services need from the outside, as protocols.

Path: services are written against these; ``carts`` and ``storage`` implement them; ``app`` puts them together.
Promise: every verb of a cart is one bounded request, and safe to repeat.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from onhand.domain.carts import Cart, Settings
from onhand.domain.differences import Difference, Finding
from onhand.domain.importing import Since
from onhand.domain.listings import Direction, Left, Listing, Tie
from onhand.domain.numbering import Place
from onhand.domain.posts import Batch, Due, State
from onhand.domain.shop import Applied, Change, Hello, Line, Look, Page, Row
from onhand.domain.sketch import Cell, Counters, Sums
from onhand.domain.stock import Entry, Kind, Movement
from onhand.domain.tasks import Task, TaskLine, TaskState

from .buying_ports import PurchaseBook
from .line_ports import LineBook
from .office_ports import AuditBook, FigureBook, PeopleBook, ReportBook, RequestBook
from .stock_ports import CountBook, InventoryBook, ItemBook, MappingBook, OrderBook, PhoneOrderBook
from .webhook_ports import WebhookBook

T = TypeVar("T")

ROWS_MAX = 2000  # rows, lines, ids or posts in one request; the protocol's limit
LISTINGS_MAX = 200_000  # products of one shop


class Shop(Protocol):
    """One connected shop, reached through a connector. Not safe for use by two threads at once.

    Every method raises ``Retriable`` (try later), ``Permanent`` (a person must change something there) or
    ``Conflict`` (the shop is in another epoch or at another sequence number), with the fact ``reason``.
    What it returns was checked (``carts.answers``): numbers are bounded, and a page rises above what was asked for.
    """

    def hello(self, fresh_epoch_after: str | None = None) -> Hello:
        """Who is there. With ``fresh_epoch_after`` equal to the current epoch, a new epoch is begun."""

    def look(self, after: int, low: int, limit: int, sums: bool, catalogue: bool) -> Look:
        """Order lines above ``after``, the window (low, after], and the sums if asked for."""

    def cells(self, size: int) -> Sequence[Cell]:
        """The 3·size cells over all products."""

    def listings(self, after: int, limit: int) -> Page:
        """Products with id above ``after`` in id order, at most ``limit``."""

    def rows(self, products: Sequence[int]) -> tuple[Row, ...]:
        """Those of the named products that exist. At most ``ROWS_MAX``."""

    def orders(self, lines: Sequence[int]) -> tuple[Line, ...]:
        """Those of the named order lines that still exist. At most ``ROWS_MAX``."""

    def apply(self, epoch: str, first: int, changes: Sequence[Change], close: bool = False) -> Applied:
        """Apply one batch, numbered from ``first``; with ``close``, end an unfinished one without applying it."""

    def disconnect(self) -> None:
        """Let go of sockets; the next call connects again."""


class Clock(Protocol):
    """Time, passed in so that a simulation can hold it."""

    def now(self) -> datetime:
        """The time, UTC-aware, for people and evidence."""

    def monotonic(self) -> float:
        """Seconds that never jump, for waiting and settling."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class Ledger(Protocol):
    """Movements."""

    def append(self, movements: Sequence[Movement], at: datetime) -> None:
        """Write movements. Raises Conflict if an origin is booked already. Called by ``bookkeeping.book`` only."""

    def booked(self, origins: Sequence[str]) -> set[str]:
        """Those of the origins that are booked."""

    def last(self) -> int:
        """The id of the newest movement, 0 if none."""

    def of_item(
        self,
        item: int | None,
        limit: int,
        before: int | None = None,
        kind: Kind | None = None,
        cart: int | None = None,
        person: str = "",
    ) -> list[Entry]:
        """Movements, newest first, of one item or of all; of a kind, a cart or a person if named."""

    def since(self, items: Sequence[int], movement: int) -> dict[int, Since]:
        """What was booked for each of these items after a movement. An import of an export of that moment is no other count."""

    def history(self, item: int, points: int) -> list[tuple[datetime, int]]:
        """The balance at so many moments at most, oldest first, the newest among them: what it was right after a movement."""

    def trade_of(self, cart: int, item: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        """What one cart's trade moved of an item, newest first: when booked, signed units."""

    def trade_elsewhere(self, cart: int, after: int) -> dict[int, int]:
        """Per item, the signed units that other carts' sales and cancellations moved after a movement id."""

    def refold(self) -> list[tuple[str, int, int]]:
        """Items whose balance is not the sum of their movements: SKU, balance, sum."""


class CartBook(Protocol):
    """Carts."""

    def add(self, settings: Settings, at: datetime) -> int: ...
    def all(self) -> list[Cart]: ...
    def get(self, cart: int) -> Cart: ...
    def named(self, name: str) -> Cart:
        """Raises Refused, with the names there are, if there is none of that name."""

    def edit(self, cart: int, settings: Settings) -> None: ...
    def revise(self, cart: int) -> None:
        """A person edited the settings."""

    def remove(self, cart: int) -> None:
        """Forget the cart and its listings. Movements that came from it stay."""

    def greet(self, cart: int, hello: Hello) -> None:
        """Remember what kind of shop answered."""

    def align(self, cart: int, epoch: str, next_seq: int, line: int, sums: Sums) -> None:
        """Begin a new baseline. Nothing before ``line`` is a sale. Clears a halt; leaves ``synchronize`` alone.

        The shop's figure for the listing set is forgotten: the products are read once more, since some may have changed meanwhile.
        """

    def settle_alignment(self, cart: int, movement: int, by: Direction, at: datetime) -> None:
        """Both sides are equal as of this movement, by Send or by Get."""

    def advance(self, cart: int, line: int) -> None: ...
    def begin_again(self, cart: int, place: Place) -> None:
        """The shop's line numbers began again: go on reading from this place."""

    def move_sums(self, cart: int, change: Sums) -> None: ...
    def remember_catalogue(self, cart: int, catalogue: str) -> None: ...
    def take_seqs(self, cart: int, count: int) -> None:
        """The next numbers are taken by a batch; whatever was booked so far is marked by it."""

    def owe_mark(self, cart: int) -> None:
        """What the shop did by itself was booked: its next post number has to move past that."""

    def switch(self, cart: int, synchronize: bool) -> None: ...
    def halt(self, cart: int, reason: str | None) -> None: ...
    def report(
        self,
        cart: int,
        looked_at: datetime | None,
        in_step_at: datetime | None,
        trouble: str | None,
        trouble_since: datetime | None,
    ) -> None: ...


class ListingBook(Protocol):
    """Listings."""

    def of(self, cart: int, products: Sequence[int]) -> dict[int, Listing]: ...
    def all(self, cart: int) -> list[Listing]: ...
    def by_id(self, listings: Sequence[int]) -> dict[int, Listing]: ...
    def insert(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie], aligned: bool) -> None:
        """New listings whose counters are what the rows show."""

    def rebase(self, cart: int, rows: Sequence[Row]) -> None:
        """Take over what the rows show, counters included, and forget what was held, parked and switched off."""

    def describe(self, cart: int, rows: Sequence[Row], ties: Mapping[int, Tie]) -> None:
        """Take over everything the rows show but the counters. A listing whose item changed is not aligned any more."""

    def forget(self, cart: int, products: Sequence[int]) -> None:
        """These products are gone from the shop."""

    def tie(self) -> None:
        """Tie the unmatched listings of all carts to the items that have their SKU by now."""

    def alike(self, keys: Sequence[str], items: Sequence[int]) -> list[Listing]:
        """Of all carts, what has one of these SKU keys, or is tied to one of these items by its SKU or by choice."""

    def settle(self, listings: Sequence[int], chosen: int | None, ignored: bool) -> None:
        """What a person wants to be tied to what; ``retie`` has to follow."""

    def retie(self, ties: Mapping[int, Tie]) -> None:
        """Give listings, by id, another tie than they have. They are not aligned any more, and nothing waits for them."""

    def leave(self, listing: int, left: Left | None) -> None:
        """Note where a listing was when it stopped being followed; None: forget that."""

    def resume(self, listing: int) -> None:
        """Follow a listing again from where it was left."""

    def align(self, cart: int, listings: Sequence[int]) -> None:
        """Both sides are, or are about to be made, equal for these."""

    def trade(self, cart: int, units: Mapping[int, int]) -> None:
        """Move counters by signed units per product, as trade does: the sum stays."""

    def drift(self, listing: int, amount: int, ordered: int, held: int) -> None:
        """The shop's sum moved by itself. ``ordered`` of it was the counter, ``held`` of it waits for a person."""

    def lack_name(self, listing: int, units: int) -> None:
        """So many more (negative: fewer) units were booked as sold with no line to name them."""

    def release(self, listing: int, amount: int) -> None:
        """A person decided about ``amount`` units that were held."""

    def note_shop(self, listing: int, row: Row, modified: str | None, off_by_sale: bool, emptied: bool) -> None:
        """Take over whether the shop has it switched on, and whether it went off with nothing left."""

    def switch_on(self, listings: Sequence[int], on: bool) -> None:
        """A person wants these on again with the next post; or (not ``on``) left off, whatever switched them off."""

    def announce(self, items: Sequence[int]) -> set[int]:
        """Make the listings of these items news, parked ones too: their next post is another one. The carts that have some."""

    def announce_listings(self, listings: Sequence[int]) -> None: ...
    def give_up(self, listings: Sequence[int]) -> None:
        """Both sides are not equal for these after all, and nothing is posted until they are aligned again."""

    def due(self, cart: int, limit: int) -> list[Due]:
        """Listings with news, in item order, so that rows are always locked in one order."""

    def carrier(self, cart: int) -> Due | None:
        """Any one listing that is kept in step, to carry a mark."""

    def clear_news(self, listings: Sequence[int]) -> None: ...
    def landed(self, cart: int, epoch: str, first: int, last: int) -> None:
        """Add the applied posts of a batch to the sums of their listings."""

    def park(self, listing: int, reason: str, at: datetime, person: str | None = None) -> None:
        """Post nothing for it until something new is booked, or if a person wants it so, until it is released."""

    def unpark(self, listings: Sequence[int]) -> None:
        """Post for them again what is due by now."""

    def parked(self, cart: int) -> list[Listing]: ...
    def cells(self, cart: int, size: int) -> list[Cell]: ...
    def sums(self, cart: int) -> Sums:
        """The five sums, added up anew."""


class PostBook(Protocol):
    """Posts."""

    def add(self, cart: int, batch: Batch, at: datetime) -> None: ...
    def knows_epoch(self, cart: int, epoch: str) -> bool:
        """Whether the cart has posted in this epoch, now or earlier."""

    def pending(self, cart: int) -> Batch | None:
        """The one batch of this cart that is not settled."""

    def last(self, cart: int) -> Batch | None:
        """The batch with the highest numbers of the current epoch, settled or not."""

    def settle(self, cart: int, batch: Batch, failed: Mapping[int, State], at: datetime) -> None:
        """Note the outcome. ``failed`` maps product to state; all others were applied."""

    def of_listing(self, listing: int, since: datetime, limit: int) -> list[tuple[datetime, int]]:
        """Applied posts, newest first: when settled, signed units."""


class DifferenceBook(Protocol):
    """Differences."""

    def open(
        self,
        cart: int,
        listing: int | None,
        finding: Finding,
        amount: int,
        seen: Counters,
        expected: Counters,
        at: datetime,
        note: str = "",
    ) -> int: ...
    def close(self, difference: int, at: datetime, note: str) -> None: ...
    def close_healed(self, listings: Sequence[int], at: datetime) -> None:
        """The posts that heal these listings took effect."""

    def close_listings(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """These were tied anew: what was open about them is settled by that."""

    def close_shown(self, listings: Sequence[int], at: datetime, note: str) -> None:
        """What was only shown about these listings is over; what waits for a person goes on waiting."""

    def close_cart(self, cart: int, at: datetime, note: str, listings: Sequence[int] | None = None) -> None:
        """The cart, or these listings of it, were aligned: what was open there is settled by that."""

    def awaiting(self, listing: int, amount: int) -> int | None:
        """The difference of this listing and amount that waits for a person, if there is one."""

    def get(self, difference: int) -> Difference: ...
    def restored(self, cart: int) -> bool:
        """Return whether this shop, or our own store, was ever put back to a backup."""

    def heals(self, listing: int, since: datetime) -> int:
        """How often a listing was healed for causes that trade does not explain."""


class ParameterBook(Protocol):
    """System parameters, as texts."""

    def get(self) -> dict[str, str]: ...
    def set(self, name: str, value: str, person: str, at: datetime) -> None: ...


class TaskBook(Protocol):
    """Long work."""

    def start(self, verb: str, cart: int | None, arguments: str, person: str, at: datetime) -> int:
        """A new task, running; its id. The oldest are forgotten."""

    def end(self, task: int, state: TaskState, result: str | None, message: str, at: datetime) -> None: ...
    def running(self) -> list[int]: ...
    def add_lines(self, task: int, first: int, lines: Sequence[TaskLine]) -> None:
        """What came of some SKUs, numbered from ``first``."""

    def get(self, task: int) -> Task: ...
    def latest(self, limit: int, before: int | None = None, cart: int | None = None) -> list[Task]:
        """Newest first, from below a number; of one cart if named."""

    def lines(self, task: int, result: str | None, after: int, limit: int) -> list[tuple[int, TaskLine]]:
        """Numbered lines above ``after``, with this result if named."""


class Books(Protocol):
    """One open transaction with all the books in it."""

    @property
    def items(self) -> ItemBook: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def carts(self) -> CartBook: ...
    @property
    def counts(self) -> CountBook: ...
    @property
    def listings(self) -> ListingBook: ...
    @property
    def lines(self) -> LineBook: ...
    @property
    def posts(self) -> PostBook: ...
    @property
    def differences(self) -> DifferenceBook: ...
    @property
    def mappings(self) -> MappingBook: ...
    @property
    def parameters(self) -> ParameterBook: ...
    @property
    def phone_orders(self) -> PhoneOrderBook: ...
    @property
    def inventory(self) -> InventoryBook: ...
    @property
    def orders(self) -> OrderBook: ...
    @property
    def purchases(self) -> PurchaseBook: ...
    @property
    def audit(self) -> AuditBook: ...
    @property
    def people(self) -> PeopleBook: ...
    @property
    def figures(self) -> FigureBook: ...
    @property
    def reports(self) -> ReportBook: ...
    @property
    def requests(self) -> RequestBook: ...
    @property
    def tasks(self) -> TaskBook: ...
    @property
    def webhooks(self) -> WebhookBook: ...
    def tell(self, carts: Iterable[int]) -> None:
        """Wake the controllers of these carts once this transaction is committed."""


class Store(Protocol):
    """Our database."""

    def write(self, unit: Callable[[Books], T]) -> T:
        """Run a unit of work alone and commit it durably, or leave nothing of it. No network inside."""

    def read(self, unit: Callable[[Books], T]) -> T:
        """Run reading work on one consistent snapshot."""


@dataclass(frozen=True, slots=True)
class House:
    """What every service needs."""

    store: Store
    clock: Clock
