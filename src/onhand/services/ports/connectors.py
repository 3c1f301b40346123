"""The port for connectors beyond one open shop: addresses, keys and hints.

Path: ``services.connecting`` checks and keeps what a person enters; ``app`` opens shops; ``carts.connectors`` implements it.
Promise: nothing but protocols and plain values.
Never: knows an implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from onhand.domain.carts import Cart, Settings

from .shop import Shop


@dataclass(frozen=True, slots=True)
class Grants:
    """SQL statements that give a direct cart's user the rights it needs, and no others."""

    statements: dict[str, list[str]]  # by what they are for
    prefix: str | None  # the table prefix they are for; None: it is not known
    text: str  # the same as a script


class Connectors(Protocol):
    """Every way to reach a shop."""

    def open(self, cart: Cart, moved: Callable[[], None] | None = None) -> Shop:
        """Return the shop of a cart. ``moved`` is called when the shop's row log shows a change, if the address asks for that.

        Raises Refused if the cart has no key yet, Permanent if the key cannot be unsealed.
        """

    def complete(self, settings: Settings) -> Settings:
        """Return the settings with the connector file in their address. Raise Refused, with a proposal, if the
        address names another page."""

    def check_address(self, settings: Settings) -> None:
        """Raise Refused if no connector can be reached at this address with these settings."""

    def same_login(self, one: Settings, other: Settings) -> bool:
        """Return whether a secret entered for one of these may be sent to the other: same server, same user."""

    def new_key(self) -> tuple[str, str]:
        """Return a new key id and its secret, 64 hexadecimal digits."""

    def key_file(self, cart: Cart, prefix: str, hint_url: str) -> str:
        """Return the text of the key file for the shop. ``hint_url``: where the shop reports a sale; blank if nowhere."""

    def grants(self, cart: Cart, host: str, prefix: str | None) -> Grants:
        """Return the rights that a direct cart's user needs. ``host``: from where the user logs in."""

    def believes_hint(
        self, cart: Cart | None, path: str, body: bytes, headers: Mapping[str, str], now: datetime
    ) -> bool:
        """Return whether the shop of this cart signed this request a moment ago. Without a cart or a key the answer is no."""
