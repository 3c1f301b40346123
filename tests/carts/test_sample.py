"""Holds the sample shop's connector to the protocol where only this connector can be driven to the edge.

Path: pytest.
Promise: requests are signed here by hand, so that client and connector cannot agree on the same mistake.
Never: repeats what the contract shows already.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from http.client import HTTPConnection

import pytest

from onhand.carts.endpoint import Endpoint
from onhand.carts.sample import SampleShop, Storefront, catalogue, serve
from onhand.carts.sample.connector import Connector, Request
from onhand.domain.sketch import Counters, Sums, cells_of
from onhand.services.ports import Shop
from tests.carts.contract import ShopContract, WireContract
from tests.carts.driver import Product, Wire

KEY_ID, SECRET = "sample-1", "c3" * 32
QUANTITY_MAX = 2**31 - 1


class SampleDriver:
    """The shop's own side for the contract, through the sample shop's careless functions."""

    family = "oscommerce"
    engine = "SQLite"
    sku_length = 12
    quantity_max = QUANTITY_MAX
    reactivates = True
    stamped = False
    quantity_min = -QUANTITY_MAX - 1
    ordered_max = 2**31 - 1
    letters = "Ω – 漢字, ελληνικά, שלום"

    def __init__(self, shop: SampleShop, storefront: Storefront) -> None:
        self.url = storefront.connector_url
        self._shop = shop
        self._client = Endpoint(storefront.connector_url, KEY_ID, SECRET, clock=time.time)
        self.prepare, self.pay, self.abandon = shop.prepare, shop.pay, shop.abandon
        self.remove_order, self.delete_product = shop.delete_order, shop.delete_product

    def shop(self) -> Shop:
        return self._client

    def add_product(self, model: str | None, quantity: int, name: str = "", status: int = 1, ordered: int = 0) -> int:
        return self._shop.add_product(model, name, quantity, status=status, ordered=ordered)

    def sell(self, product: int, n: int) -> int:
        return self._shop.buy(product, n)

    def sell_order(self, lines: Sequence[tuple[int, int]]) -> int:
        return self._shop.buy_all(lines)

    def set_order_status(self, order: int, status: int) -> None:
        self._write("UPDATE orders SET orders_status = ? WHERE orders_id = ?", status, order)

    def lines_of(self, order: int) -> list[int]:
        with self._shop.connection() as db:
            lines = db.execute(
                "SELECT orders_products_id FROM orders_products WHERE orders_id = ? ORDER BY 1", (order,)
            )
            return [line for (line,) in lines]

    def add_line(self, line: int, order: int, product: int, n: int) -> None:
        self._write(
            "INSERT INTO orders_products (orders_products_id, orders_id, products_id, products_model, products_name,"
            " products_price, final_price, products_quantity)"
            " SELECT ?, ?, products_id, products_model, '', 1, 1, ? FROM products WHERE products_id = ?",
            line, order, n, product,
        )  # fmt: skip

    def delete_order_row(self, order: int) -> None:
        self._write("DELETE FROM orders WHERE orders_id = ?", order)

    def set(self, product: int, *, modified: bool = True, **columns: int | str | None) -> None:
        given = {name: value for name, value in columns.items() if value is not None}
        self._shop.admin_set(product, modified=modified, **given)

    def row(self, product: int) -> Product | None:
        ware = self._shop.find(product)
        return ware and Product(ware.quantity, ware.ordered, ware.status, ware.sku, ware.modified)

    def make_download(self, product: int) -> None:
        self._shop.set_switch("DOWNLOAD_ENABLED", "true")
        self._write(
            "INSERT INTO products_attributes (products_attributes_id, products_id) VALUES (?, ?)", product, product
        )
        self._write("INSERT INTO products_attributes_download VALUES (?, 'book.pdf')", product)

    def leave_begun(self, first: int, last: int) -> None:
        self._write("UPDATE onhand_state SET begun_first = ?, begun_last = ?", first, last)

    def busy(self) -> AbstractContextManager[object]:
        return self._shop.connector_lock

    def _write(self, statement: str, *values: object) -> None:
        with self._shop.connection() as db:
            db.execute(statement, values)


@pytest.fixture
def shop(tmp_path) -> Iterator[SampleShop]:
    shop = SampleShop(tmp_path / "shop.db").create(catalogue(12))
    yield shop
    shop.close()


@pytest.fixture
def storefront(shop) -> Iterator[Storefront]:
    storefront = serve(shop, key_id=KEY_ID, secret=SECRET)
    yield storefront
    storefront.stop()


def b64(raw):
    return f":{base64.b64encode(raw).decode()}:"


def signed(body):
    digest = f"sha-256={b64(hashlib.sha256(body).digest())}"
    params = f'("@method" "@path" "content-digest");created={int(time.time())};keyid="{KEY_ID}";alg="hmac-sha256"'
    base = f'"@method": POST\n"@path": /onhand.php\n"content-digest": {digest}\n"@signature-params": {params}'
    mac = hmac.new(bytes.fromhex(SECRET), base.encode(), hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "Content-Digest": digest,
        "Signature-Input": f"onhand={params}",
        "Signature": f"onhand={b64(mac)}",
    }


def proven(answer, body, request):
    """Whether the answer carries a right signature that is tied to the request."""
    if "Signature" not in answer:
        return False
    params = answer["Signature-Input"].removeprefix("onhand=")
    base = "\n".join(
        [
            f'"@status": {answer["status"]}',
            f'"content-digest": sha-256={b64(hashlib.sha256(body).digest())}',
            f'"signature";req;key="onhand": {request["Signature"].removeprefix("onhand=")}',
            f'"@signature-params": {params}',
        ]
    )
    covered = '("@status" "content-digest" "signature";req;key="onhand");created='
    mac = hmac.new(bytes.fromhex(SECRET), base.encode(), hashlib.sha256).digest()
    return params.startswith(covered) and answer["Signature"] == f"onhand={b64(mac)}"


def ask(storefront, document, body=None):
    """Status, document, and whether the answer was signed for this request."""
    body = json.dumps(document).encode() if body is None else body
    headers = signed(body)
    connection = HTTPConnection(storefront.host, storefront.port, timeout=10)
    connection.request("POST", "/onhand.php", body, headers)
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, json.loads(raw), proven({**answer.headers, "status": answer.status}, raw, headers)


def refused(storefront, document, body=None):
    status, answer, proof = ask(storefront, document, body)
    return status, answer["error"]["code"], proof


class TestSampleShop(ShopContract, WireContract):
    @pytest.fixture
    def driver(self, tmp_path):
        shop = SampleShop(tmp_path / "contract.db").create(allow_checkout=True)
        storefront = serve(shop, key_id=KEY_ID, secret=SECRET)
        driver = SampleDriver(shop, storefront)
        yield driver
        driver.shop().disconnect()
        storefront.stop()
        shop.close()

    @pytest.fixture
    def wire(self, driver):
        return Wire(driver.url, KEY_ID, SECRET)


HELLO = {"verb": "hello"}
APPLY = {"verb": "apply", "epoch": "x", "first": 1}


def test_a_right_request_gets_an_answer_that_is_signed_for_it(storefront):
    status, answer, proof = ask(storefront, HELLO)
    assert (status, answer["ok"], answer["products"], answer["last_seq"], proof) == (200, True, 12, 0, True)


def test_plain_http_from_afar_is_refused_unless_the_owner_allows_it(shop):
    body = json.dumps(HELLO).encode()
    headers = {name.lower(): [value] for name, value in signed(body).items()}
    request = Request("POST", "/onhand.php", headers, body, "192.0.2.7")
    assert Connector(shop, KEY_ID, SECRET).answer(request).status == 403
    assert Connector(shop, KEY_ID, SECRET, allow_http=True).answer(request).status == 200


def test_text_that_is_no_json_however_deep_is_refused(storefront):
    for body in (b"{", b"\xff", b"[" * 100_000, b"9" * 100_000):
        assert refused(storefront, None, body=body) == (400, "request", True)


def test_a_body_over_one_mebibyte_is_too_large_and_the_refusal_is_heard(storefront):
    body = json.dumps({"verb": "hello", "filler": "x" * (3 * 1024 * 1024)}).encode()
    assert refused(storefront, None, body=body) == (413, "too_large", True)


def test_sums_and_cells_are_exact_at_the_ends_of_the_columns_range(shop, storefront):
    ids = [shop.add_product(None, "", quantity) for quantity in (QUANTITY_MAX, QUANTITY_MAX, -(2**31), -(2**31))]
    for id_ in ids[:2]:
        shop.admin_set(id_, ordered=QUANTITY_MAX)
    wares = {ware.product: Counters(ware.quantity, ware.ordered) for ware in shop.stock()}
    total = Sums.total(Sums.of(id_, each.quantity, each.ordered, 1) for id_, each in wares.items())
    look = ask(storefront, {"verb": "look", "after": 0, "low": 0, "limit": 1, "sums": True})[1]
    five = (len(wares), total.quantity, total.ordered, total.quantity_h, total.ordered_h)
    assert look["sums"] == [str(part) for part in five]
    for size in (1, 12, 500):
        cells = ask(storefront, {"verb": "cells", "size": size})[1]["cells"]
        assert cells == [[str(part) for part in cell] for cell in cells_of(wares, size)]


def test_a_file_without_the_shops_tables_is_told_so(shop, storefront):
    with shop.connection() as db:
        db.execute("DROP TABLE products")
    assert refused(storefront, HELLO) == (500, "tables", True)


def test_posts_among_racing_buyers_leave_the_sum_off_by_lost_writes_only(shop, storefront):
    """What the law needs: nothing of ours is written but a relative change, and the counter stays exact."""
    shop.set_switch("STOCK_ALLOW_CHECKOUT", "true")
    before = shop.find(1)
    epoch = ask(storefront, HELLO)[1]["epoch"]
    buyers = [threading.Thread(target=lambda: [shop.buy(2) for _ in range(20)]) for _ in range(3)]
    for buyer in buyers:
        buyer.start()
    for first in range(1, 21):
        answer = ask(storefront, {**APPLY, "epoch": epoch, "first": first, "posts": [[1, -1, 0]]})[1]
        assert (answer["outcome"], answer["last_seq"]) == ("applied", first)
    for buyer in buyers:
        buyer.join()
    after = shop.find(1)
    assert (after.quantity, after.ordered, after.modified) == (before.quantity - 20, 0, None)
    assert shop.find(2).ordered == 60
