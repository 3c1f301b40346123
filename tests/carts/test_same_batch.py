"""Shows how a shop tells two runs of OnHand apart that post there, by either connector, and with a memory of an older one."""

from __future__ import annotations

import json
import time
from itertools import product as pairs

import pytest

from onhand.carts.endpoint import Endpoint
from onhand.carts.sample import SampleShop, serve
from onhand.domain.errors import Conflict
from onhand.domain.shop import Change, Outcome
from tests.shops.direct import direct
from tests.shops.families import OsCommerce23

ONE, TWO = "1" * 16, "2" * 16
KEY_ID, SECRET = "tests-1", "5e" * 32


@pytest.fixture
def shop(request, mariadb, php):
    shop = direct(OsCommerce23)(mariadb, php)
    yield shop
    shop.close()


def client(shop, connector, holder):
    """Through the file in the shop or directly: both have one memory."""
    if connector == "direct":
        return shop.new_client(holder=holder)
    return OsCommerce23.new_client(shop, holder=holder)


CONNECTORS = ("file", "direct")


@pytest.mark.servers
@pytest.mark.parametrize(("before", "after"), list(pairs(CONNECTORS, CONNECTORS)))
def test_a_batch_of_another_run_is_known_by_either_connector(shop, before, after):
    product = shop.add_product("A", 10)
    one, two = client(shop, before, ONE), client(shop, after, TWO)
    epoch, batch = one.hello().epoch, [Change(product, 5), Change(product + 1, 1)]
    first = one.apply(epoch, 1, batch)
    assert (first.outcome, first.elsewhere) == (Outcome.APPLIED, False)
    again = client(shop, after, ONE).apply(epoch, 1, batch)
    assert (again.outcome, again.failed, again.elsewhere) == (Outcome.ALREADY, {product + 1: "missing"}, False)
    same = two.apply(epoch, 1, batch)
    assert (same.outcome, same.failed, same.elsewhere) == (Outcome.ALREADY, {product + 1: "missing"}, True)
    with pytest.raises(Conflict) as refusal:
        two.apply(epoch, 1, [Change(product, 6), Change(product + 1, 1)])
    assert refusal.value.facts["reason"] == "other"
    assert shop.row(product).quantity == 15


@pytest.mark.servers
@pytest.mark.parametrize("connector", CONNECTORS)
def test_a_memory_of_an_older_connector_is_believed_as_before(shop, connector):
    product = shop.add_product("A", 10)
    one = client(shop, connector, ONE)
    epoch = one.hello().epoch
    one.apply(epoch, 1, [Change(product, 5), Change(product + 1, 1)])
    shop.sql("UPDATE onhand_state SET last_answer = %s", (json.dumps([[product + 1, "missing"]]),))
    again = client(shop, connector, TWO).apply(epoch, 1, [Change(product, 5), Change(product + 1, 1)])
    assert (again.outcome, again.failed, again.elsewhere) == (Outcome.ALREADY, {product + 1: "missing"}, False)
    assert one.apply(epoch, 3, [Change(product, 1)]).outcome is Outcome.APPLIED


def test_the_sample_shop_tells_them_apart_too(tmp_path):
    sample = SampleShop(tmp_path / "shop.db", "Shop").create([("TEA", "Tea", 10, 1.0)])
    front = serve(sample, key_id=KEY_ID, secret=SECRET)
    one, two = (Endpoint(front.connector_url, KEY_ID, SECRET, clock=time.time, holder=name) for name in (ONE, TWO))
    epoch = one.hello().epoch
    assert not one.apply(epoch, 1, [Change(1, 5)]).elsewhere
    assert two.apply(epoch, 1, [Change(1, 5)]).elsewhere
    assert not one.apply(epoch, 1, [Change(1, 5)]).elsewhere
    for each in (one, two):
        each.disconnect()
    front.stop()
    sample.close()
