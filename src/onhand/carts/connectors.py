"""Chooses the connector for a cart, and knows addresses, keys and rights of each kind.

Path: ``app`` opens shops through it; ``services.connecting`` checks what a person enters; hints are verified here.
Promise: a password goes only to the server and user that it was entered for; no answer here repeats a secret, except the key file.
Never: keeps a connection or a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from onhand.domain.carts import Cart, Settings
from onhand.domain.errors import Permanent, Refused
from onhand.services.ports import Clock, Grants, Shop

from . import mysql_rights, signing
from .endpoint import Endpoint, completed
from .mysql import MySql
from .mysql_server import Address


@dataclass(frozen=True, slots=True)
class CartConnectors:
    """All ways to reach a shop; implements ``services.ports.Connectors``. ``holder`` tells this run from one on a copy of the store."""

    clock: Clock
    holder: str

    def open(self, cart: Cart, moved: Callable[[], None] | None = None) -> Shop:
        own, secret = cart.settings, _unlocked(cart)
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
                holder=self.holder,
            )
        return Endpoint(
            own.url,
            own.key_id,
            secret,
            clock=lambda: self.clock.now().timestamp(),
            allow_http=own.allow_http,
            holder=self.holder,
        )

    def complete(self, settings: Settings) -> Settings:
        try:
            return settings if settings.direct else replace(settings, url=completed(settings.url))
        except Permanent as error:
            raise Refused(error.message, **{**error.facts, "url": settings.url}) from error

    def check_address(self, settings: Settings) -> None:
        try:
            if settings.direct:
                Address.of(settings.url)
            else:
                key_id, secret = signing.new_key()
                Endpoint(settings.url, key_id, secret, clock=lambda: 0.0, allow_http=settings.allow_http).disconnect()
        except Permanent as error:
            # An address with a password in it is not repeated.
            raise Refused(error.message, **{**error.facts, "url": "" if settings.direct else settings.url}) from error

    def same_login(self, one: Settings, other: Settings) -> bool:
        return _login(one) == _login(other)

    def new_key(self) -> tuple[str, str]:
        return signing.new_key()

    def key_file(self, cart: Cart, prefix: str, hint_url: str) -> str:
        return signing.key_file(cart.settings.key_id, _unlocked(cart), cart.settings.allow_http, prefix, hint_url)

    def grants(self, cart: Cart, host: str, prefix: str | None) -> Grants:
        address = Address.of(cart.settings.url)
        known = prefix if prefix is not None else address.prefix
        if known is None and cart.hello:
            known = cart.hello.prefix
        statements = mysql_rights.grants(address, known or "", host)
        return Grants(statements, known, mysql_rights.as_text(statements, known))

    def believes_hint(
        self, cart: Cart | None, path: str, body: bytes, headers: Mapping[str, str], now: datetime
    ) -> bool:
        keyed = cart is not None and not cart.settings.direct and cart.settings.secret
        # Without a key a new one is tried, so that the answer takes as long.
        key_id, secret = (cart.settings.key_id, cart.settings.secret) if cart and keyed else signing.new_key()
        try:
            created = signing.Key.of(key_id, secret or "").check_request(path, body, headers)
        except signing.Wrong:
            return False
        return abs(now.timestamp() - created) <= signing.SKEW_SECONDS


def _login(settings: Settings) -> object:
    return Address.of(settings.url).login if settings.direct else None


def _unlocked(cart: Cart) -> str:
    """Return the secret of a cart, blank if it has none yet. Raise Permanent if no key of the key file opens it."""
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
