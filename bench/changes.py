"""Measures a local change's way: from a clerk's receipt to the moment the shop has committed it.

Ours: an open house with its controller and all its threads at the default tick. The clock starts before the verb
``receive`` is called and stops at the post's ``settled_at``, which ``delivering`` takes the moment the shop's answer is
there. The shop commits before it answers, so this is never less than the truth, and nothing has to be polled.
Floor: ``Endpoint.apply`` of one post to a shop beside it, from call to answer: signature, HTTP, PHP and commit, nothing else.
Older way: one plain HTTP call that does one relative UPDATE in that same shop.
"""

from __future__ import annotations

import random
import time

from sqlalchemy import text

from onhand.domain.shop import Change

from .ground import Driven, Ground, OlderWay, house_of
from .measure import Aim, Finding, Summary, in_turns, milliseconds, percentile

PRODUCTS = 500
PATIENCE_SECONDS = 20.0
P50, P99 = Aim("≤", 4), Aim("≤", 10)


def measure(ground: Ground, quick: bool) -> list[Finding]:
    rounds = 80 if quick else 600
    chance = random.Random(1)
    with ground.shop(PRODUCTS) as shop, ground.shop(PRODUCTS) as beside, house_of(shop) as driven:
        driven.verb("param_set", name="SynchQOH", value="true")
        driven.verb("sync_on", cart="Bench")
        driven.app.start_controller()
        time.sleep(2)
        older, client = OlderWay(beside), beside.new_client()
        hello = client.hello()
        seq = hello.last_seq

        def ours() -> float:
            time.sleep(chance.uniform(0.005, 0.03))  # so that ticks fall anywhere
            return _changed(driven, f"M{chance.randint(1, PRODUCTS)}")

        def bare() -> float:
            nonlocal seq
            seq += 1
            return milliseconds(lambda: client.apply(hello.epoch, seq, [Change(chance.randint(1, PRODUCTS), 1)]))

        def old() -> float:
            return milliseconds(lambda: older.change(chance.randint(1, PRODUCTS), 1))

        in_turns(5, ours, bare, old)
        taken, bared, olden = in_turns(rounds, ours, bare, old)
        _check(driven, shop)
        client.disconnect()
    work = "local change → committed in the shop"
    mine, floor, today = (Summary.of(times, "ms") for times in (taken, bared, olden))
    settled = sorted(taken)
    note = f"p99 of {rounds} each; ours p90 {percentile(settled, 90):.1f} ms"
    return [
        Finding(f"{work}, p50", "bare signed request", mine.p50 / floor.p50, "×", P50, mine, floor),
        Finding(f"{work}, p99", "bare signed request", mine.p99 / floor.p99, "×", P99, mine, floor, note=note),
        Finding(f"{work}, p50", "plain HTTP call (today)", mine.p50 / today.p50, "×", None, mine, today),
    ]


def _changed(driven: Driven, sku: str) -> float:
    """Milliseconds from the call of ``receive`` to the shop's answer."""
    before = driven.app.read(lambda books: books.carts.get(driven.cart.id)).next_seq
    started = driven.app.clock.now()
    driven.verb("receive", lines=[(sku, 1)])
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        settled = driven.app.read(
            lambda books: books._connection.execute(  # noqa: SLF001 - no screen asks for this
                text("SELECT settled_at FROM posts WHERE seq = :seq"), {"seq": before}
            ).scalar()
        )
        if settled is not None:
            return settled / 1000 - started.timestamp() * 1000
        time.sleep(0.002)
    raise RuntimeError("The change did not reach the shop.")


def _check(driven: Driven, shop) -> None:
    """What was timed did happen: the shop shows what we have."""
    here = driven.app.read(lambda books: {item.sku: item.on_hand for item in books.items.all().values()})
    there = dict(shop.sql("SELECT products_model, products_quantity FROM products"))
    if here != there:
        raise RuntimeError("The shop does not show what the books say.")
