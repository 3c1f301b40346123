"""Shows that no answer of a shop gets past the border that cannot be true, whoever signed it: verb by verb, lie by lie."""

from __future__ import annotations

import resource
import socket
import threading
import time
from contextlib import suppress

import pytest

from onhand.carts import answers
from onhand.carts.endpoint import Endpoint
from onhand.carts.mysql import MySql
from onhand.carts.sample import SampleShop
from onhand.domain.errors import OnHandError
from onhand.domain.shop import Change, Outcome
from onhand.services import refreshing
from onhand.services.ports import LISTINGS_MAX, ROWS_MAX
from tests.hostile import ENDLESS_ROWS, LIES, HostileShop
from tests.shops.direct import direct
from tests.shops.families import OsCommerce23

KEY_ID, SECRET = "tests-1", "5e" * 32
LETTERS_MAX = 600  # of what a person is shown
MEMORY_MAX_KIB = 400 * 1024  # what a shop may cost while it is read


@pytest.fixture(scope="module")
def shops(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    sample = SampleShop(folder / "shop.db", "Shop").create([("TEA", "Tea", 10, 1.0), ("MUG", "Mug", 5, 1.0)])
    hostile = HostileShop(sample, KEY_ID, SECRET)
    client = Endpoint(hostile.url, KEY_ID, SECRET, clock=time.time)
    yield hostile, client
    client.disconnect()
    hostile.stop()
    sample.close()


def ask(client, verb):
    """One exchange as a service would have it."""
    epoch, last = (said := client.hello()).epoch, said.last_seq
    return {
        "hello": client.hello,
        "look": lambda: client.look(0, 0, ROWS_MAX, True, True),
        "cells": lambda: client.cells(11),
        "listings": lambda: refreshing.all_rows(client),
        "orders": lambda: client.orders([1]),
        "apply": lambda: client.apply(epoch, last + 1, [Change(1, 1)]),
    }[verb]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_lie_is_a_trouble_with_a_code_and_a_sentence(shops, lie):
    hostile, client = shops
    exchange = ask(client, lie.verb)
    with hostile.telling(lie), pytest.raises(OnHandError) as raised:
        exchange()
    assert raised.value.facts["reason"] in lie.reasons
    for said in (raised.value.message, *map(str, raised.value.facts.values())):
        assert len(said) <= LETTERS_MAX
        assert said.encode().decode().isprintable()


@pytest.mark.parametrize("verb", sorted({lie.verb for lie in LIES}))
def test_without_a_lie_each_verb_is_answered(shops, verb):
    """Else the test above could not fail for the right reason."""
    _, client = shops
    ask(client, verb)()


@pytest.mark.slow  # a large answer
def test_products_without_end_are_a_trouble_and_take_bounded_memory(shops):
    hostile, client = shops
    hostile.asked.clear()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with hostile.telling(ENDLESS_ROWS), pytest.raises(OnHandError) as raised:
        refreshing.all_rows(client)
    assert raised.value.facts["reason"] == "answer"
    assert len(hostile.asked) <= LISTINGS_MAX // ROWS_MAX + 1
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < MEMORY_MAX_KIB


def test_a_name_that_is_merely_long_is_shortened(shops):
    hostile, client = shops
    (lie,) = [lie for lie in LIES if lie.verb == "listings" and "[2]" in lie.name]
    long = type(lie)(
        "long",
        "listings",
        lambda answer, _: answer["rows"].__setitem__(0, [1, "TEA", "n" * 1000, 1, 0, 1, None, None, 0]),
    )
    with hostile.telling(long):
        assert client.rows([1])[0].name == "n" * answers.NAME_MAX


def test_numbers_may_travel_as_digits(shops):
    hostile, client = shops
    (lie, *_) = LIES
    digits = type(lie)("digits", "apply", lambda answer, _: answer.update(last_seq=str(answer["last_seq"])))
    said = client.hello()
    with hostile.telling(digits):
        assert client.apply(said.epoch, said.last_seq + 1, [Change(1, 1)]).outcome is Outcome.APPLIED


# The same border before a shop's own database


@pytest.mark.servers
@pytest.mark.parametrize("connector", ["file", "direct"])
@pytest.mark.parametrize(
    "lie",
    [
        ("products_model", "MEDIUMTEXT", "repeat('x', 2000)"),
        ("products_quantity", "BIGINT", "9223372036854775807"),
        ("products_ordered", "BIGINT", "-9223372036854775807"),
    ],
    ids=lambda lie: lie[0],
)
def test_what_no_shop_can_mean_is_a_trouble_by_either_connector(mariadb, php, connector, lie):
    column, kind, value = lie
    shop = direct(OsCommerce23)(mariadb, php)
    product = shop.add_product("TEA", 10)
    client = shop.new_client() if connector == "direct" else OsCommerce23.new_client(shop)
    assert client.listings(0, 10).rows[0].product == product
    shop.sql(f"ALTER TABLE products DROP INDEX IF EXISTS idx_products_model, MODIFY {column} {kind}")
    shop.sql(f"UPDATE products SET {column} = {value}")
    for ask in (lambda: client.listings(0, 10), lambda: client.rows([product])):
        with pytest.raises(OnHandError) as raised:
            ask()
        assert raised.value.facts["reason"] == "answer"
    client.disconnect()
    shop.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x05\x00\x00\x00hello",
        b"\x01\x00\x00\x00\x0a",
        b"\x0a\x00\x00\x00\x0a5.5.5-10\x00\x01",
        b"\x00\x00\x00\x00",
        b"\x03\x00\x00\x00\xff\x00\x00",
        b"\x30\x00\x00\x00\x0anot a version\x00" + b"\x01" * 60,
        b"\xff" * 5000,
    ],
    ids=lambda said: repr(said[:12]),
)
def test_what_is_no_database_is_a_trouble(said):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    with listener.accept()[0] as connection:
                        connection.sendall(said)
                        connection.settimeout(0.2)
                        connection.recv(65536)
                        connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        address = f"mysql://stock@127.0.0.1:{listener.getsockname()[1]}/shop"
        client = MySql(address, "x", clock=time.monotonic, connect_timeout_seconds=1, read_timeout_seconds=1)
        with pytest.raises(OnHandError) as raised:
            client.hello()
        assert raised.value.facts["reason"]
        client.disconnect()
