"""Lets several processes share one store on a server, and kills, suspends and ends them while shops sell."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from onhand.carts.sample import SampleShop
from onhand.wire import DONE, REFUSED
from tests.entrypoints.conftest import Amber, OnServer, connect, until
from tests.postgresql import shared_postgresql

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
NAMES = ("Amber", "Birch", "Cedar")
TAKEN_OVER_SECONDS = 10.0


@pytest.fixture
def onhand(on_server) -> OnServer:
    return on_server


@pytest.fixture
def shops(onhand, tmp_path) -> Iterator[list[Amber]]:
    """Three shops that are kept in sync, with 100 of TEA."""
    shops = []
    onhand("param", "set", "SynchQOH", "True")
    for name in NAMES:
        shop = SampleShop(tmp_path / f"{name}.db", name).create([("TEA", "Green Tea", 100, 5.0)])
        shops.append(Amber(shop, connect(onhand, shop, name)))
        onhand("get-qoh" if name == NAMES[0] else "send-qoh", name, *(["--create"] if name == NAMES[0] else []))
        onhand("sync", "on", name)
    yield shops
    for amber in shops:
        amber.storefront.stop()
        amber.shop.close()


def asked(onhand, statement: str) -> list[tuple]:
    with shared_postgresql().connect(onhand.store.database) as connection:
        return connection.execute(statement).fetchall()


def holders(onhand) -> dict[str, int]:
    """The process that has each cart's lease, by the number of the cart."""
    return dict(
        asked(
            onhand,
            "SELECT name, pid FROM leases JOIN processes USING (holder) WHERE name LIKE 'cart:%' AND drives"
            " AND until > extract(epoch FROM clock_timestamp()) * 1000000",
        )
    )


def shared_out(onhand, *processes) -> bool:
    """Whether these processes share the three carts."""
    held = list(holders(onhand).values())
    return (
        len(held) == 3
        and {held.count(process.pid) for process in processes} <= {1, 2}
        and len(processes) == len(set(held))
    )


def all_show(shops, quantity: int) -> bool:
    return [amber.shop.find("TEA").quantity for amber in shops] == [quantity] * len(shops)


def test_two_controllers_share_the_carts_and_a_sale_shows_everywhere(onhand, shops):
    first = onhand.start("controller")
    until(lambda: shared_out(onhand, first) or set(holders(onhand).values()) == {first.pid})
    second = onhand.start("controller")
    until(lambda: shared_out(onhand, first, second))
    for number, amber in enumerate(shops, 1):
        amber.shop.buy("TEA")
        until(lambda sold=number: all_show(shops, 100 - sold))
    status = onhand.json("status")
    assert sorted(cart for process in status["processes"] for cart in process["carts"]) == sorted(NAMES)
    until(lambda: onhand.json("status")["in_step"])
    assert onhand.json("prove")["holds"]


@pytest.mark.long
def test_the_carts_of_a_killed_controller_are_taken_over(onhand, shops):
    first, second = onhand.start("controller"), onhand.start("controller")
    until(lambda: shared_out(onhand, first, second))
    first.kill()
    killed = time.monotonic()
    for amber in shops:
        amber.shop.buy("TEA")
    until(lambda: all_show(shops, 97), TAKEN_OVER_SECONDS)
    print(f"taken over after {time.monotonic() - killed:.1f} s")
    assert set(holders(onhand).values()) == {second.pid}
    assert asked(onhand, "SELECT sum(quantity) FROM movements WHERE kind = 'sale'") == [(-3,)]


@pytest.mark.long
def test_a_suspended_controller_writes_nothing_when_it_wakes_up(onhand, shops):
    first, second = onhand.start("controller"), onhand.start("controller")
    until(lambda: shared_out(onhand, first, second))
    mine = [name for name, pid in holders(onhand).items() if pid == first.pid]
    first.send_signal(signal.SIGSTOP)
    for amber in shops:
        amber.shop.buy("TEA")
    until(lambda: all_show(shops, 97), TAKEN_OVER_SECONDS)
    epochs = dict(asked(onhand, "SELECT name, epoch FROM leases"))
    first.send_signal(signal.SIGCONT)
    for amber in shops:
        amber.shop.buy("TEA")
    until(lambda: all_show(shops, 94))
    until(lambda: shared_out(onhand, first, second))  # it takes part again, under new epochs
    again = dict(asked(onhand, "SELECT name, epoch FROM leases"))
    for name, pid in holders(onhand).items():
        assert again[name] > epochs[name] if pid == first.pid else name in mine or again[name] == epochs[name]
    assert asked(onhand, "SELECT sum(quantity) FROM movements WHERE kind = 'sale'") == [(-6,)]
    assert asked(onhand, "SELECT count(*) FROM differences") == [(0,)]
    assert onhand.json("prove")["holds"]


@pytest.mark.long
def test_a_controller_that_ends_hands_over_at_once(onhand, shops):
    first, second = onhand.start("controller"), onhand.start("controller")
    until(lambda: shared_out(onhand, first, second))
    first.terminate()
    assert first.wait(10) == DONE
    ended = time.monotonic()
    until(lambda: set(holders(onhand).values()) == {second.pid} and len(holders(onhand)) == 3, 3)
    print(f"handed over {time.monotonic() - ended:.1f} s after the end")


def test_a_booking_in_a_web_process_reaches_the_shops(onhand, shops):
    onhand.start("serve", "--no-controller", "--port", 0)
    assert onhand.json("status")["controller"] is False
    onhand.start("controller")
    until(lambda: onhand.json("status")["in_step"])
    onhand("receive", "TEA=10")
    until(lambda: all_show(shops, 110), 3)


@pytest.mark.long
def test_a_person_aligns_a_cart_that_another_process_drives(onhand, shops):
    onhand.start("controller")
    until(lambda: len(holders(onhand)) == 3)
    with shared_postgresql().connect(onhand.store.database) as connection:
        connection.execute("UPDATE processes SET machine = 'cellar'")  # so commands do their work themselves
    answered = onhand.json("send-qoh", "Amber")
    assert answered["counts"] == {"equal": 1}
    assert onhand.json("cart", "test", "Birch")["cart"] == "Birch"
    until(lambda: len(holders(onhand)) == 3)  # the controller has them back
    shops[0].shop.buy("TEA")
    until(lambda: all_show(shops, 99))


def test_a_file_is_not_shared(onhand, tmp_path):
    alone = OnServer.__bases__[0](tmp_path / "alone.db")
    alone("init")
    assert alone.json("serve", "--no-controller", code=REFUSED)["error"]["code"] == "refused"
