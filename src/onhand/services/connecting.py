"""Connects carts: adds, edits and removes them, makes keys, keeps passwords, and lists the rights a database user needs.

Path: the verbs of carts → here → the book of carts; ``ports.Connectors`` knows addresses and keys.
Promise: only settings with which a connector can be reached are kept; an edit of an older page is a conflict; a password that was
entered for one server or user is dropped when either changes.
Never: speaks to a shop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from onhand.domain.carts import Cart, Settings
from onhand.domain.errors import Conflict, Refused

from . import settings
from .ports import Books, Connectors, Grants, House

KEY_SECRET = re.compile(r"([0-9a-fA-F]{64})?")
LEAST_SECONDS = {"tick_seconds": 0.05, "settle_seconds": 0.1}
SYSTEM_VALUES = ("batch_size", "tick_seconds", "settle_seconds")  # 0 means the system parameter


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The key of a cart in the form that goes into the shop."""

    key_id: str
    text: str  # the text of ``onhand-key.php``
    hint_url: str  # where the shop reports a sale; blank for none


def add(house: House, connectors: Connectors, wanted: Settings) -> Cart:
    """Add a cart. Raise Refused if its name, address or secret is invalid."""
    checked = _checked(connectors, wanted)
    if not checked.direct and not KEY_SECRET.fullmatch(checked.secret or ""):
        raise Refused("A key's secret has 64 hexadecimal digits; leave it out to have one made.", secret="")

    def write(books: Books) -> Cart:
        return books.carts.get(books.carts.add(checked, house.clock.now()))

    return house.store.write(write)


def edit(house: House, connectors: Connectors, cart: Cart, changes: Mapping[str, Any], seen: int | None = None) -> Cart:
    """Change settings of a cart. ``changes``: new values by the name of the setting; 0 for a number of ``SYSTEM_VALUES`` means the system
    parameter. ``seen``: the revision that the caller saw.

    Raises Refused if the settings are invalid, Conflict if the cart was edited since it was seen.
    """
    changed: dict[str, Any] = {
        name: None if name in SYSTEM_VALUES and value == 0 else value for name, value in changes.items()
    }
    for name, least in LEAST_SECONDS.items():
        value = changed.get(name)
        if value is not None and value < least:
            raise Refused(f"It is at least {least}, or 0 for the system's.", **{name: value})
    checked = _checked(connectors, replace(cart.settings, **changed))
    if "url" in changed:
        changed["url"] = checked.url

    def write(books: Books) -> Cart:
        current = books.carts.get(cart.id)
        if seen not in (None, current.revision):
            raise Conflict(
                f"{current.name} was changed since you opened it: look at the current values.",
                reason="stale",
                current=_as_entered(current.settings),
            )
        books.carts.edit(cart.id, _with_its_secret(connectors, replace(current.settings, **changed), current.settings))
        books.carts.revise(cart.id)
        if changed.get("buffer", current.settings.buffer) != current.settings.buffer:
            books.listings.announce_listings([x.id for x in books.listings.all(cart.id) if x.tracked])
        return books.carts.get(cart.id)

    return house.store.write(write)


def remove(house: House, cart: Cart, confirmed: str) -> None:
    """Delete a cart with its listings, posts and differences. Movements that came from it stay. Raise Refused while it is synchronized, or
    if its name was not repeated."""
    if cart.synchronize:
        raise Refused(f"{cart.name} is synchronized: switch it off first with `onhand sync off`.", cart=cart.name)
    if confirmed.strip().casefold() != cart.name.casefold():
        raise Refused(
            "Removing a cart forgets its listings, posts and differences: repeat its name to confirm.",
            cart=cart.name,
            confirm=confirmed,
        )
    house.store.write(lambda books: books.carts.remove(cart.id))


def key_file(house: House, connectors: Connectors, cart: Cart, prefix: str, renew: bool) -> KeyFile:
    """Return the key file of a cart; make a key if there is none, or if a new one is asked for. Raise Refused for a direct cart.

    This is a write even if nothing changes, so that the audit log says who took the key.
    """
    own = cart.settings
    if own.direct:
        raise Refused(
            f"{cart.name} is reached through its database and needs no file: give its password with `onhand cart password`.",
            cart=cart.name,
        )
    fresh = renew or own.secret == ""
    if fresh:
        key_id, secret = connectors.new_key()
        own = replace(own, key_id=key_id, secret=secret)
        cart = replace(cart, settings=own)

    def write(books: Books) -> str:
        if fresh:
            books.carts.edit(cart.id, own)
        return str(settings.values(books)["HintURL"])

    address = house.store.write(write)
    hint_url = f"{address}/hint/{cart.id}" if address else ""
    return KeyFile(own.key_id, connectors.key_file(cart, prefix, hint_url), hint_url)


def keep_password(house: House, cart: Cart, password: str) -> None:
    """Keep the password with which a direct cart's user logs in to the shop's database. Raise Refused for any other cart."""
    _check_direct(cart)
    own = replace(cart.settings, key_id="", secret=password)
    house.store.write(lambda books: books.carts.edit(cart.id, own))


def grants(connectors: Connectors, cart: Cart, host: str, prefix: str | None) -> Grants:
    """Return the rights that a direct cart's user needs. Raise Refused for any other cart."""
    _check_direct(cart)
    return connectors.grants(cart, host, prefix)


def _checked(connectors: Connectors, wanted: Settings) -> Settings:
    whole = connectors.complete(wanted)
    connectors.check_address(whole)
    if not whole.name.strip():
        raise Refused("A cart needs a name.", name=whole.name)
    return whole


def _with_its_secret(connectors: Connectors, now: Settings, before: Settings) -> Settings:
    """Return the settings to keep. A password goes only to the server and user it was entered for, and a key is not a password."""
    connectors.check_address(now)
    return now if connectors.same_login(now, before) else replace(now, key_id="", secret="")


def _as_entered(own: Settings) -> dict[str, object]:
    """Return the settings that people edit, as a page shows them."""
    names = ("name", "url", "allow_http", "active", "policy", "buffer", *SYSTEM_VALUES)
    values = {name: getattr(own, name) for name in names}
    return {name: value if value is not None else "as the system's" for name, value in values.items()}


def _check_direct(cart: Cart) -> None:
    if not cart.settings.direct:
        raise Refused(
            f"{cart.name} is reached through the file in the shop: only a cart whose address begins with mysql:// has a password.",
            cart=cart.name,
        )
