"""Holds the files that go into a cart beside the hint to what they promise: a hint after a sale, and a decrement that forgets nobody.

Each file runs in real PHP, on the tables of a real installation, with the few names around it that it touches (``around/``).
In whole carts they are tried by hand, see docs/hints.md.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onhand.carts.signing import key_file, new_key
from tests.servers import shared_mariadb, shared_php
from tests.shops.families import Phoenix, ZenCart15
from tests.shops.shop import CONNECTOR, FamilyShop

pytestmark = [pytest.mark.servers, pytest.mark.long]

HOOKS = CONNECTOR.with_name("hooks")
AROUND = Path(__file__).parent / "around"
BUYERS, ROUNDS = 8, 5


class Checkout:
    """A shop with the safe decrement in it, and buyers."""

    def __init__(self, shop: FamilyShop) -> None:
        self.shop = shop
        shutil.copytree(HOOKS / shop.family / "safe-decrement", shop.root, dirs_exist_ok=True)
        shutil.copy(AROUND / f"{shop.family}.php", shop.root / "around.php")

    def take(self, *products, decrement: bool = True, **settings: str):
        """Take these products, each [id, units, …]; the settings are the shop's."""
        body = json.dumps({"settings": settings, "products": products, "decrement": decrement}).encode()
        request = urllib.request.Request(f"{self.shop.base_url}/around.php", body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read() or "null")

    def stands(self, product: int) -> tuple[float, int]:
        row = self.shop.row(product)
        return row.quantity, row.status

    def download(self, product: int, option: int = 1, value: int = 1, file: str | None = "manual.pdf") -> None:
        prefix = self.shop.prefix
        self.shop.sql(
            f"INSERT INTO {prefix}products_attributes (products_id, options_id, options_values_id, options_values_price, price_prefix)"
            " VALUES (%s, %s, %s, 0, '+')",
            (product, option, value),
        )
        if file is not None:
            self.shop.sql(
                f"INSERT INTO {prefix}products_attributes_download VALUES (LAST_INSERT_ID(), %s, 7, 5)", (file,)
            )


@pytest.fixture(scope="module")
def phoenix():
    shop = Phoenix(shared_mariadb(), shared_php())
    yield Checkout(shop)
    shop.close()


@pytest.fixture(scope="module")
def zen():
    shop = ZenCart15(shared_mariadb(), shared_php())
    yield Checkout(shop)
    shop.close()


# The safe decrement in CE Phoenix

PHOENIX = {"STOCK_LIMITED": "true", "STOCK_ALLOW_CHECKOUT": "true", "DOWNLOAD_ENABLED": "true"}


def test_in_phoenix_simultaneous_buyers_are_all_counted(phoenix):
    product = phoenix.shop.add_product("TEA", 100)
    with ThreadPoolExecutor(BUYERS) as buyers:
        list(buyers.map(lambda _: phoenix.take(*[[f"{product}{{1}}2", 2]] * ROUNDS, **PHOENIX), range(BUYERS)))
    assert phoenix.stands(product) == (100 - 2 * ROUNDS * BUYERS, 1)


@pytest.mark.parametrize(
    ("sold", "allow", "status"), [(9, "false", 1), (10, "false", 0), (12, "false", 0), (12, "true", 1)]
)
def test_phoenix_switches_a_product_off_by_its_own_rule(phoenix, sold, allow, status):
    product = phoenix.shop.add_product("MUG", 10)
    phoenix.take([product, sold], **{**PHOENIX, "STOCK_ALLOW_CHECKOUT": allow})
    assert phoenix.stands(product) == (10 - sold, status)


def test_phoenix_takes_nothing_of_downloads_or_of_unlimited_stock(phoenix):
    product = phoenix.shop.add_product("PDF", 10)
    phoenix.download(product)
    phoenix.take([product, 3], **PHOENIX)
    assert phoenix.stands(product) == (10, 1)
    phoenix.take([product, 3], **{**PHOENIX, "DOWNLOAD_ENABLED": "false"})
    assert phoenix.stands(product) == (7, 1)
    phoenix.take([product, 3], **{**PHOENIX, "DOWNLOAD_ENABLED": "false", "STOCK_LIMITED": "false"})
    assert phoenix.stands(product) == (7, 1)


def test_the_row_for_phoenix_is_read_after_the_shops_own_and_goes_again(phoenix):
    """The shop reads its hooks without an order, the later row of one code counts; that is the way InnoDB hands them out."""
    sql = phoenix.shop.sql
    own = ("shop", "after", "afterStart", "_21_update_stock", "Checkout", "update_stock")
    names = "hooks_site, hooks_group, hooks_action, hooks_code, hooks_class, hooks_method"
    sql("DELETE FROM hooks")
    for n in range(30):
        sql(f"INSERT INTO hooks ({names}) VALUES ('shop', 'after', 'afterStart', %s, 'Other', 'other')", (f"_{n}",))
    sql(f"INSERT INTO hooks ({names}) VALUES (%s, %s, %s, %s, %s, %s)", own)
    asked = "SELECT hooks_class FROM hooks WHERE hooks_site = 'shop' AND hooks_group = 'after'"
    _run(phoenix, "switch-on.sql")
    assert [row[0] for row in sql(asked)][-2:] == ["Checkout", "hook_shop_after_onhand_decrement"]
    _run(phoenix, "switch-off.sql")
    assert [row[0] for row in sql(asked)][-1] == "Checkout"


def _run(checkout: Checkout, file: str) -> None:
    text = (checkout.shop.root / file).read_text()
    checkout.shop.sql("\n".join(line for line in text.splitlines() if not line.startswith("--")).rstrip(";\n"))


# The safe decrement in Zen Cart

ZEN = {"DOWNLOAD_ENABLED": "true", "SHOW_PRODUCTS_SOLD_OUT": "0", "STOCK_REORDER_LEVEL": "5"}


def test_in_zen_cart_simultaneous_buyers_are_all_counted(zen):
    product = zen.shop.add_product("TEA", 100)
    with ThreadPoolExecutor(BUYERS) as buyers:
        answers = list(buyers.map(lambda _: zen.take(*[[f"{product}:1f", 2]] * ROUNDS, **ZEN), range(BUYERS)))
    assert zen.stands(product) == (100 - 2 * ROUNDS * BUYERS, 1)
    assert {"".join(answer["events"]) for answer in answers} == {"NOTIFY_ORDER_PROCESSING_STOCK_DECREMENT_INIT"}
    assert not any(any(answer["follows"]) for answer in answers), "the shop's own step must not follow"


@pytest.mark.parametrize(("sold", "show", "status"), [(9, "0", 1), (10, "0", 0), (12, "0", 0), (12, "1", 1)])
def test_zen_cart_switches_a_product_off_by_its_own_rule(zen, sold, show, status):
    product = zen.shop.add_product("MUG", 10)
    zen.take([product, sold], **{**ZEN, "SHOW_PRODUCTS_SOLD_OUT": show})
    assert zen.stands(product) == (10 - sold, status)


def test_zen_cart_sells_halves(zen):
    product = zen.shop.add_product("YARN", 10)
    zen.take([product, 1.5], **ZEN)
    shown = zen.shop.sql(f"SELECT products_quantity FROM {zen.shop.prefix}products WHERE products_id = %s", (product,))
    assert shown == [(8.5,)]


def test_zen_cart_hears_of_low_stock_in_its_own_words(zen):
    product = zen.shop.add_product("CAP", 10)
    assert zen.take([product, 4], **ZEN)["mail"] == ""
    line = f'M{product}\t\t "Thing {product}" (#{product})\t\t In stock: 5\n'
    assert zen.take([product, 1], **ZEN)["mail"] == line


def test_zen_cart_takes_nothing_of_the_option_that_is_a_download(zen):
    product = zen.shop.add_product("BOOK", 10)
    zen.download(product, 3, 1, "book.pdf")
    zen.download(product, 3, 2, None)  # the same on paper
    zen.take([product, 1, [3, 1]], **ZEN)
    assert zen.stands(product) == (10, 1)
    zen.take([product, 1, [3, 2]], **ZEN)
    assert zen.stands(product) == (9, 1)
    zen.take([product, 1, [3, 1]], **{**ZEN, "DOWNLOAD_ENABLED": "false"})
    assert zen.stands(product) == (8, 1)
    prefix = zen.shop.prefix
    zen.shop.sql(f"UPDATE {prefix}products SET product_is_always_free_shipping = 2 WHERE products_id = %s", (product,))
    zen.take([product, 1, [3, 1]], **ZEN)
    assert zen.stands(product) == (7, 1)


def test_what_zen_carts_own_step_would_not_find_is_left_alone(zen):
    product = zen.shop.add_product("ENGRAVED", 10)
    answer = zen.take([product, 1, [9, 9]], **ZEN)
    assert (zen.stands(product), answer["follows"], answer["mail"]) == ((10, 1), [False], "")


@pytest.mark.parametrize(
    "settings", [{"TABLE_PRODUCTS_OPTIONS_STOCK": "x"}, {"TABLE_PRODUCTS_WITH_ATTRIBUTES_STOCK": "x"}]
)
def test_where_an_add_on_keeps_stock_by_variant_zen_carts_own_step_follows(zen, settings):
    product = zen.shop.add_product("SHIRT", 10)
    assert zen.take([product, 1], **ZEN, **settings)["follows"] == [True]
    assert zen.stands(product) == (10, 1)


def test_what_somebody_else_forbade_zen_cart_is_not_taken_here_either(zen):
    product = zen.shop.add_product("GIFT", 10)
    assert zen.take([product, 1], decrement=False, **ZEN)["follows"] == [False]
    assert zen.stands(product) == (10, 1)


# The hint, in each cart

SALE = {
    "phoenix": (
        "includes/hooks/shop/after/onhand_hint.php",
        "{file} $hook = new hook_shop_after_onhand_hint(); $hook->listen_afterStart(); $hook->listen_afterStart();",
    ),
    "zencart": (
        "includes/classes/observers/auto.onhand_hint.php",
        (
            "class base {{ function attach(&$o, $events) {{ $this->events = implode($events); }} public $events; }}"
            " {file} $observer = new zcObserverOnhandHint(); $observer->update($observer, $observer->events);"
            " if ($observer->events !== 'NOTIFY_ORDER_AFTER_ORDER_CREATE_ADD_PRODUCTS') echo 'another event';"
        ),
    ),
    "modified": ("includes/extra/checkout/checkout_process_order/onhand_hint.php", "{file} {file}"),
    "gambio": (
        "GXModules/OnHand/Hint/Shop/Overloads/CheckoutProcessProcess/OnHandHintCheckoutProcess.inc.php",
        (
            "class OnHandHintCheckoutProcess_parent {{ public function process_products() {{ echo 'taken, '; }} }}"
            " {file} $process = new OnHandHintCheckoutProcess(); $process->process_products();"
        ),
    ),
}


@pytest.mark.parametrize("family", SALE)
@pytest.mark.parametrize("installed", [True, False])
def test_a_sale_is_hinted_at_once_when_the_page_is_done(tmp_path, family, installed):
    path, page = SALE[family]
    shutil.copytree(HOOKS / family / "hint", tmp_path, dirs_exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as onhand:
        port = onhand.getsockname()[1]
        if installed:
            shutil.copy(CONNECTOR.with_name("onhand-hint.php"), tmp_path)
        (tmp_path / "onhand-key.php").write_text(key_file(*new_key(), False, "", f"http://127.0.0.1:{port}/hint/7"))
        (tmp_path / "page.php").write_text(
            f"<?php define('DIR_FS_CATALOG', __DIR__ . '/'); "
            f"{page.format(file=f'require {path!r};')} echo 'the page'; usleep(100000);"
        )
        run = subprocess.run(["php", "page.php"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert (run.stdout.removeprefix("taken, "), run.stderr) == ("the page", "")
        onhand.settimeout(0.1)
        heard = []
        try:
            while True:
                connection, _ = onhand.accept()
                heard.append(connection.recv(4096).splitlines()[0])
        except TimeoutError:
            pass
        assert heard == ([b"POST /hint/7 HTTP/1.1"] if installed else [])
