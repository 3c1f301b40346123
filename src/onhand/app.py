"""Puts the house together: the only place that knows storage and carts.

Path: ``cli`` (directly or through ``serving.server``) opens an ``App`` and calls verbs with it.
Promise: while an App is open, this process owns the store data file.
Never: contains a rule.
"""

from __future__ import annotations

import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from onhand.carts import mysql_rights, signing
from onhand.carts.endpoint import Endpoint, completed
from onhand.carts.mysql import MySql
from onhand.carts.mysql_server import Address
from onhand.clock import SystemClock
from onhand.domain.carts import Cart, Settings
from onhand.domain.errors import Permanent, Refused, Retriable
from onhand.domain.people import Caller
from onhand.domain.states import Watch
from onhand.lock import Ownership
from onhand.passwords import Passwords
from onhand.running.controller import Controller
from onhand.running.messenger import HttpMessenger
from onhand.running.sender import Sender
from onhand.running.tasks import Tasks
from onhand.services.auditing import Audited
from onhand.services.collecting import Memory
from onhand.services.gate import Gate
from onhand.services.ports import Clock, House, Shop
from onhand.storage.books import SqlBooks
from onhand.storage.database import Database

T = TypeVar("T")
CART_SECONDS = 10.0  # how long a verb waits while others speak to the same shop
ALIGN_SECONDS = 600.0  # the same for long work, which waits on a thread of its own
Books = SqlBooks  # for those who ask the books and need not know what keeps them


class App:
    """An open house. A context manager."""

    def __init__(self, store: Path, role: str, clock: Clock | None = None, key_file: Path | None = None) -> None:
        """Raises Owned if another process has the file, Refused if it is not a store data file of this program."""
        self.path = store
        if not store.exists():
            raise Refused(f"There is no store data file {store}: make one with `onhand init`.", path=str(store))
        self.ownership = Ownership(store, role)
        try:
            self.database = Database(store, self._on_news, key_file)
        except BaseException:
            self.ownership.release()
            raise
        self.clock: Clock = clock or SystemClock()
        self.house = House(self.database, self.clock)
        self.controller: Controller | None = None
        self.messenger = HttpMessenger()
        self.sender: Sender | None = None
        self.gate = Gate(Passwords())
        self.caller = Caller.local()  # who asks; see ``acting``
        self.tasks = Tasks(self.house)
        self.run = secrets.token_hex(8)  # tells this run from one that has a copy of the store
        self._locks: defaultdict[int, threading.Lock] = defaultdict(threading.Lock)
        self._memories: defaultdict[int, Memory] = defaultdict(Memory)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop long work and the controller, finish what is being written, give the file back."""
        self.tasks.close()
        if self.controller is not None:
            self.controller.stop()
        if self.sender is not None:
            self.sender.stop()
        self.database.close()
        self.ownership.release()

    def start_controller(self) -> Controller:
        """Begin to drive the carts that are switched on."""
        self.controller = Controller(self.house, self._open_driven, self._locks.__getitem__, self._memories.__getitem__)
        self.controller.start()
        return self.controller

    def start_sender(self) -> None:
        """Begin to tell webhooks."""
        self.sender = Sender(self.house, self.messenger, self.watch)
        self.sender.start()

    def watch(self) -> Watch:
        """Return who looks at the shops at this moment."""
        pulses = self.controller.pulses() if self.controller else None
        return Watch(self.clock.now(), self.clock.monotonic(), pulses, self.tasks.at_work_on())

    def read(self, question: Callable[[SqlBooks], T]) -> T:
        """Ask the books, reports included."""
        return self.database.read(question)

    def acting(self, caller: Caller, verb: str, arguments: Mapping[str, Any], key: str | None) -> Self:
        """The same house, as one caller sees it for the length of one verb: what is written is noted with his name."""
        acting = copy(self)
        audited = Audited(self.database, self.clock, caller, verb, arguments, key)
        acting.house, acting.caller = House(audited, self.clock), caller
        return acting

    def open_shop(self, cart: Cart, moved: Callable[[], None] | None = None) -> Shop:
        """The connector of a cart. ``moved`` is called when its row log shows that something moved, if its address asks for that."""
        own, secret = cart.settings, unlocked(cart)
        if not secret:
            command = "password" if own.direct else "key"
            raise Refused(
                f"{cart.name} has no {command} yet: give it one with `onhand cart {command} {cart.name!r}`.",
                cart=cart.name,
            )
        if own.direct:
            return MySql(
                own.url,
                secret,
                clock=self.clock.monotonic,
                allow_plain=own.allow_http,
                moved=moved,
                holder=self.run,
            )
        return Endpoint(
            own.url,
            own.key_id,
            secret,
            clock=lambda: self.clock.now().timestamp(),
            allow_http=own.allow_http,
            holder=self.run,
        )

    @contextmanager
    def at_cart(self, cart: Cart, patience_seconds: float | None = None) -> Iterator[tuple[Shop, Memory]]:
        """A cart's shop and memory, while nobody else of this process speaks to it: at most one request is ever in flight.

        Raises Retriable if others speak to it for longer, ``CART_SECONDS`` unless told otherwise: a slow shop must not keep everybody's
        threads waiting.
        """
        lock = self._locks[cart.id]
        if not lock.acquire(timeout=CART_SECONDS if patience_seconds is None else patience_seconds):
            raise Retriable(
                f"{cart.name} is busy: a look, a test or an alignment waits for its shop. Nothing was done, try again in a moment.",
                reason="busy",
                cart=cart.name,
            )
        try:
            shop = self.open_shop(cart)
            try:
                yield shop, self._memories[cart.id]
            finally:
                shop.disconnect()
        finally:
            lock.release()

    def _open_driven(self, cart: Cart) -> Shop:
        return self.open_shop(cart, lambda: self.controller.look_now(cart.id) if self.controller else None)

    def _on_news(self, carts: set[int]) -> None:
        if self.controller is not None:
            self.controller.wake(carts)


def with_whole_address(settings: Settings) -> Settings:
    """The settings with the connector file in their address. Raises Refused, with a proposal, if another page is named there."""
    try:
        return settings if settings.direct else replace(settings, url=completed(settings.url))
    except Permanent as error:
        raise Refused(error.message, **{**error.facts, "url": settings.url}) from error


def check_address(settings: Settings) -> None:
    """Raises Refused if a connector cannot be reached at this address as the cart is set."""
    try:
        if settings.direct:
            Address.of(settings.url)
        else:
            key_id, secret = signing.new_key()
            Endpoint(settings.url, key_id, secret, clock=lambda: 0.0, allow_http=settings.allow_http).disconnect()
    except Permanent as error:
        # An address with a password in it is not repeated.
        raise Refused(error.message, **{**error.facts, "url": "" if settings.direct else settings.url}) from error


def with_its_secret(now: Settings, before: Settings) -> Settings:
    """The settings as they are to be kept: a password is sent only to the server, and for the user, that it was entered for, and a key
    is no password. Raises what ``check_address`` raises."""
    check_address(now)
    if _login(now) == _login(before):
        return now
    return replace(now, key_id="", secret="")


def grants(cart: Cart, host: str, prefix: str | None) -> tuple[dict[str, list[str]], str | None]:
    """Return the rights that a direct cart's user needs, as statements, and the table prefix they are for; None: it is not known."""
    address = Address.of(cart.settings.url)
    known = prefix if prefix is not None else address.prefix
    if known is None and cart.hello:
        known = cart.hello.prefix
    return mysql_rights.grants(address, known or "", host), known


def grants_text(statements: dict[str, list[str]], prefix: str | None) -> str:
    """The same as a script."""
    return mysql_rights.as_text(statements, prefix)


def _login(settings: Settings) -> object:
    return Address.of(settings.url).login if settings.direct else None


def new_key() -> tuple[str, str]:
    """A fresh key id and secret for a cart."""
    return signing.new_key()


def unlocked(cart: Cart) -> str:
    """The secret of a cart, blank if it has none yet. Raises Permanent if no key of the key file opens it."""
    if cart.settings.secret is None:
        name = repr(cart.name)
        what, advice = "key", f"make a new key with `onhand cart key {name} --renew`"
        if cart.settings.direct:
            what, advice = "password", f"give it again with `onhand cart password {name}`"
        raise Permanent(
            f"The {what} of {cart.name} is sealed, and the key file does not open it: put the right key file back, or {advice}.",
            reason="key_file",
            cart=cart.name,
        )
    return cart.settings.secret


def hint_is_from(cart: Cart | None, path: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Whether the shop of this cart sent that, a moment ago. A cart that is not there, or has no key, sent nothing."""
    known = (cart.settings.key_id, cart.settings.secret) if cart is not None and not cart.settings.direct else ("", "")
    key_id, secret = known if known[1] else signing.new_key()
    try:
        created = signing.Key.of(key_id, secret or "").check_request(path, body, headers)
    except signing.Wrong:
        return False
    return abs(now.timestamp() - created) <= signing.SKEW_SECONDS


def key_file(cart: Cart, prefix: str, hint_url: str) -> str:
    """The text of the ``onhand-key.php`` that goes into the shop of this cart. ``hint_url``: where it hints at a sale, or blank."""
    return signing.key_file(cart.settings.key_id, unlocked(cart), cart.settings.allow_http, prefix, hint_url)
