"""Measures a quiet look: what one glance costs when nothing happened, and what it weighs on the wire.

Ours: ``Endpoint.look`` with sums, through PHP. Floor: the same five sums asked by PyMySQL over a connection that is open
already. Bytes are counted by a relay in between: request and answer, headers and bodies, as TCP carries them.
"""

from __future__ import annotations

from onhand.domain.sketch import MULTIPLIER, WORD
from tests.shops.families import OsCommerce23

from .ground import Ground, Wire, through
from .measure import Aim, Finding, in_turns, milliseconds, ratio

H = f"(products_id * {MULTIPLIER} % {WORD})"
SUMS = (
    "SELECT COUNT(*), SUM(products_quantity), SUM(products_ordered),"
    f" SUM(products_quantity * {H}), SUM(products_ordered * {H}) FROM products"
)


def measure(ground: Ground, quick: bool) -> list[Finding]:
    findings = []
    for products in (10_000,) if quick else (10_000, 100_000):
        with ground.shop(products) as shop:
            findings += _of(shop, products, 15 if quick else 41, Aim("≤", 1.5) if products == 100_000 else None)
    return findings


def _of(shop: OsCommerce23, products: int, rounds: int, aim: Aim | None) -> list[Finding]:
    client = shop.shop()
    work = f"quiet look, {products:,} products"

    def look() -> float:
        return milliseconds(lambda: client.look(0, 0, 2000, True, False))

    def bare() -> float:
        return milliseconds(lambda: shop.sql(SUMS))

    seen = client.look(0, 0, 2000, True, False).sums
    assert seen is not None
    if (seen.count, seen.quantity, seen.ordered, seen.quantity_h, seen.ordered_h) != tuple(map(int, shop.sql(SUMS)[0])):
        raise RuntimeError("The two sides of this measurement do not ask for the same sums.")
    in_turns(2, look, bare)
    ours, floor = in_turns(rounds, look, bare)
    with Wire(shop.php.port) as wire:
        counted = through(wire, shop)
        counted.look(0, 0, 2000, True, False)  # the first one learns that the connector understands short signatures
        wire.reset()
        counted.look(0, 0, 2000, True, False)
        counted.disconnect()
        sent, received, bodies = wire.sent, wire.received, wire.bodies
    note = f"{sent} out, {received} back; without HTTP headers {bodies}"
    return [
        ratio(work, "bare aggregate query", ours, floor, "ms", aim),
        Finding(f"{work}, on the wire", "", sent + received, "bytes", Aim("<", 1024), note=note),
    ]
