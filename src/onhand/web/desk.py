"""Reads the house for the first page and draws its regions as HTML.

Path: the page and the event stream ask a ``Desk``; it asks the books and ``view``, and fills the templates.
Promise: at most ``PAGE_ROWS`` items are read for a page, whatever the size of the store; every text is escaped.
Never: writes.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from onhand import __version__
from onhand.app import App, Books
from onhand.domain.oversell import oversell_in_words
from onhand.domain.stock import sku_key
from onhand.services import settings
from onhand.verbs import VERBS, office

from . import view

PAGE_ROWS = 50  # SKUs on one page
LATEST_ROWS = 12  # differences and movements shown
OPEN_ROWS = 1000  # open differences looked through for those that wait for a person
FRESH_SECONDS = 5  # a look not older than this is "just now"
COUNT_PAUSE = 10  # the counts over all listings are taken at most every so many times what they cost

HEAD = ("verdict", "carts")  # regions that age by themselves
BOOKS = ("stock", "differences", "movements")  # regions that change with a commit only

Html = dict[str, str]  # region → its inner HTML


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser shows: a search, and the SKU key after or before which its page lies."""

    search: str = ""
    after: str = ""
    before: str = ""

    def link(self, path: str, **changes: str) -> str:
        """The address of this, or of another page of the same search."""
        wanted = {"q": self.search} | (changes or {"after": self.after, "before": self.before})
        given = {name: value for name, value in wanted.items() if value}
        return f"{path}?{urlencode(given)}" if given else path


@dataclass(frozen=True, slots=True)
class Head:
    """The carts with their counts, and what holds for the whole program."""

    carts: list[dict[str, Any]]
    items: int
    synch_qoh: bool


class Desk:
    """One per process, shared by all browsers."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._head: Head | None = None
        self.head_mark: tuple[Any, ...] = ()  # what ``mark`` was when the counts were taken
        self._head_due = 0.0
        self._lock = threading.Lock()
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"when": _when, "ago": self._ago, "signed": _signed, "count": _count}
        self._templates.globals |= {"version": __version__}

    @property
    def mark(self) -> tuple[Any, ...]:
        """Changes whenever something was committed or a cart's state changed. Costs nothing to ask."""
        controller = self._app.controller
        pulses = controller.pulses() if controller else {}
        states = tuple((cart, pulse.in_step, pulse.trouble) for cart, pulse in pulses.items())
        return (self._app.database.version, controller is not None, states)

    def page(self, asked: Asked) -> str:
        """The whole page."""
        regions = self.regions(asked, (*HEAD, *BOOKS), fresh=True)
        risk = office.oversell(self._app)
        # Regions are HTML already and pass unescaped into the page; nothing else does.
        return self._draw(
            "page.html",
            asked=asked,
            regions=regions,
            title=self.title(),
            store=self._app.path,
            now=self._app.clock.now(),
            oversell=oversell_in_words(**risk) if risk else None,
        )

    def apology(self, message: str) -> str:
        """A page that says why there is none, and what to do."""
        return self._draw("apology.html", message=message)

    def regions(self, asked: Asked, names: tuple[str, ...], *, fresh: bool = False) -> Html:
        """Some regions of the page. ``fresh``: the counts are taken anew even if they were taken a moment ago."""
        head = self._current_head(fresh=fresh)
        given: dict[str, dict[str, Any]] = {}
        if "verdict" in names:
            given["verdict"] = {"verdict": self._verdict(head)}
        if "carts" in names:
            given["carts"] = {"cards": [view.card(cart) for cart in head.carts]}
        if set(names) & set(BOOKS):
            given |= self._app.read(lambda books: self._books(books, asked, head))
        return {name: self._draw(f"{name}.html", **given[name]) for name in names}

    def message(self, regions: Html) -> str:
        """These regions as one swap for the browser, and the title that goes with the verdict."""
        return self._draw("message.html", regions=regions, title=self.title() if "verdict" in regions else None)

    def title(self) -> str:
        """The verdict in the browser's tab."""
        return f"{self._verdict(self._current_head()).headline} · OnHand"

    def _verdict(self, head: Head) -> view.Verdict:
        driving = self._app.controller is not None
        return view.verdict(head.carts, head.synch_qoh, driving)

    def _current_head(self, *, fresh: bool = False) -> Head:
        """Taken when something changed, for all browsers together, and never so often that it becomes a load."""
        with self._lock:
            mark, begun = self.mark, time.monotonic()
            if self._head is None or (mark != self.head_mark and (fresh or begun >= self._head_due)):
                self._head = self._read_head()
                self.head_mark = mark
                self._head_due = time.monotonic() + COUNT_PAUSE * (time.monotonic() - begun)
            return _with_looks(self._app, self._head)

    def _read_head(self) -> Head:
        def read(books: Books) -> tuple[int, bool, Counter[str]]:
            open_ones = books.reports.differences(None, open_only=True, limit=OPEN_ROWS)
            to_decide = Counter(row["cart"] for row in open_ones if row["remedy"] == "ask")
            return books.reports.item_count(), bool(settings.values(books)["SynchQOH"]), to_decide

        items, synch_qoh, to_decide = self._app.read(read)
        carts = VERBS["cart_list"](self._app, _silent)["carts"]
        return Head([{**cart, "to_decide": to_decide[cart["name"]]} for cart in carts], items, synch_qoh)

    def _books(self, books: Books, asked: Asked, head: Head) -> dict[str, dict[str, Any]]:
        names = {cart["id"]: cart["name"] for cart in head.carts}
        latest = {
            row["id"]: row
            for row in books.reports.differences(None, open_only=True, limit=LATEST_ROWS)
            + books.reports.differences(None, open_only=False, limit=LATEST_ROWS)
        }
        return {
            "stock": self._stock(books, asked, head),
            "differences": {"rows": list(latest.values())[:LATEST_ROWS]},
            "movements": {"entries": books.ledger.of_item(None, LATEST_ROWS), "names": names},
        }

    def _stock(self, books: Books, asked: Asked, head: Head) -> dict[str, Any]:
        before, after = sku_key(asked.before), "" if asked.before else sku_key(asked.after)
        rows = books.reports.stock(asked.search, after, PAGE_ROWS + 1, before)
        more = len(rows) > PAGE_ROWS
        rows = (rows[-PAGE_ROWS:] if before else rows[:PAGE_ROWS]) if more else rows
        back, on = (more, True) if before else (bool(after), more)
        lines = [
            (row, [view.cell(row["shops"].get(c["id"]), row["on_hand"], c, head.synch_qoh) for c in head.carts])
            for row in rows
        ]
        return {
            "asked": asked,
            "carts": head.carts,
            "lines": lines,
            "items": head.items,
            "first": asked.link("/", after="") if back else None,
            "back": asked.link("/", before=rows[0]["key"]) if back and rows else None,
            "on": asked.link("/", after=rows[-1]["key"]) if on and rows else None,
        }

    def _draw(self, template: str, **given: Any) -> str:
        return self._templates.get_template(template).render(given)

    def _ago(self, at: str) -> str:
        """How long ago a time of this moment's page was."""
        seconds = int((self._app.clock.now() - datetime.fromisoformat(at)).total_seconds())
        if seconds < FRESH_SECONDS:
            return "just now"
        if seconds < 120:
            return f"{seconds} s ago"
        return f"{seconds // 60} min ago" if seconds < 7200 else f"{seconds // 3600} h ago"


def _with_looks(app: App, head: Head) -> Head:
    """Looks happen every second and change nothing else: they are taken from the pulses, not counted anew."""
    pulses = app.controller.pulses() if app.controller else {}
    carts = []
    for cart in head.carts:
        pulse = pulses.get(cart["id"])
        looked_at = pulse.looked_at.isoformat() if pulse and pulse.looked_at else cart["looked_at"]
        carts.append({**cart, "looked_at": looked_at})
    return Head(carts, head.items, head.synch_qoh)


def _when(at: str | datetime) -> str:
    """A time on the clock of this machine; with the day if it is another than today."""
    moment = (datetime.fromisoformat(at) if isinstance(at, str) else at).astimezone()
    today = datetime.now(moment.tzinfo).date() == moment.date()
    return f"{moment:%H:%M:%S}" if today else f"{moment.day} {moment:%b %H:%M}"


def _signed(units: int) -> str:
    """A change, with its sign."""
    return "0" if units == 0 else f"{'+' if units > 0 else '−'}{abs(units):,}"


def _count(units: int) -> str:
    return f"{'−' if units < 0 else ''}{abs(units):,}"


def _silent(what: str, done: int, of: int) -> None:
    """Reading has no progress to report."""
