"""Measures the finding of ten drifts among very many products.

Ours: ``reconciling.suspects``, whole: the shop's cells, our own cells, decoding. The older way: reading the full list of
both sides and comparing, as a person does by eye. Requests and bytes are counted by a relay in between.
"""

from __future__ import annotations

import random

from onhand.carts.endpoint import Endpoint
from onhand.services import reconciling, refreshing

from .ground import Driven, Ground, Wire, house_of, through
from .measure import Aim, Finding, in_turns, milliseconds, ratio

DRIFTS = 10


def measure(ground: Ground, quick: bool) -> list[Finding]:
    products, rounds = (10_000, 5) if quick else (100_000, 5)
    with ground.shop(products) as shop, house_of(shop, create=False) as driven, Wire(shop.php.port) as wire:
        client = through(wire, shop)
        drifted = frozenset(random.Random(7).sample(range(1, products + 1), DRIFTS))
        for n, product in enumerate(sorted(drifted), 1):
            shop.set(product, quantity=1000 + n, modified=False)
        traffic = {"cells": [], "list": []}

        def suspects() -> float:
            wire.reset()
            found = []
            taken = milliseconds(lambda: found.append(reconciling.suspects(driven.app.house, driven.cart, client)))
            if found[0] != drifted:
                raise RuntimeError("The cells did not name the drifts.")
            traffic["cells"].append((wire.requests, wire.bytes, wire.bodies))
            return taken

        def full_list() -> float:
            wire.reset()
            found = []
            taken = milliseconds(lambda: found.append(_compare_all(driven, client)))
            if found[0] != drifted:
                raise RuntimeError("The full list did not name the drifts.")
            traffic["list"].append((wire.requests, wire.bytes, wire.bodies))
            return taken

        ours, theirs = in_turns(rounds, suspects, full_list)
        client.disconnect()
    (requests, size, bodies), (pages, weight, _) = traffic["cells"][-1], traffic["list"][-1]
    work = f"ten drifts found in {products:,}"
    return [
        Finding(f"{work}, requests", "", requests, "", Aim("≤", 1), note=f"the full list takes {pages}"),
        Finding(
            f"{work}, on the wire",
            "",
            size,
            "bytes",
            Aim("<", 2048),
            note=f"without HTTP headers {bodies:,}; the full list {weight:,}",
        ),
        ratio(work, "full list of both sides", ours, theirs, "ms"),
    ]


def _compare_all(driven: Driven, client: Endpoint) -> frozenset[int]:
    there = {row.product: (row.quantity, row.ordered) for row in refreshing.all_rows(client)}
    listings = driven.app.read(lambda books: books.listings.all(driven.cart.id))
    return frozenset(x.product for x in listings if there.get(x.product) != (x.agreed, x.ordered))
