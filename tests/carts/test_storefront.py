"""Holds the sample shop to what it is for: honest pages, careless trade, and a door that opens and shuts.

Path: pytest; the shop runs on a real SQLite file and is called over real HTTP.
Promise: the races shown here are the carts' own, not simulated.
Never: speaks the connector's protocol; that is ``test_sample.py``.
"""

from __future__ import annotations

import json
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlencode

import pytest

from onhand.carts.sample import SampleShop, Storefront, Unavailable, catalogue, serve
from onhand.carts.sample.catalogue import SKU_LENGTH

SHELF = [("TEA-1", "Green Tea", 10, 5.0), ("MUG-1", "Blue Mug", 3, 12.5), ("TEA-2", "Tea <b>&</b> Co", 7, 4.0)]
SECRET = "5a" * 32


@pytest.fixture
def shop(tmp_path) -> Iterator[SampleShop]:
    shop = SampleShop(tmp_path / "shop.db", "Corner Teas").create(SHELF)
    yield shop
    shop.close()


@pytest.fixture
def storefront(shop) -> Iterator[Storefront]:
    storefront = serve(shop, key_id="k", secret=SECRET)
    yield storefront
    storefront.stop()


@dataclass
class Browser:
    """One keep-alive connection."""

    storefront: Storefront

    def __post_init__(self):
        self.connection = HTTPConnection(self.storefront.host, self.storefront.port, timeout=10)

    def ask(self, method, path, headers=None, **form) -> tuple[HTTPResponse, str]:
        body = urlencode(form) if form else None
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        self.connection.request(method, path, body, {**kind, **(headers or {})})
        answer = self.connection.getresponse()
        return answer, answer.read().decode()

    def get(self, path):
        answer, text = self.ask("GET", path)
        assert answer.status == 200
        return text


@pytest.fixture
def browser(storefront) -> Iterator[Browser]:
    browser = Browser(storefront)
    yield browser
    browser.connection.close()


def counters(shop, sku):
    ware = shop.find(sku)
    return ware.quantity, ware.ordered


# Trade


def test_a_sale_takes_from_the_quantity_and_gives_to_the_counter(shop):
    order = shop.buy("TEA-1", 2)
    assert counters(shop, "TEA-1") == (8, 2)
    assert [(o.order, [(line[1], line[2], line[4]) for line in o.lines]) for o in shop.orders()] == [
        (order, [(1, "TEA-1", 2)])
    ]


def test_buyers_at_the_same_moment_lose_all_sales_but_one(shop):
    orders = shop.buy_together("TEA-1", buyers=4, n=2)
    assert len(set(orders)) == 4
    assert counters(shop, "TEA-1") == (8, 8)


def test_thinking_buyers_in_threads_race_by_themselves(shop):
    shop.set_switch("STOCK_ALLOW_CHECKOUT", "true")
    shop.think_seconds = 0.002
    buyers = [threading.Thread(target=lambda: [shop.buy("TEA-1") for _ in range(10)]) for _ in range(4)]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    quantity, ordered = counters(shop, "TEA-1")
    assert ordered == 40
    assert quantity + ordered > 10


def test_the_last_unit_switches_the_product_off_and_the_next_buyer_is_refused(shop):
    shop.buy("MUG-1", 3)
    assert shop.find("MUG-1").status == 0
    with pytest.raises(Unavailable):
        shop.buy("MUG-1")


def test_a_shop_that_allows_it_sells_below_zero_and_stays_on(shop):
    shop.set_switch("STOCK_ALLOW_CHECKOUT", "true")
    shop.buy("MUG-1", 5)
    assert (shop.find("MUG-1").quantity, shop.find("MUG-1").status) == (-2, 1)


def test_an_order_paid_elsewhere_moves_nothing_until_it_is_paid(shop):
    order = shop.prepare("TEA-1", 3)
    assert counters(shop, "TEA-1") == (10, 0)
    shop.pay(order)
    assert counters(shop, "TEA-1") == (7, 3)


def test_an_abandoned_order_is_gone_without_a_trace(shop):
    shop.abandon(shop.prepare("TEA-1", 3))
    assert counters(shop, "TEA-1") == (10, 0)
    assert shop.orders() == []


def test_deleting_an_order_puts_the_goods_back_only_with_restock(shop):
    shop.delete_order(shop.buy("TEA-1", 2), restock=True)
    assert counters(shop, "TEA-1") == (10, 0)
    shop.delete_order(shop.buy("TEA-1", 2), restock=False)
    assert counters(shop, "TEA-1") == (8, 2)


def test_one_order_can_have_many_lines(shop):
    shop.buy_all([("TEA-1", 1), ("MUG-1", 2)])
    assert counters(shop, "TEA-1") == (9, 1)
    assert counters(shop, "MUG-1") == (1, 2)


def test_skus_are_found_in_any_case_and_cut_to_the_columns_width(shop):
    assert shop.find("tea-1").product == 1
    shop.rename("TEA-1", "A-SKU-THAT-IS-TOO-LONG")
    assert shop.find(1).sku == "A-SKU-THAT-I"
    assert shop.find(1).modified is not None


def test_a_product_comes_and_goes(shop):
    product = shop.add_product("NEW", "Newcomer", 4)
    assert shop.find("NEW").product == product
    shop.delete_product(product)
    assert shop.find(product) is None


def test_the_catalogue_is_the_same_each_time_and_its_skus_are_short_and_unique():
    articles = catalogue(1000)
    assert articles == catalogue(1000)
    assert len({article.sku for article in articles}) == 1000
    assert max(len(article.sku) for article in articles) <= SKU_LENGTH


# Pages


def test_the_home_page_shows_every_product_with_its_figures_and_escapes_its_name(shop, browser):
    shop.buy("TEA-1", 4)
    page = browser.get("/")
    assert "<title>Corner Teas</title>" in page
    assert "Tea &lt;b&gt;&amp;&lt;/b&gt; Co" in page
    assert re.search(r'TEA-1.*?class="quantity">6<.*?class="ordered">4<.*?5\.00', page, re.DOTALL)
    assert " style=" not in page
    assert "http" not in page.replace('<svg xmlns="http', "")


def test_without_javascript_a_form_buys_and_leads_back_with_thanks(shop, browser):
    answer, _ = browser.ask("POST", "/buy", product=1, quantity=2)
    assert answer.status == 303
    assert "Thank you" in browser.get(answer.headers["Location"])
    assert counters(shop, "TEA-1") == (8, 2)


def test_a_program_buys_with_json_answers_and_is_told_when_sold_out(browser):
    accept = {"Accept": "application/json"}
    answer, text = browser.ask("POST", "/buy", accept, product=2, quantity=3)
    assert (answer.status, json.loads(text)) == (201, {"order": 1})
    answer, text = browser.ask("POST", "/buy", accept, product=2, quantity=1)
    assert (answer.status, list(json.loads(text))) == (409, ["error"])


def test_a_sold_out_product_has_no_working_button(shop, browser):
    shop.buy("MUG-1", 3)
    assert "<button disabled>Sold out</button>" in browser.get("/")
    assert [p["on"] for p in json.loads(browser.get("/stock.json"))["products"]] == [True, False, True]


def test_the_admin_form_writes_the_number_it_was_loaded_with_over_a_sale(shop, browser):
    loaded = re.search(r'value="(\d+)" required aria-label="Quantity of Green Tea"', browser.get("/admin"))
    shop.buy("TEA-1", 3)
    answer, _ = browser.ask("POST", "/admin/save", product=1, quantity=loaded.group(1))
    assert answer.status == 303
    assert counters(shop, "TEA-1") == (10, 3)


@pytest.mark.parametrize(("restock", "left"), [("1", 10), ("0", 8)])
def test_the_admin_deletes_orders(shop, browser, restock, left):
    order = shop.buy("TEA-1", 2)
    assert "2 × Green Tea" in browser.get("/admin")
    answer, _ = browser.ask("POST", "/admin/delete", order=order, restock=restock)
    assert answer.status == 303
    assert shop.find(1).quantity == left
    assert "No orders yet" in browser.get("/admin")


def test_many_products_come_in_pages(tmp_path):
    shop = SampleShop(tmp_path / "many.db").create(catalogue(130))
    storefront = serve(shop, key_id="k", secret=SECRET)
    try:
        browser = Browser(storefront)
        assert "Page 1 of 3" in browser.get("/")
        assert browser.get("/?page=3").count('<li class="card') == 10
        assert browser.get("/?page=99").count('<li class="card') == 10
        assert len(json.loads(browser.get("/stock.json?page=2"))["products"]) == 60
        browser.connection.close()
    finally:
        storefront.stop()
        shop.close()


# HTTP


@pytest.mark.parametrize(
    ("method", "path", "form", "status"),
    [
        ("GET", "/nowhere", {}, 404),
        ("GET", "/buy", {}, 405),
        ("PUT", "/", {}, 405),
        ("BREW", "/", {}, 501),
        ("HEAD", "/", {}, 200),
        ("GET", "/shop.css", {}, 200),
        ("GET", "/shop.js", {}, 200),
        ("GET", "/art.svg", {}, 200),
        ("POST", "/buy", {"product": "one"}, 400),
        ("POST", "/buy", {"product": "1", "quantity": "0"}, 400),
        ("POST", "/buy", {"product": "99", "quantity": "1"}, 409),
        ("POST", "/buy", {"product": "1", "quantity": "1" * 20_000}, 413),
        ("POST", "/admin/save", {"product": "1", "quantity": "99999999999"}, 400),
        ("GET", "/?page=x", {}, 400),
    ],
)
def test_every_request_gets_a_fitting_status(browser, method, path, form, status):
    answer, _ = browser.ask(method, path, **form)
    assert answer.status == status


def test_another_sites_form_buys_nothing(shop, browser):
    answer, _ = browser.ask("POST", "/buy", {"Sec-Fetch-Site": "cross-site"}, product=1, quantity=1)
    assert answer.status == 403
    assert counters(shop, "TEA-1") == (10, 0)


def test_answers_on_one_connection_come_without_a_pause(browser):
    browser.get("/")
    began = time.monotonic()
    for _ in range(25):
        browser.get("/")
    assert time.monotonic() - began < 25 * 0.04  # a delayed acknowledgement alone takes 40 ms


def test_a_stopped_shop_cuts_its_callers_and_comes_back_on_the_same_port(storefront, browser):
    browser.get("/")
    port = storefront.port
    storefront.stop()
    with pytest.raises(OSError):
        browser.ask("GET", "/")
    with pytest.raises(OSError):
        Browser(storefront).ask("GET", "/")
    storefront.start()
    assert storefront.port == port
    assert "Corner Teas" in Browser(storefront).get("/")


def test_the_shop_runs_as_a_process_of_its_own_and_keeps_its_file(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(secrets.token_hex(32))
    file = tmp_path / "own.db"
    command = [sys.executable, "-m", "onhand.carts.sample", file, "--key-id", "own", "--secret-file", secret]
    for name, left in (("First", 30), ("Second", 22)):  # of 38 slate mugs
        process = subprocess.Popen([*command, "--name", name, "--products", "3"], stdout=subprocess.PIPE, text=True)
        try:
            url, said = process.stdout.readline().strip().split(" ", 1)
            assert said == "First"
            connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
            connection.request("POST", "/buy", "product=2&quantity=8")
            assert connection.getresponse().read() == b""
            connection.close()
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert SampleShop(file).find("MUG-SLATE").quantity == left
