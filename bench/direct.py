"""Measures direct MySQL beside the file in the shop: a quiet look, and a local change's way into the shop.

Ours: ``MySql.look`` with sums, and a house whose cart is reached through its database, both as ``looks`` and ``changes`` have it.
Floors: the same five sums asked by PyMySQL; ``MySql.apply`` of one post in a shop beside it. Beside them: the same through the file.
"""

from __future__ import annotations

import random
import time

from onhand.carts.mysql import MySql
from onhand.domain.shop import Change
from tests.servers import PASSWORD, USER
from tests.shops.families import OsCommerce23

from .changes import PRODUCTS, _changed, _check
from .ground import Ground, house_of
from .looks import SUMS
from .measure import Finding, Summary, in_turns, milliseconds, ratio


def measure(ground: Ground, quick: bool) -> list[Finding]:
    findings = []
    for products in (10_000,) if quick else (10_000, 100_000):
        with ground.shop(products) as shop:
            findings += _looks(shop, products, 15 if quick else 41)
    return findings + _changes(ground, 80 if quick else 600)


def _looks(shop: OsCommerce23, products: int, rounds: int) -> list[Finding]:
    here, file = _direct(shop), shop.shop()
    work = f"quiet look, direct, {products:,} products"

    def look() -> float:
        return milliseconds(lambda: here.look(0, 0, 2000, True, False))

    def through_the_file() -> float:
        return milliseconds(lambda: file.look(0, 0, 2000, True, False))

    def bare() -> float:
        return milliseconds(lambda: shop.sql(SUMS))

    if here.look(0, 0, 1, True, False).sums != file.look(0, 0, 1, True, False).sums:
        raise RuntimeError("The two ways see different sums.")
    in_turns(2, look, bare, through_the_file)
    ours, floor, beside = in_turns(rounds, look, bare, through_the_file)
    here.disconnect()
    return [
        ratio(work, "bare aggregate query", ours, floor, "ms", None),
        ratio(work, "the file in the shop", ours, beside, "ms", None),
    ]


def _changes(ground: Ground, rounds: int) -> list[Finding]:
    chance = random.Random(1)
    with (
        ground.shop(PRODUCTS) as shop,
        ground.shop(PRODUCTS) as other,
        ground.shop(PRODUCTS) as beside,
        house_of(shop) as direct,
        house_of(other) as filed,
    ):
        direct.verb("cart_edit", cart="Bench", url=_address(shop))
        direct.verb("cart_password", cart="Bench", password=PASSWORD)
        for driven in (direct, filed):
            driven.verb("param_set", name="SynchQOH", value="true")
            driven.verb("sync_on", cart="Bench")
            driven.app.start_controller()
        time.sleep(2)
        client = _direct(beside)
        hello = client.hello()
        seq = hello.last_seq

        def ours() -> float:
            time.sleep(chance.uniform(0.005, 0.03))  # so that ticks fall anywhere
            return _changed(direct, f"M{chance.randint(1, PRODUCTS)}")

        def through_the_file() -> float:
            return _changed(filed, f"M{chance.randint(1, PRODUCTS)}")

        def bare() -> float:
            nonlocal seq
            seq += 1
            return milliseconds(lambda: client.apply(hello.epoch, seq, [Change(chance.randint(1, PRODUCTS), 1)]))

        in_turns(5, ours, bare, through_the_file)
        taken, bared, olden = in_turns(rounds, ours, bare, through_the_file)
        _check(direct, shop)
        client.disconnect()
    work = "local change → committed in the shop, direct"
    mine, floor, file = (Summary.of(times, "ms") for times in (taken, bared, olden))
    return [
        Finding(f"{work}, p50", "bare apply", mine.p50 / floor.p50, "×", None, mine, floor),
        Finding(
            f"{work}, p99", "bare apply", mine.p99 / floor.p99, "×", None, mine, floor, note=f"p99 of {rounds} each"
        ),
        Finding(f"{work}, p50", "the file in the shop", mine.p50 / file.p50, "×", None, mine, file),
        Finding(f"{work}, p99", "the file in the shop", mine.p99 / file.p99, "×", None, mine, file),
    ]


def _address(shop: OsCommerce23) -> str:
    return f"mysql://{USER}@127.0.0.1:{shop.mariadb.port}/{shop.database}"


def _direct(shop: OsCommerce23) -> MySql:
    return MySql(_address(shop), PASSWORD, clock=time.monotonic)
